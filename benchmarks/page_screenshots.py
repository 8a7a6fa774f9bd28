"""Make the pictures of docs/screenshots.md that show a run's page: play the concierge suite, and open its page.

    python benchmarks/page_screenshots.py [--out docs/images]

Pillow, where it is installed, makes the pictures a third of the size. The runs are those of the rule-based simulator,
with faults planted in half of the episodes and without; the second is the baseline.
"""

from __future__ import annotations

import argparse
import contextlib
import importlib
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from pytest_ugst.analysis.html.baseline import PageBaseline  # noqa: E402
from pytest_ugst.analysis.html.builder import write_page  # noqa: E402
from pytest_ugst.analysis.regression.baseline import baseline_of  # noqa: E402
from pytest_ugst.runs.reader import open_run  # noqa: E402
from tests.browser import Browser, browser  # noqa: E402

EPISODE = "#e=call-it-off&t=2"


def play(home: Path, simulator: str, name: str) -> None:
    """Play the suite, and move the run to ``home/runs/NAME``, the name that the page shows."""
    command = [sys.executable, "-m", "pytest", "suites/test_concierge.py", "-q", "--ugst-trials=2"]
    subprocess.run(
        [*command, f"--ugst-sim={simulator}", f"--ugst-dir={home / name}"], cwd=ROOT, capture_output=True, check=False
    )
    (home / "runs").mkdir(exist_ok=True)
    next((home / name / "runs").iterdir()).rename(home / "runs" / name)


def look(here: Browser, page: Path, at: str, path: Path) -> None:
    """Open the page at an address and take a picture of it."""
    here.open("about:blank")
    here.open(page.as_uri() + at)
    here.one("#state" if at.startswith("#e=") else "#list a")
    time.sleep(0.6)  # charts are drawn once their size is known
    snap(here, path)


def snap(here: Browser, path: Path) -> None:
    """Take a picture, in as few colours as a page needs."""
    here.screenshot(path)
    with contextlib.suppress(ImportError):
        image = importlib.import_module("PIL.Image")
        image.open(path).convert("RGB").quantize(128, dither=0).save(path, optimize=True)
    print(path, path.stat().st_size)


def main() -> None:
    """Play the suite and write the pictures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=ROOT / "docs" / "images")
    out = parser.parse_args().out
    home = Path(tempfile.mkdtemp(prefix="ugst-shots-"))
    play(home, "agenda:contradiction@0.5", "half-contradicting")
    play(home, "agenda", "faultless")
    page = home / "report.html"
    run = open_run(home, "half-contradicting")
    write_page(run, page, baseline=PageBaseline.of(run, baseline_of(open_run(home, "faultless")), "faultless"))
    with browser(1240, 1200) as here:
        look(here, page, "", out / "report-overview.png")
    with browser(1240, 940) as here:
        look(here, page, EPISODE, out / "report-episode.png")
        look(here, page, "#category=requirement&status=failed&sort=worst", out / "report-list.png")
        here.js("document.querySelector('#episodes').scrollIntoView()")
        time.sleep(0.4)
        snap(here, out / "report-list.png")
    with browser(1240, 940, dark=True) as here:
        look(here, page, EPISODE, out / "report-dark.png")
    with browser(390, 780, phone=True) as here:
        look(here, page, "", out / "report-phone.png")
        look(here, page, EPISODE, out / "report-phone-episode.png")
        here.one("#unfold").click()
        time.sleep(0.3)
        snap(here, out / "report-phone-state.png")


if __name__ == "__main__":
    main()
