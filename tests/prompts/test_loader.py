"""Prompts are data: what ships loads, and what a user brings is checked before anything is spent."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_ugst.core.errors import UsageError
from pytest_ugst.prompts.loader import MAX_BYTES, PROMPTS, Prompts, parse

HEADER = "<!-- version: mine -->\n"


def test_shipped_prompts_are_complete_and_nothing_else_is_shipped() -> None:
    prompts = Prompts.load()
    folder = Path(__file__).parents[2] / "pytest_ugst" / "prompts"
    assert set(prompts.texts) == set(PROMPTS) == {p.name for p in folder.iterdir() if p.suffix == ".md"}
    assert "version:" not in "".join(prompts.texts.values())
    human, _, digest = prompts.version.rpartition("-")
    assert human
    assert len(digest) == 10


@given(st.text())
def test_what_is_filled_in_is_never_searched_for_placeholders(text: str) -> None:
    prompts = Prompts.load()
    for value in (text, f"$goal ${{policy}} {text} {{goal}} $$"):
        assert value in prompts.fill("simulator_system", goal=value, max_turns=3, max_messages=6)


def test_override_takes_the_place_of_one_file_and_shows_in_the_version(tmp_path: Path) -> None:
    (tmp_path / "simulator_greeting.md").write_text(HEADER + "Ahoy! That is $$5.\n", encoding="utf-8")
    (tmp_path / ".notes").write_text("left alone", encoding="utf-8")
    shipped, mine = Prompts.load(), Prompts.load(tmp_path)
    assert mine.fill("simulator_greeting") == "Ahoy! That is $5."
    assert mine.texts["judge_rules.md"] == shipped.texts["judge_rules.md"]
    assert "mine" in mine.version
    assert mine.version != shipped.version
    assert Prompts.load(tmp_path).version == mine.version
    (tmp_path / "simulator_greeting.md").write_text(HEADER + "Ahoy!", encoding="utf-8")
    assert Prompts.load(tmp_path).version != mine.version


def test_prompts_of_reports_have_no_part_in_a_runs_version(tmp_path: Path) -> None:
    (tmp_path / "quality_coherence.md").write_text(HEADER + "Rate $chat for $goal.", encoding="utf-8")
    shipped, mine = Prompts.load(), Prompts.load(tmp_path)
    assert mine.version == shipped.version
    assert mine.digest("quality_coherence") != shipped.digest("quality_coherence")
    assert mine.digest("quality_naturalness") == shipped.digest("quality_naturalness")


def test_a_windows_editor_changes_nothing(tmp_path: Path) -> None:
    text = "\ufeff" + HEADER + "One.\nTwo.\n"
    (tmp_path / "simulator_greeting.md").write_bytes(text.replace("\n", "\r\n").encode())
    assert Prompts.load(tmp_path).fill("simulator_greeting") == "One.\nTwo."


@pytest.mark.parametrize(
    ("name", "content", "shown"),
    [
        ("judge_profil.md", b"", "did you mean 'judge_profile.md'"),
        ("simulator_greeting.md", b"Hello!", "first line has to be"),
        ("simulator_greeting.md", HEADER.encode() + b"  \n", "no text"),
        ("simulator_greeting.md", HEADER.encode() + b"\xff\xfe", "not UTF-8"),
        ("simulator_greeting.md", HEADER.encode() + b"$goal", "unknown placeholder 'goal'"),
        ("simulator_greeting.md", HEADER.encode() + b"costs 5 $", "lone $"),
        ("simulator_greeting.md", HEADER.encode() + b"x" * MAX_BYTES, "larger than 64 KiB"),
        ("judge_profile.md", HEADER.encode() + b"$component only", "$turn is missing"),
        ("judge_profile.md", HEADER.encode() + b"$component $turn $componet", "did you mean 'component'"),
    ],
)
def test_a_bad_file_is_named_with_the_remedy(tmp_path: Path, name: str, content: bytes, shown: str) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(UsageError) as caught:
        Prompts.load(tmp_path)
    assert shown in str(caught.value)
    assert name in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_missing_folder_and_a_folder_for_a_file_are_usage_errors(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="can't read the folder"):
        Prompts.load(tmp_path / "nowhere")
    (tmp_path / "judge_rules.md").mkdir()
    with pytest.raises(UsageError, match=r"judge_rules\.md"):
        Prompts.load(tmp_path)


@given(st.binary(max_size=200))
def test_no_file_content_gets_past_the_door_with_anything_but_a_usage_error(data: bytes) -> None:
    for content in (data, HEADER.encode() + data):
        with suppress(UsageError):
            assert parse("simulator_greeting.md", content, "here")[0]
