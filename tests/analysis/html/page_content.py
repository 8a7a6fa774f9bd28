"""A reader of what a page holds."""

from __future__ import annotations

import base64
import gzip
import json
from html.parser import HTMLParser
from typing import Any


class Page(HTMLParser):
    """The content of a page for a browser: elements in order, and the text of those that hold data or code.

    Attributes:
        tags: All start tags with their attributes.
        scripts: By their ids (``""`` for the code), the text of script elements.
    """

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.scripts: dict[str, str] = {}
        self.style = ""
        self._inside: tuple[str, str] | None = None
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag in ("script", "style"):
            self._inside = (tag, dict(attrs).get("id") or "")

    def handle_endtag(self, tag: str) -> None:
        self._inside = None

    def handle_data(self, data: str) -> None:
        if self._inside is None:
            return
        tag, name = self._inside
        if tag == "style":
            self.style += data
        else:
            self.scripts[name] = self.scripts.get(name, "") + data

    @property
    def index(self) -> dict[str, Any]:
        loaded: dict[str, Any] = json.loads(self.scripts["index"])
        return loaded

    def details(self) -> dict[str, Any]:
        """The opened episodes by id, as the index points to them."""
        chunks = {
            int(name.removeprefix("chunk-")): json.loads(gzip.decompress(base64.b64decode(text)))
            for name, text in self.scripts.items()
            if name.startswith("chunk-")
        }
        return {entry["id"]: chunks[entry["at"][0]][entry["at"][1]] for entry in self.index["episodes"]}
