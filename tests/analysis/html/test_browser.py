"""The page in a real browser: a way through it by mouse and keyboard, and what hostile output can't do there."""

from __future__ import annotations

import random
import re
from pathlib import Path
from typing import Any

import pytest

from pytest_ugst.analysis.html.baseline import PageBaseline
from pytest_ugst.analysis.html.builder import write_page
from pytest_ugst.analysis.regression.baseline import baseline_of
from pytest_ugst.analysis.regression.comparison import signed
from pytest_ugst.analysis.success.table import percent
from pytest_ugst.core.conversation import Closing, Conversation, StopReason, ToolCall, Turn
from pytest_ugst.core.episode import Episode
from pytest_ugst.core.goal import Component, Goal
from pytest_ugst.core.status import Category
from pytest_ugst.judges.transcript import find_quote
from tests.analysis.html.dinner_episodes import aligned, dinner
from tests.browser import Browser, browser
from tests.factories import make_run, make_setting, verdict

pytestmark = pytest.mark.slow

ATTACKS = (
    "<script>window.hit = 1</script>",
    "</script><script>window.hit = 1</script>",
    "<img src=x onerror='window.hit = 1'>",
    "<svg onload='window.hit = 1'><style>* { display: none }</style>",
    '"><iframe srcdoc="<script>parent.hit = 1</script>"></iframe>',
    "javascript:window.hit=1",
    "<a href='https://attacker.invalid/'>x</a><link rel=stylesheet href='https://attacker.invalid/x.css'>",
    "<meta http-equiv=refresh content='0;url=https://attacker.invalid/'><base href='https://attacker.invalid/'>",
    "${window.hit = 1} {{window.hit = 1}} @@script@@ @@index@@",
)
BLANK = 20_000  # bytes that a picture of an empty page stays far below
OVERRIDE = "pay \u202e0001 orue\u202c now"
CONTROLS = "bell\x07 escape\x1b[31m null\x00 zero\u200bwidth tag\U000e0041 sep\u2028line"


def hostile() -> Episode:
    """Attacks in every place where text can stand."""
    attack = " ".join(ATTACKS)
    part = Component(id="goal", category=Category.OBJECTIVE, text=attack)
    turns = (
        Turn(
            user=attack,
            user_reasoning=attack,
            tool_calls=(ToolCall(id=attack, name=attack, arguments={attack: attack}, result=attack, ok=False),),
            agent=attack,
            agent_reasoning=attack,
        ),
        Turn(user=OVERRIDE, agent=CONTROLS),
        Turn(user="needle " + "x" * 100_000 + " NEEDLE in the hay " + "y" * 5_000, agent="שלום <b>עולם</b>"),
    )
    verdicts = (
        verdict("goal", 1, "INCOMPLETE", reasoning=attack, quotes=[attack]),
        verdict("goal", 2, "ATTEMPTED", reasoning=attack, quotes=[OVERRIDE, (1, "tool", attack)]),
        verdict("goal", 3, "COMPLETE", reasoning=attack, quotes=["needle in the hay", (3, "agent", "<b>עולם</b>")]),
    )
    return dinner(
        goal=Goal(id="hostile", text=attack, components=(part,), tags=(attack,), domain=attack),
        id="hostile",
        conversation=Conversation(
            turns=turns,
            stop=StopReason.USER_ENDED,
            closing=Closing(text=attack, separate=False, reasoning=attack, asked=True),
        ),
        verdicts=verdicts,
        task={attack: 1.0},
    )


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("page")
    broken = Conversation(turns=dinner().conversation.turns[:1], stop=StopReason.AGENT_ERROR, error="no answer")
    episodes = [dinner("dinner"), dinner("dinner", trial=2), aligned("lunch", tags=("noon",)), hostile()]
    episodes += [dinner("broken", conversation=broken), *(aligned(f"more-{n:03d}") for n in range(150))]
    episodes += [aligned("other", setting=make_setting(simulator="others"), task={"task": 0.0})]
    base = make_run(folder / "old", aligned("dinner"), aligned("lunch"))
    path = folder / "report.html"
    run = make_run(folder / "new", *episodes)
    write_page(run, path, baseline=PageBaseline.of(run, baseline_of(base), "old"))
    return path


