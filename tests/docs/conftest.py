from __future__ import annotations

from importlib import import_module

# As in tests/plugin/conftest.py: an inner pytest run in this process drops what it imports first, which C extensions do
# not survive.
_LIBRARIES = ("aiohttp", "numpy", "pydantic", "regex", "tabulate", "yaml")
for _name in (*_LIBRARIES, "pytest_ugst.cli", "pytest_ugst.plugin.session"):
    import_module(_name)
