from __future__ import annotations

from importlib import import_module

import pytest_ugst as ugst

# What an inner pytest run in this process imports first is forgotten after it. C extensions do not survive that, and
# the package would keep classes that the next run's modules do not know.
for _name in ("numpy", "tabulate", "yaml"):
    import_module(_name)
for _name in ugst.__all__:
    getattr(ugst, _name)
for _name in ("cli.main", "plugin.session", "plugin.terminal"):
    import_module(f"pytest_ugst.{_name}")
