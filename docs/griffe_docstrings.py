"""A griffe extension for the site: docstrings written for Sphinx and doctest, as mkdocstrings understands them."""

from __future__ import annotations

import re
from typing import Any

import griffe

_EXAMPLE = re.compile(r"^Example:$", re.MULTILINE)
_ROLE = re.compile(r":(?:class|func|meth|data|mod|attr|exc):`~?(?P<path>[^`]+)`")


class Docstrings(griffe.Extension):
    """Rewrites docstrings before they are parsed: the section ``Example``, and cross-references of Sphinx."""

    def on_instance(self, *, node: Any, obj: griffe.Object, agent: Any, **kwargs: Any) -> None:
        """Rewrite the docstring of an object that was just visited."""
        if obj.docstring is not None:
            text = _EXAMPLE.sub("Examples:", obj.docstring.value)
            obj.docstring.value = _ROLE.sub(lambda role: f"`{role['path'].rpartition('.')[2]}`", text)
