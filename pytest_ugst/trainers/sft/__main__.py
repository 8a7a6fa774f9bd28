"""``python -m pytest_ugst.trainers.sft``: the command as a module, for launchers."""

import sys

from pytest_ugst.trainers.sft.train import main

sys.exit(main())
