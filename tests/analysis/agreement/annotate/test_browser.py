"""The annotation page in a headless Chromium."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from pytest_ugst.analysis.agreement.annotate.store import load
from tests.analysis.agreement.annotate.served_page import HOSTILE, served, talk
from tests.browser import Browser, browser

pytestmark = pytest.mark.slow

THREE = ["I return the shoes.", "My card is 4929.", "That is all, bye."]


def chip(page: Browser, component: str) -> str:
    checked = f'[data-id="{component}"] [aria-checked="true"]'
    return page.js("const e = document.querySelector(arguments[0]); return e && e.className", checked) or "settled"


def current(page: Browser) -> str:
    return str(page.js("return document.querySelector('.component.current')?.dataset.id ?? ''"))


def at_turn(page: Browser, words: str) -> None:
    page.wait(lambda: page.text("#place") == words, words)


def test_a_conversation_is_annotated_with_the_keyboard(tmp_path: Path) -> None:
    path = tmp_path / "annotations" / "ann.json"
    with served(path, [talk(1, THREE), talk(2, THREE)]) as url, browser() as page:
        page.open(url)
        page.wait(lambda: len(page.all("#list button")) == 2)
        assert "a-run, annotated by ann" in page.text("#whose")
        page.press("ENTER")
        at_turn(page, "Turn 1 of 3")
        assert len(page.all(".turn")) == 1  # what comes later is not even there
        assert "4929" not in page.driver.page_source
        assert "SECRET" not in page.driver.page_source
        assert current(page) == "profile"
        page.press("ARROW_DOWN", "ARROW_DOWN")
        assert current(page) == "shoes"
        page.press("2")
        page.wait(lambda: chip(page, "shoes") == "ATTEMPTED")
        page.press("ENTER")
        at_turn(page, "Turn 2 of 3")
        # The law: an attempt can't be undone in a later turn.
        page.press("j", "j")
        assert current(page) == "shoes"
        page.press("1")
        assert chip(page, "shoes") == "ATTEMPTED"
        assert page.js("return document.querySelector('[data-id=shoes] .INCOMPLETE').disabled")
        page.press("3")
        page.wait(lambda: chip(page, "shoes") == "COMPLETE")
        page.press("k", "k", "2")
        page.wait(lambda: chip(page, "profile") == "MISALIGNED")
        page.press("ENTER")
        at_turn(page, "Turn 3 of 3")
        assert chip(page, "shoes") == chip(page, "profile") == "settled"  # they need no more input
        assert current(page) == "policy"
        page.press("ENTER")
        page.wait(lambda: page.one("#sure").is_displayed())
        assert "judge" not in page.text("#parts")  # still blind
        page.press("ENTER")
        page.wait(lambda: "agree in" in page.text("#agreement"))
        assert "the judge's" in page.text("#side-title")
        assert "differs" in page.one('[data-id="shoes"]').get_attribute("class")
        assert "differs" not in page.one('[data-id="profile"]').get_attribute("class")
        assert "My card is 4929." not in page.text('[data-id="profile"]')  # folded, where they agree
        page.js("document.querySelector('[data-id=profile] details').open = true")
        assert "turn 2, user: “My card is 4929.”" in page.text('[data-id="profile"]')
        kept = load(path, "ann").episodes["talk-1"]
        assert kept.done
        assert kept.moves == {"shoes": {1: "ATTEMPTED", 2: "COMPLETE"}, "profile": {2: "MISALIGNED"}}
        page.press("ENTER")
        page.wait(lambda: page.text("#talk-title") == "talk-2")
        at_turn(page, "Turn 1 of 3")
        assert page.complaints() == []
        assert all(asked.startswith(url) for asked in page.requests())


def test_keys_change_nothing_that_is_left(tmp_path: Path) -> None:
    """Check that keys pressed before the list has come back set no statuses unseen."""
    path = tmp_path / "ann.json"
    with served(path, [talk(1, THREE), talk(2, THREE)]) as url, browser() as page:
        page.open(f"{url}#talk-1")
        at_turn(page, "Turn 1 of 3")
        page.js(
            "const ask = window.fetch; window.fetch = async (path, options) => {"
            "  if (path === 'api/run') await new Promise((done) => setTimeout(done, 500));"
            "  return ask(path, options); };"
        )
        page.press("l", "ENTER", "2", "ENTER")
        page.wait(lambda: page.one("#list-view").is_displayed())
        assert page.text("#list .state") == "3 turns"
        assert not path.exists()
        page.press("ENTER")
        at_turn(page, "Turn 1 of 3")
        page.press("2")
        page.wait(lambda: chip(page, "profile") == "MISALIGNED")
        assert page.complaints() == []


def test_a_digit_is_meant_for_what_has_the_focus(tmp_path: Path) -> None:
    path = tmp_path / "ann.json"
    with served(path, [talk(1, THREE)]) as url, browser() as page:
        page.open(f"{url}#talk-1")
        at_turn(page, "Turn 1 of 3")
        page.js("document.querySelector('[data-id=shoes] [aria-checked=true]').focus()")
        assert current(page) == "shoes"
        page.press("2")
        page.wait(lambda: chip(page, "shoes") == "ATTEMPTED")
        page.press("k")  # from there on
        above = current(page)
        assert above not in ("", "shoes")
        assert page.js("return document.activeElement.closest('[data-id]').dataset.id") == above
        assert chip(page, "profile") == "ALIGNED"


def test_work_goes_on_where_it_was_left(tmp_path: Path) -> None:
    path = tmp_path / "ann.json"
    with browser() as page:
        with served(path, [talk(1, THREE)]) as url:
            page.open(url)
            page.wait(lambda: page.all("#list button"))
            page.press("ENTER")
            at_turn(page, "Turn 1 of 3")
            page.press("2")
            page.wait(lambda: chip(page, "profile") == "MISALIGNED")
            page.press("ENTER")
            at_turn(page, "Turn 2 of 3")
            # A slip in an earlier turn is put right there.
            page.press("ARROW_LEFT")
            at_turn(page, "Turn 1 of 3")
            page.press("k", "0")
            page.wait(lambda: chip(page, "profile") == "ALIGNED")
            page.press("ARROW_RIGHT")
            at_turn(page, "Turn 2 of 3")
            assert chip(page, "profile") == "ALIGNED"
        page.press("2")
        page.wait(lambda: page.one("#trouble").is_displayed())
        assert "The server is gone" in page.text("#trouble")
        with served(path, [talk(1, THREE)]) as url:
            page.open(f"{url}#talk-1")
            at_turn(page, "Turn 2 of 3")
            assert chip(page, "profile") == "ALIGNED"
            page.press("l")
            page.wait(lambda: "turn 1 of 3 done" in page.text("#list"))


def test_what_a_model_says_is_text(tmp_path: Path) -> None:
    hostile = talk(1, [HOSTILE, HOSTILE * 300])
    goal = hostile.goal.model_copy(
        update={"components": tuple(c.model_copy(update={"text": f"{HOSTILE} {c.text}"}) for c in hostile.components)}
    )
    with served(tmp_path / "ann.json", [hostile.model_copy(update={"goal": goal})]) as url, browser() as page:
        page.open(url)
        page.wait(lambda: page.all("#list button"))
        page.press("ENTER")
        at_turn(page, "Turn 1 of 2")
        page.press("ENTER")
        at_turn(page, "Turn 2 of 2")
        page.press("ENTER")
        page.wait(lambda: page.one("#sure").is_displayed())
        page.press("ENTER")
        page.wait(lambda: page.one("#agreement").is_displayed())
        assert page.driver.title == "Annotate talk-1"
        assert page.all("main img") == []
        assert page.all("main script") == []
        assert "<img src=x onerror=alert(1)>" in page.text(".speech.user")
        assert "\u202e" not in page.driver.page_source
        assert page.complaints() == []


@pytest.mark.parametrize("dark", [False, True])
def test_a_phone_needs_no_keys_and_nothing_sticks_out(tmp_path: Path, dark: bool) -> None:
    episodes = [talk(1, ["w" * 300, "Fine."])]
    with served(tmp_path / "ann.json", episodes) as url, browser(390, 760, dark=dark, phone=True) as page:
        page.open(url)
        page.wait(lambda: page.all("#list button"))
        page.one("#list button").click()
        at_turn(page, "Turn 1 of 2")
        assert page.js("return document.documentElement.scrollWidth <= innerWidth")
        page.js("document.querySelector('[data-id=shoes]').scrollIntoView({block: 'center'})")
        button = page.one('[data-id="shoes"] .COMPLETE')
        assert button.size["height"] >= 44
        button.click()
        page.wait(lambda: chip(page, "shoes") == "COMPLETE")
        page.one("#done").click()
        at_turn(page, "Turn 2 of 2")
        page.one("#done").click()
        page.one("#finish").click()
        page.wait(lambda: page.one("#agreement").is_displayed())
        page.screenshot(tmp_path / f"phone-{'dark' if dark else 'light'}.png")
        colour = page.js("return getComputedStyle(document.body).backgroundColor")
        assert (sum(json.loads(f"[{colour[4:-1]}]")) < 200) is dark


def test_the_labels_can_be_downloaded(tmp_path: Path) -> None:
    with served(tmp_path / "ann.json", [talk(1, THREE)]) as url, browser() as page:
        page.open(url)
        page.wait(lambda: page.all("#list button"))
        text = page.js("return fetch('labels.jsonl').then((answer) => answer.text())")
        assert text == ""  # nothing is done yet
