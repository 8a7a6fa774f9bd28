"""Goals by what names them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from pytest_ugst.core.errors import GoalFileError, UsageError
from pytest_ugst.core.goal import Goal
from pytest_ugst.core.registry import Registry
from pytest_ugst.roles.goal_lookup import find_goals
from tests.factories import make_goal


@pytest.fixture
def registry() -> Registry:
    """Goals of two parts by the name ``town``."""

    def town(split: str | None) -> Iterator[Goal]:
        for part in ("test", "train"):
            if split in (None, part):
                yield from (make_goal(f"{part}-{n}", tags=[part, *(["hard"] if n else [])]) for n in range(2))

    made = Registry()
    made.goal_source("town", town)
    return made


def write(path: Path, *names: str, tags: tuple[str, ...] = ()) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    documents = [{"id": name, "goal": f"You want {name}.", "tags": tags} for name in names]
    path.write_text("\n---\n".join(json.dumps(document) for document in documents))


def ids(names: Any, registry: Registry, *folders: Path, **more: Any) -> list[str]:
    return [goal.id for goal in find_goals(names, registry=registry, folders=folders, **more)]


def test_a_source_gives_the_part_that_its_name_or_the_split_asks_for(registry: Registry) -> None:
    assert ids("town", registry) == ["test-0", "test-1", "train-0", "train-1"]
    assert ids("town", registry, split="train") == ["train-0", "train-1"]
    assert ids("town:test", registry) == ["test-0", "test-1"]
    assert ids("town:test", registry, split="train") == ["test-0", "test-1"]  # the name is closer


def test_files_and_folders_are_found_from_the_first_folder_that_has_them(registry: Registry, tmp_path: Path) -> None:
    here, there = tmp_path / "here", tmp_path / "there"
    write(here / "a.goal.yaml", "a", tags=("test",))
    write(there / "a.goal.yaml", "other")
    write(there / "goals" / "b.goal.yaml", "b", tags=("train",))
    write(there / "goals" / "c.goal.yaml", "c", tags=("test",))
    (there / "goals" / "notes.txt").write_text("no goals")
    assert ids("a.goal.yaml", registry, here, there) == ["a"]
    assert ids("a.goal.yaml", registry, there, here) == ["other"]
    assert ids(str(here / "a.goal.yaml"), registry, there) == ["a"]
    assert ids(Path("goals"), registry, here, there) == ["b", "c"]
    assert ids("goals", registry, there, split="test") == ["c"]


def test_a_list_takes_all_kinds(registry: Registry, tmp_path: Path) -> None:
    write(tmp_path / "a.goal.yaml", "a")
    own = make_goal("own")
    assert ids(["town:train", "a.goal.yaml", own], registry, tmp_path) == ["train-0", "train-1", "a", "own"]
    assert ids(own, registry) == ["own"]


def test_tags_are_all_asked_for(registry: Registry) -> None:
    assert ids("town", registry, tags=["hard"]) == ["test-1", "train-1"]
    assert ids("town", registry, tags=["hard", "train"]) == ["train-1"]


@pytest.mark.parametrize(
    ("names", "more", "message"),
    [
        ("twon", {}, r"^unknown goal source 'twon'; did you mean 'town'\?; nor is there such a file or folder$"),
        ("gone.goal.yaml", {}, "nor is there such a file or folder"),
        ("notes.txt", {}, r"notes.txt: not a goal file; its name has to end with \.goal\.yaml"),
        ([5], {}, r"^ugst marker: goals=5; give a goal source's name, a path, a Goal, or a list of them"),
        ([], {}, r"^ugst marker: no goal of \[\] is left$"),
        ("town", {"tags": ["soft"]}, r"^ugst marker: no goal of 'town' is left after 'soft'$"),
        ("town", {"split": "base", "tags": ["hard"]}, r"is left after split 'base', 'hard'$"),
    ],
)
def test_what_stands_for_no_goal(
    registry: Registry, tmp_path: Path, names: Any, more: dict[str, Any], message: str
) -> None:
    (tmp_path / "notes.txt").write_text("no goals")
    with pytest.raises(UsageError, match=message):
        find_goals(names, registry=registry, folders=[tmp_path], where="ugst marker: ", **more)


def test_a_folder_with_one_id_twice_is_refused(registry: Registry, tmp_path: Path) -> None:
    write(tmp_path / "goals" / "a.goal.yaml", "tea")
    write(tmp_path / "goals" / "b.goal.yaml", "tea")
    with pytest.raises(GoalFileError, match="tea"):
        find_goals("goals", registry=registry, folders=[tmp_path])
