"""The page in a real browser: where one is, what has the focus, and that both stay when something is drawn anew."""

from __future__ import annotations

from pathlib import Path

import pytest

from pytest_ugst.analysis.html.builder import write_page
from pytest_ugst.core.conversation import Conversation, StopReason, Turn
from tests.analysis.html.dinner_episodes import VERDICTS, aligned, dinner
from tests.browser import Browser
from tests.factories import make_run, verdict

pytestmark = pytest.mark.slow

WORDS = "I am Ann. I want a room by the sea, for two people."


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("page")
    quoted = (
        verdict("home", 1, "ALIGNED"),
        verdict("table", 1, "COMPLETE", quotes=["I am Ann"]),
        verdict("two", 1, "COMPLETE", quotes=["for two people"]),
        *(one for one in VERDICTS if one.component in ("please", "quiet")),
    )
    crowd = Conversation(turns=(Turn(user=WORDS, agent="Yes."),) * 40, stop=StopReason.USER_ENDED)
    episodes = [dinner("dinner"), dinner("quoted", conversation=crowd, verdicts=quoted)]
    episodes += [aligned(f"more-{n:03d}") for n in range(100)]
    path = folder / "report.html"
    write_page(make_run(folder / "run", *episodes), path)
    return path


def test_an_address_that_keeps_fewer_rows_than_were_shown(here: Browser) -> None:
    here.js("addRows()")
    here.all("#list a")[0].click()
    here.one("#episode h1")
    here.js("location.hash = '#outcome=failed'")
    here.wait(lambda: here.text("#count") == "1 of 102 episodes")
    assert len(here.all("#list a")) == 1


def test_a_link_to_the_turn_that_is_shown_leads_there(here: Browser) -> None:
    here.js("location.hash = '#e=quoted'")
    here.one("#talk .turn")
    assert here.js("return scrollY") == 0
    here.js("document.querySelectorAll('.turn')[39].querySelector('h3 a').click()")
    here.wait(lambda: here.js("return scrollY") > 500)


def test_a_quote_shows_its_own_words(here: Browser) -> None:
    here.js("location.hash = '#e=quoted'")
    here.one("#talk .turn")
    for words in ("for two people", "I am Ann"):
        here.js(
            "[...document.querySelectorAll('.quote')].find((e) => e.textContent.includes(arguments[0])).click()", words
        )
        assert here.text("mark.flash") == words
        here.wait(lambda: not here.all("mark.flash"))


def test_what_is_unfolded_stays_so(here: Browser) -> None:
    here.js("document.querySelector('.as-table').open = true")
    here.press("/")
    here.press(*"more-")
    here.wait(lambda: here.text("#count").startswith("100 of"))
    assert here.js("return document.querySelector('.as-table').open")
    here.js("location.hash = '#e=dinner'")
    here.one("#rows .head").click()
    here.js("document.querySelector('.history').open = true; document.querySelector('.history a').focus()")
    here.press("ENTER")
    here.wait(lambda: here.js("return location.hash") == "#e=dinner&t=1")
    assert here.js("return document.querySelector('.history').open")
    assert here.js("return document.activeElement.textContent") == "turn 1"


def test_a_focused_row_lies_in_sight(here: Browser) -> None:
    here.press(*"j" * 30)
    here.press(*"k" * 25)
    bar, top, link = (
        here.js(f"return {element}.getBoundingClientRect().{side}")
        for element, side in (
            ("document.querySelector('#filters')", "bottom"),
            ("document.activeElement", "top"),
            ("document.activeElement", "bottom"),
        )
    )
    assert bar <= top < link <= here.js("return innerHeight")


def test_printed_the_goal_state_is_there_and_the_controls_are_not(here: Browser) -> None:
    here.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "print"})
    try:
        assert not here.one("#filters").is_displayed()
        here.js("location.hash = '#e=dinner'")
        assert here.one("#rows .component").is_displayed()
        assert not here.one(".slide").is_displayed()
    finally:
        here.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": ""})