def rows(here: Browser) -> list[str]:
    found: list[str] = here.js("return [...document.querySelectorAll('#list .id > bdi')].map(e => e.textContent)")
    return found


def ask(here: Browser, name: str, value: str) -> None:
    from selenium.webdriver.support.select import Select

    Select(here.one(f"#f-{name}")).select_by_value(value)


def statuses(here: Browser) -> dict[str, str]:
    found: dict[str, str] = here.js(
        "return Object.fromEntries([...document.querySelectorAll('#rows .component')].map("
        "e => [e.querySelector('.text').textContent, e.querySelector('.status').textContent]))"
    )
    return found


def test_overview(here: Browser, tmp_path: Path) -> None:
    assert here.text("h1") == "new"
    assert "156 episodes of 155 goals" in here.text("#top")
    assert here.all("#charts svg[role=img] title")
    assert here.js("return document.querySelectorAll('#charts figure').length") == 4
    here.screenshot(tmp_path / "overview.png")
    assert (tmp_path / "overview.png").stat().st_size > BLANK
    # What a chart shows is in its table as well, and the same as in the data.
    here.js("document.querySelectorAll('details.as-table').forEach(d => d.open = true)")
    table = here.text("#charts table")
    average = here.js("return INDEX.run.tables.at(-1).rows.at(-1).rates.columns.avg.value")
    assert f"Avg {average:.1f}" in table
    assert "Failure patterns" in here.text("#overview")
    assert "judge 1,404 0" in here.text("#overview")


def test_a_way_through(here: Browser) -> None:
    """Filter, open an episode, step through its turns by keyboard, look at the evidence, go back."""
    ask(here, "category", "policy")
    ask(here, "status", "MISALIGNED")
    assert rows(here) == ["dinner", "dinner@2"]
    assert here.text("#count") == "2 of 156 episodes"
    here.all("#list a")[0].click()
    assert here.text("#episode h1") == "dinner"
    assert "Contradiction" in here.text(".badges")
    assert statuses(here)["Book a table."] == "COMPLETE"
    here.press("HOME")
    assert statuses(here) == {
        "You live in Dunmarsh.": "ALIGNED",
        "You say please in every message.": "ALIGNED",
        "Book a table.": "INCOMPLETE",
        "For two people.": "INCOMPLETE",
        "You prefer a quiet place.": "MISALIGNED",
    }
    assert not here.all(".component.changed")
    here.press("ARROW_RIGHT")
    assert statuses(here)["You prefer a quiet place."] == "ALIGNED"
    here.wait(lambda: here.js("return location.hash") == "#e=dinner&t=1")
    assert [mark.text for mark in here.all("#talk mark")] == ["a quiet restaurant"]
    here.press("ARROW_RIGHT")
    assert "after turn 2 of 3" in here.text("#state-title")
    changed = here.js("return [...document.querySelectorAll('.component.changed .text')].map(e => e.textContent)")
    assert set(changed) == {*statuses(here)} - {"You prefer a quiet place."}
    assert "turn 2" in here.js("return document.querySelector('#announcement').textContent").lower()
    # The judge's quote in other capitals, one that leaves out words, and one of a tool.
    marked = [mark.get_attribute("textContent") for mark in here.all(".turn.now mark")]
    assert marked == ["Yes, ", "for two", ".", "I come from Brindleford", '{"ok": true, "id"', "It is", "CQ-1"]
    assert here.all(".turn.now .call.cited")[0].text.startswith("Toolbook(people=2, id=1152921504606846976)")
    assert [turn.get_attribute("data-turn") for turn in here.all(".turn.later")] == ["3"]
    # Reasoning is there, and folded.
    assert not here.one(".turn .reasoning .said").is_displayed()
    # The reason of a status leads to the words.
    here.one(".component.bad .quote").click()
    here.wait(lambda: here.all("mark.flash"))
    here.press("n")
    here.wait(lambda: here.text("#episode h1") == "dinner@2")
    here.press("ESCAPE")
    here.wait(lambda: here.one("#list a").is_displayed())
    assert rows(here) == ["dinner", "dinner@2"]
    assert "dinner@2" in here.js("return document.activeElement.textContent")
    here.one("#clear").click()
    assert here.text("#count") == "156 episodes"


