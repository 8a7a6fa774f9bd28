"""Make the pictures of docs/screenshots.md that show the annotation page: play the concierge suite, and annotate.

python benchmarks/annotation_screenshots.py [--out docs/images]
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from page_screenshots import play, snap  # noqa: E402

from pytest_ugst.runs.reader import open_run  # noqa: E402
from tests.analysis.agreement.annotate.served_page import served  # noqa: E402
from tests.browser import Browser, browser  # noqa: E402

EPISODE = "dinner-and-puppets"


def keys(page: Browser, *pressed: str) -> None:
    """Press keys one after the other, as a person would."""
    for key in pressed:
        page.press(key)
        time.sleep(0.15)


def main() -> None:
    """Play the suite, annotate an episode and write the pictures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=ROOT / "docs" / "images")
    out = parser.parse_args().out
    home = Path(tempfile.mkdtemp(prefix="ugst-shots-"))
    play(home, "agenda:contradiction", "contradicting")
    episodes = [open_run(home, "contradicting").journal.get(EPISODE)]
    for name, dark, phone in (("turn", False, False), ("done", True, False), ("phone", False, True)):
        size = (390, 844) if phone else (1280, 820)
        with served(home / f"{name}.json", episodes) as url, browser(*size, dark=dark, phone=phone) as page:
            page.open(f"{url}#{EPISODE}")
            page.wait(lambda: page.text("#place").startswith("Turn 1"))
            # After turn 1: no "please" (against the policy), a kind of food, a part of town, a preference.
            keys(page, "j", "2", "j", "j", "3", "j", "3", "j", "j", "2", "ENTER")
            keys(page, "2", "j", "3", "j", "3")
            if name == "done":
                keys(page, *["ENTER"] * (len(episodes[0].conversation.turns)))
                page.wait(lambda: page.one("#agreement").is_displayed())
                page.js("scrollTo(0, 0)")
            time.sleep(0.4)
            snap(page, out / f"annotate-{name}.png")


if __name__ == "__main__":
    main()
