"""A griffe extension for the site: docstrings written for Sphinx and doctest, as mkdocstrings understands them."""

from __future__ import annotations

import re
from typing import Any

import griffe

_EXAMPLE = re.compile(r"^Example:$", re.MULTILINE)
_RETURNS = re.compile(r"(?<=^Returns:\n)(?:    .*\n?)+", re.MULTILINE)
_ROLE = re.compile(r":(?:class|func|meth|data|mod|attr|exc):`~?(?P<path>[^`]+)`")


class Docstrings(griffe.Extension):
    """Rewrites docstrings before they are parsed: the section ``Example``, and cross-references of Sphinx."""

    def on_instance(self, *, node: Any, obj: griffe.Object, agent: Any, **kwargs: Any) -> None:
        """Rewrite the docstring of an object that was just visited."""
        if obj.docstring is None:
            return
        text = _EXAMPLE.sub("Examples:", obj.docstring.value)
        text = _ROLE.sub(lambda role: f"`{role['path'].rpartition('.')[2]}`", text)
        # What stands before a colon would be taken for the type of what is returned.
        obj.docstring.value = _RETURNS.sub(lambda block: re.sub(r":(?=\s)", "&#58;", block[0]), text)