@pytest.mark.parametrize(
    ("hash", "turn"),
    [("#e=dinner%402&t=1", "after turn 1"), ("#e=dinner@2&t=99", "at the end"), ("#e=dinner@2", "at the end")],
)
def test_a_link_to_a_turn(here: Browser, page: Path, hash: str, turn: str) -> None:
    here.open("about:blank")
    here.open(page.as_uri() + hash)
    assert here.text("#episode h1") == "dinner@2"
    here.wait(lambda: turn in here.text("#state-title"), turn)


def test_a_link_to_nowhere(here: Browser, page: Path) -> None:
    here.open(page.as_uri() + "#e=<img src=x onerror=alert(1)>&t=1")
    here.wait(lambda: "This run has no episode" in here.text("#episode"))
    here.one("#home-link").click()
    here.wait(lambda: here.one("#list a").is_displayed())


def test_numbers_are_rounded_as_in_the_tables(here: Browser, page: Path) -> None:
    values = [
        *(100 * n / 16 for n in range(17)),
        *(100 * n / 400 for n in range(401)),
        99.95,
        99.949,
        0.04,
        56.35,
        2 / 3,
    ]
    assert here.js("return arguments[0].map((v) => [percent(v), fixed(v, 0)])", values) == [
        [percent(v), f"{v:.0f}"] for v in values
    ]
    changes = [0.0, 2.8e-15, -2.25, 2.75, -0.03, 0.25, 12.5]
    assert here.js("return arguments[0].map(signed)", changes) == [signed(v).replace("-", "−") for v in changes]


def test_a_filter_can_be_linked(here: Browser, page: Path) -> None:
    here.open("about:blank")
    here.open(page.as_uri() + "#outcome=broken")
    here.one("#list a")
    assert rows(here) == ["broken"]
    here.one("#list a").click()
    here.wait(lambda: "conversation broke off" in here.text("#talk .ending"))
    assert "ERROR" in statuses(here).values()


@pytest.mark.parametrize(
    ("name", "value", "found"),
    [
        ("sim", "others", ["other"]),
        ("fault", "agent", ["other"]),
        ("pattern", "contradiction", ["dinner", "dinner@2"]),
        ("outcome", "broken", ["broken"]),
        ("status", "ERROR", ["broken"]),
        ("tag", "noon", ["lunch"]),
        ("base", "same", ["lunch"]),
    ],
)
def test_a_filter(here: Browser, name: str, value: str, found: list[str]) -> None:
    ask(here, name, value)
    assert rows(here) == found
    assert f"{name}=" in here.js("return location.hash")


def test_search_in_conversations(here: Browser) -> None:
    here.press("/")
    here.press(*"another Town")  # as a judge's reasoning has it
    here.wait(lambda: rows(here) == ["dinner", "dinner@2"])
    here.js("setFilters({q: 'needle HAY'})")
    assert rows(here) == ["hostile"]
    here.one("#f-q").clear()
    here.js("setFilters({q: 'nothing says this'})")
    here.wait(lambda: here.one("#empty").is_displayed())
    here.js("setFilters({q: '', tag: 'noon'})")
    assert rows(here) == ["lunch"]


def test_sorted_and_against_the_baseline(here: Browser) -> None:
    ask(here, "sort", "worst")
    assert rows(here)[:3] == ["broken", "dinner", "dinner@2"]
    ask(here, "base", "worse")
    assert rows(here) == ["dinner"]
    here.one("#list a").click()
    assert "2 sub-components ended otherwise in the baseline" in here.text(".episode-head")


def test_the_list_grows_and_keys_move_in_it(here: Browser) -> None:
    assert len(rows(here)) < 156
    here.js("document.querySelector('#list a').focus()")
    for _ in range(70):
        here.press("j")
    assert here.js("return document.activeElement.closest('#list') !== null")
    assert len(rows(here)) > 60
    here.press("k", "ENTER")
    here.wait(lambda: here.one("#state").is_displayed())


