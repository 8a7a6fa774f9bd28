"""``ugst data``."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from pytest_ugst.cli import main
from pytest_ugst.config.data_dirs import USUAL_PLACES, DataMissingError
from tests.archives import FILES, dataset, packed, tar
from tests.file_server import FileServer


@pytest.fixture(autouse=True)
def small(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A small data set in place of the real ones, and a cache folder of our own."""
    files = {**FILES, "tau_bench/envs/wiki.md": b"Be kind."}
    monkeypatch.setattr(
        "pytest_ugst.domains.download.datasets.datasets", lambda: {"tau-bench": dataset(files, "tau-bench")}
    )
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.delenv("UGST_DATA", raising=False)
    monkeypatch.delenv("UGST_MIRROR", raising=False)


@pytest.fixture
def server() -> Iterator[FileServer]:
    with FileServer(packed(tar({**FILES, "tau_bench/envs/wiki.md": b"Be kind."}))) as server:
        yield server


def test_fetched_into_the_cache_folder_and_found_there(
    tmp_path: Path, server: FileServer, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(DataMissingError, match="run 'ugst data fetch tau-bench', or set UGST_DATA"):
        USUAL_PLACES.locate("tau-bench")
    assert main(["data", "fetch", "tau-bench", "--mirror", server.url]) == 0
    folder = tmp_path / "cache" / "pytest-ugst" / "data" / "tau-bench"
    assert USUAL_PLACES.locate("tau-bench") == folder
    said = capsys.readouterr()
    assert "under the MIT licence" in said.out
    assert f"put into {folder}" in said.out
    assert not said.err
    assert main(["data", "fetch", "tau-bench", "--mirror", server.url]) == 0
    assert "already there" in capsys.readouterr().out
    assert len(server.requests) == 1


def test_a_folder_and_a_mirror_of_ones_own(
    tmp_path: Path, server: FileServer, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("UGST_MIRROR", f"{server.url}/from/here")
    assert main(["data", "fetch", "tau-bench", "--to", str(tmp_path / "mine")]) == 0
    assert server.paths == ["/from/here/owner/toys/tar.gz/0123456789abcdef"]
    capsys.readouterr()
    assert main(["data", "list"]) == 0
    assert capsys.readouterr().out.startswith("tau-bench: not here; 'ugst data fetch tau-bench' gets it (MIT licence")
    assert main(["data", "list", "--data", str(tmp_path / "mine")]) == 0
    folder = tmp_path / "mine" / "tau-bench"
    assert capsys.readouterr().out == f"tau-bench: {folder} (as published)\n"
    (folder / "LICENSE").write_text("changed")
    assert main(["data", "list", "--data", str(tmp_path / "mine")]) == 0
    assert "1 of 5 files are not those pinned" in capsys.readouterr().out


def test_what_goes_wrong_is_one_line(server: FileServer, capsys: pytest.CaptureFixture[str]) -> None:
    server.status = [404]
    assert main(["data", "fetch", "tau-bench", "--mirror", server.url]) == 4
    said = capsys.readouterr().err
    assert said.startswith("ugst: http://127.0.0.1")
    assert said.count("\n") == 1


def test_an_unknown_set(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["data", "fetch", "imagenet"])
    assert ended.value.code == 4
    assert "choose from" in capsys.readouterr().err
