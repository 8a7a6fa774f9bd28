"""The house as docs/architecture.md draws it: every module has its floor, and imports only from floors below."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "pytest_ugst"


def floors() -> dict[str, int]:
    """By room (a module or a package right below ours), its floor: read from the page's table."""
    found: dict[str, int] = {}
    for line in (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8").splitlines():
        row = re.match(r"\| (\d) \| ([^|]+) \|", line)
        if row:
            found |= {name.rstrip("/").removesuffix(".py"): int(row[1]) for name in re.findall(r"`([^`]+)`", row[2])}
    return found


def rooms() -> set[str]:
    """What there is."""
    modules = {path.stem for path in PACKAGE.glob("*.py")} - {"__init__"}
    return modules | {path.parent.name for path in PACKAGE.glob("*/__init__.py")}


def imports(path: Path) -> Iterator[str]:
    """The rooms that a file imports from when it runs; what only a type checker reads is nobody's dependency."""
    waiting: list[ast.AST] = [ast.parse(path.read_text(encoding="utf-8"))]
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING":
            continue
        if isinstance(node, ast.ImportFrom) and (node.module or "").partition(".")[0] == "pytest_ugst":
            names = [f"{node.module}.{alias.name}" for alias in node.names]
            yield from (name.split(".")[1] for name in names)
        waiting += ast.iter_child_nodes(node)


def test_every_room_has_a_floor() -> None:
    assert set(floors()) == rooms()


def test_imports_go_down() -> None:
    floor = floors()
    upwards = []
    for path in sorted(PACKAGE.rglob("*.py")):
        inside = path.relative_to(PACKAGE)
        here = inside.parts[0].removesuffix(".py")
        if here == "__init__":
            continue
        for there in imports(path):
            # Modules that stand alone are neighbours of those on their own floor; packages are not.
            alone = len(inside.parts) == 1 and (PACKAGE / f"{there}.py").exists()
            if (
                there in floor
                and there != here
                and not (floor[there] < floor[here] or (alone and floor[there] == floor[here]))
            ):
                upwards.append(f"{inside} ({floor[here]}) imports {there} ({floor[there]})")
    assert not upwards, "\n".join(upwards)
