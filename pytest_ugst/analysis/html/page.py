"""The page built from its parts: template, styles, scripts and data in one file that loads nothing else."""

from __future__ import annotations

import base64
import hashlib
import html
from collections.abc import Iterable
from importlib import resources
from typing import Any

from pytest_ugst.analysis.html.embedding import embed
from pytest_ugst.core.text import one_line

STYLES = ("base.css", "overview.css", "episodes.css", "episode.css")
SCRIPTS = (
    *("text.js", "data.js", "filters.js"),
    *("charts.js", "overview.js", "list.js"),
    *("quotes.js", "state.js", "talk.js", "episode.js", "main.js"),
)
"""Scripts in the order in which they depend on each other."""
_ASSETS = resources.files("pytest_ugst.analysis.html") / "assets"


def render_page(title: str, index: Any, chunks: Iterable[str]) -> str:
    """Return the page as HTML.

    Args:
        title: Title of the window.
        index: JSON-like data of the overview and the list.
        chunks: Compressed details of the episodes, which the index refers to by number.
    """
    style = "".join(_asset(name) for name in STYLES)
    script = "".join(_asset(name) for name in SCRIPTS)
    policy = (
        f"default-src 'none'; style-src '{_digest(style)}'; script-src '{_digest(script)}'; img-src data:; "
        "base-uri 'none'; form-action 'none'; require-trusted-types-for 'script'; trusted-types 'none'"
    )
    packed = "\n".join(f'<script type="text/plain" id="chunk-{i}">{chunk}</script>' for i, chunk in enumerate(chunks))
    # One pass over the template, so that placeholders in inserted texts are not replaced.
    parts = {
        "policy": html.escape(policy, quote=True).replace("&#x27;", "'"),
        "title": html.escape(one_line(title, 200)),
        "style": style,
        "script": script,
        "index": embed(index),
        "chunks": packed,
    }
    pieces = _asset("page.html").split("@@")
    return "".join(parts[piece] if i % 2 else piece for i, piece in enumerate(pieces))


def _asset(name: str) -> str:
    return (_ASSETS / name).read_text(encoding="utf-8")


def _digest(text: str) -> str:
    """Return the source expression of a content security policy that allows exactly this text."""
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}"
