"""``ugst train export-gguf``: write a checkpoint as a GGUF file."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from pytest_ugst.core.errors import UsageError

if TYPE_CHECKING:
    from pytest_ugst.cli.options import Commands


def add_command(commands: Commands) -> None:
    """Add the command."""
    parser = commands.add_parser(
        "export-gguf",
        help="write a checkpoint of the Llama architecture as a GGUF file, to be served fast on a CPU",
        description="Writes model.gguf into the checkpoint's folder. Where there is no GPU, --ugst-sim=CHECKPOINT is "
        "served from it by llama.cpp (pip install xllamacpp).",
    )
    parser.add_argument("checkpoint", metavar="CHECKPOINT", help="a folder; or a GGUF file or smollm2, see --out")
    parser.add_argument("--kind", choices=("q8_0", "q4_0", "f16", "bf16", "f32"), default="q8_0", help="weights (q8_0)")
    parser.add_argument(
        "--out",
        type=Path,
        metavar="PATH",
        help="another file than CHECKPOINT/model.gguf; of a GGUF file, the folder to unpack it into as a checkpoint",
    )
    parser.add_argument("--like", type=Path, metavar="FILE", help="a GGUF file with the same vocabulary (smollm2's)")
    parser.set_defaults(handler=_export)


def _export(args: argparse.Namespace) -> int:
    from pytest_ugst.llm.packaged import PACKAGED
    from pytest_ugst.trainers.common.gguf_export import FILE, export_gguf, unpack

    checkpoint = Path(args.checkpoint)
    if args.checkpoint in PACKAGED or checkpoint.is_file():
        if args.out is None:
            raise UsageError("--out is missing; name a folder for the checkpoint that is made of the GGUF file")
        path = unpack(args.checkpoint, args.out, args.kind) / FILE
    else:
        path = export_gguf(checkpoint, args.out, args.kind, args.like)
    print(f"{path}: {path.stat().st_size / 2**20:.0f} MiB")
    return 0
