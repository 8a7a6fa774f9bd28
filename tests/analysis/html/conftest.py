"""A browser for the modules that look at a page; each brings the page itself, as the fixture ``page``."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.browser import Browser, browser


@pytest.fixture(scope="module")
def window() -> Iterator[Browser]:
    with browser() as here:
        yield here


@pytest.fixture
def here(window: Browser, page: Path) -> Iterator[Browser]:
    """The page, opened anew; whatever is done to it, it complains of nothing and asks for nothing."""
    window.open("about:blank")
    window.open(page)
    window.one("#list a")
    yield window
    assert window.complaints() == []
    assert window.requests() == []
