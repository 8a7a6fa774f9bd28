"""``python -m pytest_ugst.cli``: the ``ugst`` command where it is not on the path."""

import sys

from pytest_ugst.cli import main

sys.exit(main())
