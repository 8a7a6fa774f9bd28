"""``python -m pytest_ugst.trainers.grpo``: the command as a module, for launchers."""

import sys

from pytest_ugst.trainers.grpo.train import main

sys.exit(main())
