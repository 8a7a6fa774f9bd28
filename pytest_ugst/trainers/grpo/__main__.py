"""The command ``ugst train grpo`` as a module (``python -m pytest_ugst.trainers.grpo``), for launchers."""

import sys

from pytest_ugst.trainers.grpo.train import main

sys.exit(main())