def test_hostile_output_does_nothing(here: Browser, page: Path) -> None:
    here.js("setFilters({domain: arguments[0], tag: arguments[0]})", " ".join(ATTACKS))
    assert rows(here) == ["hostile"]
    here.all("#list a")[0].click()
    here.one("#state")
    here.js("document.querySelectorAll('details').forEach(d => d.open = true)")
    for key in ("HOME", "ARROW_RIGHT", "ARROW_RIGHT", "ARROW_RIGHT"):
        here.press(key)
        here.js("document.querySelectorAll('.component .head').forEach(b => b.click())")
    assert here.js("return window.hit") is None
    assert not here.all("#episode :is(script, img, iframe, style, b, base, meta, link)")
    assert ATTACKS[0] in here.text("#talk .speech.user")
    assert here.js("return document.querySelectorAll('script').length") == here.js("return CHUNKS + 2")
    assert all(not e.get_attribute("href").startswith("http") for e in here.all("a"))


def test_the_policy_stops_what_a_mistake_of_ours_would_let_in(here: Browser) -> None:
    for mistake in (
        "document.body.innerHTML = '<img src=x onerror=\"window.hit = 1\">'",
        "const e = document.createElement('script'); e.textContent = 'window.hit = 1'; document.body.append(e)",
        "document.body.setAttribute('onclick', 'window.hit = 1'); document.body.click()",
        "fetch('https://attacker.invalid/').catch(() => {})",
        "new Image().src = 'https://attacker.invalid/x.png'",
    ):
        here.js(f"try {{ {mistake} }} catch {{}}")
        assert here.js("return window.hit") is None
        assert here.wait(here.complaints), mistake
    assert here.one("#list a").is_displayed()


def test_unseen_characters_are_shown(here: Browser, page: Path) -> None:
    here.open(page.as_uri() + "#e=hostile&t=2")
    here.wait(lambda: here.text("#episode h1") == "hostile")
    spoken = here.js("return document.querySelectorAll('.turn')[1].textContent")
    assert "pay RLO0001 oruePDF now" in spoken
    assert "bellBEL escapeESC[31m nullNUL zeroZWSPwidth tagU+E0041 sep\nline" in spoken
    assert not re.search("[\u202a-\u202e\u2066-\u2069\x00-\x08]", here.js("return document.body.innerText"))
    assert here.js("return getComputedStyle(document.querySelector('.turn bdi')).unicodeBidi") in (
        "isolate",
        "plaintext",
    )
    # Marked as quoted all the same.
    assert here.js("return document.querySelectorAll('.turn')[1].querySelector('mark').textContent").startswith(
        "pay RLO"
    )


def test_a_long_utterance_is_folded_around_what_was_quoted(here: Browser, page: Path) -> None:
    here.open(page.as_uri() + "#e=hostile&t=3")
    here.wait(lambda: here.text("#episode h1") == "hostile")
    speech = "document.querySelectorAll('.turn')[2].querySelector('.speech.user')"
    here.wait(lambda: here.js(f"return {speech}.querySelectorAll('.gap').length") == 2)
    assert here.js(f"return {speech}.querySelector('mark').textContent") == "NEEDLE in the hay"
    assert here.js(f"return {speech}.textContent.length") < 3_000
    here.js(f"{speech}.querySelector('.gap').click()")
    assert here.js(f"return {speech}.textContent.length") > 105_000


def test_quotes_are_found_as_judges_quotes_are(here: Browser) -> None:
    """The page and ``find_quote`` agree on what stands where, and what the page marks is what was quoted."""
    drawn = random.Random(4)
    pairs = []
    for _ in range(1_000):
        text = "".join(drawn.choices("ab B.,  \n\u00a0’'“\"–-é", k=drawn.randint(1, 25)))
        start = drawn.randrange(len(text))
        quote = text[start : start + drawn.randint(1, 8)]
        for old, new in drawn.sample([("b", "B"), (" ", "  "), ("’", "'"), ("B", " … "), ("a", "x"), ("é", "É")], 2):
            quote = quote.replace(old, new)
        pairs.append((text, drawn.choice(["", '"']) + quote + drawn.choice(["", "...", '"'])))
    spans = here.js("return arguments[0].map(([text, quote]) => locate(text, quote))", pairs)
    heard = [find_quote(Conversation(turns=(Turn(user=text),)), quote, 1, "user") for text, quote in pairs]
    assert [bool(found) for found in spans] == [found is not None for found in heard]
    assert 300 < sum(map(bool, spans)) < 900
    quoted = [(text, quote, found) for (text, quote), found in zip(pairs, spans, strict=True) if len(found) == 1]
    for text, quote, [span] in quoted:
        marked = Conversation(turns=(Turn(user=text[span["start"] : span["end"]]),))
        assert find_quote(marked, quote, 1, "user") is not None


