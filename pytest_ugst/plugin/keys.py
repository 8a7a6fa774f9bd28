"""Keys of what the plugin keeps on pytest's config and items.

Imported in every pytest run of an environment that has us installed, so it imports nothing heavy.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pytest_ugst.plugin.notes import XdistSession
    from pytest_ugst.plugin.session import PluginSession
    from pytest_ugst.plugin.terminal import Terminal

SESSION: pytest.StashKey[PluginSession] = pytest.StashKey()
"""On the config: the session, once something needed it."""
TERMINAL: pytest.StashKey[Terminal] = pytest.StashKey()
"""On the config: what prints, once something was to be printed."""
XDIST: pytest.StashKey[XdistSession] = pytest.StashKey()
"""On the config of the controlling process of pytest-xdist."""
STRAYED: pytest.StashKey[bool] = pytest.StashKey()
"""On an item: whether the simulator of its episode did not stay with its goal."""
