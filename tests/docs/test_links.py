"""Links, paths and names in the documentation lead somewhere."""

from __future__ import annotations

import re
import tomllib
from importlib import import_module
from pathlib import Path

import pytest

from tests.docs.pages import DOCS, ROOT, anchors, links, read, sections

PAGES = ["README.md", *(str(path.relative_to(ROOT)) for path in sorted(DOCS.rglob("*.md")))]


@pytest.mark.parametrize("page", PAGES)
def test_links_lead_to_files_and_headings(page: str) -> None:
    here = ROOT / page
    for link in links(read(page)):
        if re.match(r"https?://", link):
            continue
        path, _, anchor = link.partition("#")
        target = (here.parent / path).resolve() if path else here
        assert target.exists(), link
        if anchor and target.suffix == ".md" and not anchor.startswith("pytest_ugst."):
            assert anchor in anchors(target.read_text(encoding="utf-8")), link


def test_every_page_is_in_the_navigation() -> None:
    named = re.findall(r"^\s+- (?:.*: )?([\w/.-]+\.md)$", (ROOT / "mkdocs.yml").read_text(encoding="utf-8"), re.M)
    assert len(named) == len(set(named))
    assert sorted(named) == sorted(str(path.relative_to(DOCS)) for path in DOCS.rglob("*.md"))


def test_pages_that_help_texts_and_docstrings_name_exist() -> None:
    named = {
        match
        for folder in ("pytest_ugst", "goals", "benchmarks")
        for path in (ROOT / folder).rglob("*")
        if path.suffix in (".py", ".yaml", ".html", ".js")
        for match in re.findall(r"docs/[\w/]+\.md", path.read_text(encoding="utf-8"))
    }
    assert named
    assert {name for name in named if not (ROOT / name).is_file()} == set()


@pytest.mark.parametrize("page", [page for page in PAGES if "/results/" not in page and "/adr/" not in page])
def test_modules_and_files_that_pages_name_exist(page: str) -> None:
    text = read(page)
    for name in re.findall(r"`(pytest_ugst(?:\.\w+)+)(?:\([^`]*\))?`", text):
        assert is_importable(name), name
    for path in re.findall(r"`((?:pytest_ugst|tests|benchmarks|goals|suites)/[\w/.-]+)`", text):
        in_a_wheel = path.startswith("pytest_ugst/_shipped/")
        assert in_a_wheel or (ROOT / path).exists() or (ROOT / "pytest_ugst" / path).exists(), path


def test_modules_of_the_architecture_page_exist() -> None:
    modules = [str(path.relative_to(ROOT)) for path in (ROOT / "pytest_ugst").rglob("*.py")]
    named = set(re.findall(r"`([\w/]+\.py)\b", read("docs/architecture.md")))
    assert len(named) > 40
    assert {name for name in named if not any(f"/{module}".endswith(f"/{name}") for module in modules)} == set()


def is_importable(name: str) -> bool:
    """Whether a dotted name is a module of ours, or something in one."""
    parts = name.split(".")
    for at in range(len(parts), 0, -1):
        if any((ROOT / Path(*parts[:at])).with_suffix(end).exists() for end in (".py", "")):
            found: object = import_module(".".join(parts[:at])) if at < len(parts) else None
            for part in parts[at:]:
                found = getattr(found, part, None)
                if found is None:
                    return name == "pytest_ugst.checks"  # a group of entry points
            return True
    return False


def test_the_architecture_page_has_the_order_of_imports() -> None:
    """Its tables name the packages row by row as the contracts of import-linter have them."""
    pyproject = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    contracts = {each["name"]: each["layers"] for each in pyproject["tool"]["importlinter"]["contracts"]}
    text = sections(read("docs/architecture.md"))["Packages"]
    tables = re.findall(r"^\| (packages|`analysis`|`trainers`) \| contents \|\n\|[-|]+\|\n((?:\|.*\n)+)", text, re.M)
    assert len(tables) == len(contracts) == 3
    for heading, table in tables:
        rows = [set(re.findall(r"`(\w+)`", line.split("|")[1])) for line in table.splitlines()]
        layers = contracts["rooms" if heading == "packages" else heading.strip("`")]
        assert rows == [set(layer.split(" | ")) for layer in layers]