def test_help_and_back(here: Browser) -> None:
    here.press("?")
    assert here.one("#help").is_displayed()
    here.press("ESCAPE")
    assert not here.all("#help[open]")


@pytest.mark.parametrize("dark", [False, True])
def test_on_a_phone(page: Path, tmp_path: Path, dark: bool) -> None:
    with browser(390, 844, phone=True, dark=dark) as here:
        here.open(page)
        here.one("#list a")
        fits = "return document.documentElement.scrollWidth <= innerWidth"
        assert here.js(fits)
        picture = tmp_path / "phone.png"
        here.wait(lambda: here.all("#charts svg"))
        here.screenshot(picture)
        assert picture.stat().st_size > BLANK
        background = here.js("return getComputedStyle(document.body).backgroundColor")
        assert (sum(map(int, re.findall(r"\d+", background)[:3])) < 200) == dark
        here.open(page.as_uri() + "#e=dinner&t=1")
        panel = here.one("#state")
        assert here.js(fits)
        assert not here.one("#rows").is_displayed()
        bottom: Any = here.js("return document.querySelector('#state').getBoundingClientRect().bottom")
        assert bottom == pytest.approx(844, abs=1)
        here.one("#unfold").click()
        assert here.one("#rows").is_displayed()
        here.one(".step[aria-label='One turn on']").click()
        here.wait(lambda: "S₂" in panel.text)
        here.open(page.as_uri() + "#e=hostile&t=3")
        here.wait(lambda: here.text("#episode h1") == "hostile")
        assert here.js(fits)
        assert here.complaints() == []
        assert here.requests() == []


def test_nothing_said_nothing_tracked_nothing_failed(tmp_path: Path) -> None:
    bare = dinner().goal.model_copy(update={"components": None})
    silent = dinner("silent", conversation=Conversation(stop=StopReason.USER_ENDED), verdicts=())
    untracked = dinner(goal=bare, id="untracked", verdicts=())
    path = tmp_path / "report.html"
    write_page(make_run(tmp_path / "run", silent, untracked), path)
    with browser() as here:
        here.open(path.as_uri() + "#e=silent&t=1")
        here.wait(lambda: "Nothing was said." in here.text("#talk"))
        assert "before the first turn" in here.text("#state-title")
        here.press("ARROW_RIGHT", "END", "n")
        here.wait(lambda: here.text("#episode h1") == "untracked")
        assert "nothing was tracked" in here.text("#rows")
        here.press("ESCAPE")
        here.wait(lambda: rows(here) == ["silent", "untracked"])
        assert here.complaints() == []


def test_nothing_could_be_played(tmp_path: Path) -> None:
    run = make_run(tmp_path / "run")
    run.failures = {"trip": "<b>no</b> answer"}
    path = tmp_path / "report.html"
    write_page(run, path)
    with browser() as here:
        here.open(path)
        assert "1 episode could not be played" in here.text("#overview")
        assert "Nothing was played." in here.text("#empty")
        assert "trip: <b>no</b> answer" in here.text(".notice")
        assert here.complaints() == []


def test_two_thousand_episodes_open_in_time(tmp_path: Path) -> None:
    """The list is drawn within two seconds from the start of navigation; best of three, as cores are shared."""
    path = tmp_path / "report.html"
    write_page(make_run(tmp_path / "many", *(dinner(f"goal-{n:04d}") for n in range(2_000))), path)
    with browser() as here:
        times = []
        for _ in range(3):
            here.open("about:blank")
            here.open(path)
            here.one("#list a")
            times.append(here.js("return performance.getEntriesByName('drawn')[0].startTime"))
        assert here.text("#count") == "2,000 episodes"
    assert min(times) < 2_000
