"""The command ``ugst train sft`` as a module (``python -m pytest_ugst.trainers.sft``), for launchers."""

import sys

from pytest_ugst.trainers.sft.train import main

sys.exit(main())
