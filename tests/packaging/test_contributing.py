"""The paths that the pages for contributors name exist."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGES = [
    "CONTRIBUTING.md",
    "tests/README.md",
    "changelog.d/README.md",
    *sorted(str(page.relative_to(ROOT)) for page in (ROOT / "docs" / "adr").glob("*.md")),
]
FILE = re.compile(r"`([\w./-]+/[\w.-]*|[\w-]+\.(?:py|md|json|yml))`")
LINK = re.compile(r"\]\(((?!https?://)[^)#]+)[^)]*\)")
PLACEHOLDER = re.compile(r"NAME|ROOM|^\.ugst/")
"""Parts of names that stand for others, and folders that a run makes."""


def is_there(name: str, page: Path) -> bool:
    """Check whether a path exists from the top, the package, the tests or the page's folder."""
    return any((folder / name).exists() for folder in (ROOT, ROOT / "pytest_ugst", ROOT / "tests", page.parent))


@pytest.mark.parametrize("name", PAGES)
def test_paths_that_are_named_exist(name: str) -> None:
    page = ROOT / name
    text = page.read_text(encoding="utf-8")
    named = {path for path in FILE.findall(text) if not PLACEHOLDER.search(path)}
    missing = sorted(path for path in named if not is_there(path, page))
    missing += sorted(link for link in LINK.findall(text) if not (page.parent / link).exists())
    assert not missing
