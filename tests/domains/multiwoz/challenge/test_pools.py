"""The pools of profiles and policies: sensible as shipped, and open to the user's own."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from pytest_ugst.core.conversation import Conversation, Turn
from pytest_ugst.core.errors import UsageError
from pytest_ugst.core.goal import Component
from pytest_ugst.core.status import Category, Status
from pytest_ugst.domains.multiwoz.challenge.pools import Policy, load_pools
from pytest_ugst.judges.checks import ChecksJudge

POOLS = load_pools()
BY_ID = {policy.id: policy for policy in POOLS.policies}
QUEST_TAGS = {
    *("restaurant", "hotel", "attraction", "train", "normal", "impossible", "conditional", "books", "tries-to-book"),
    *("finds", "solo", "group", "cheap", "moderate", "expensive", "parking", "wifi", "asks-contact", "asks-phone"),
    *("priced", "dated", "timed", "early", "late", "nightclub", "museum", "college", "seafood"),
}


def test_there_are_fifty_of_each() -> None:
    assert len(POOLS.profiles) == len(POOLS.policies) == 50
    assert len({item.text for profile in POOLS.profiles for item in profile.text}) >= 90
    assert len({policy.text for policy in POOLS.policies}) == 50


def test_every_tag_that_is_named_exists() -> None:
    known = QUEST_TAGS.union(*(entry.names() for entry in (*POOLS.profiles, *POOLS.policies)))
    for entry in (*POOLS.profiles, *POOLS.policies):
        assert {*entry.conflicts, *entry.needs} <= known, entry.id
        assert not {*entry.conflicts} & entry.names(), entry.id


def test_they_are_addressed_to_the_user_in_whole_sentences() -> None:
    for profile in POOLS.profiles:
        for item in profile.text:
            assert re.search(r"\b[Yy]our?\b", item.text)
            assert item.text.endswith(".")
    for policy in POOLS.policies:
        assert policy.text[0].isupper()
        assert policy.text.endswith(".")
        assert not re.search(r"\b(I|my|me)\b", policy.text.replace('"my friend"', "").replace('"I\'m"', ""))


def verdicts(policy: Policy, *turns: str) -> list[Status | None]:
    """The statuses after each turn, with that of the end behind them."""
    judge = ChecksJudge()
    (item,) = policy.components()
    component = Component(id="p", category=Category.POLICY, text=item.text, check=item.check)
    conversation = Conversation(turns=tuple(Turn(user=turn, agent="Certainly.") for turn in turns))
    reached = [judge.verdicts([component], conversation, n)[0].status for n in range(1, len(turns) + 1)]
    return reached + [verdict.status for verdict in judge.finish([component], conversation)]


KEPT = {
    "say-please": ["A table for two, please."],
    "be-brief": ["word " * 30],
    "no-contractions": ["I am looking for a hotel. It is Saint John's I want."],
    "no-exclamation-marks": ["A hotel. Now."],
    "greet-first": ["Hello, I need a train.", "At ten."],
    "say-thanks": ["A hotel.", "Thanks, bye."],
    "keep-phone-private": ["So its number is 01223 315702?", "I would rather not give my number."],
    "keep-card-private": ["I will pay on the spot.", "01223 315702, got it."],
    "ask-for-summary": ["Could you sum everything up before I go?"],
    "lower-case": ["a table at cotto, please"],
    "numbers-in-words": ["For four at half past seven."],
    "ask-agents-name": ["What is your name, by the way?"],
    "ask-person-or-machine": ["Am I talking to a human being?"],
    "my-friend": ["Hello, my friend.", "Bye, my friend."],
    "dear-sir-or-madam": ["Dear Sir or Madam, I need a room."],
    "never-apologise": ["That is not what I asked for."],
    "apologise-once": ["Sorry to bother you."],
    "strictly-business": ["A hotel. Have a nice day."],
    "mention-the-weather": ["It is raining again."],
    "smiley-at-the-end": ["A hotel :)", "Thanks 😀"],
    "no-smileys": ["A hotel (a cheap one) at 7:30, please: soon."],
    "one-question-a-message": ["A hotel. Is there one?", "Really?"],
    "always-a-question": ["Is there a hotel?", "Bye, all right?"],
    "silent-about-money": ["A cheap one. What does it cost?"],
    "say-cheerio": ["A hotel.", "Cheerio!"],
    "say-splendid": ["Splendid."],
    "capitals-for-emphasis": ["I need a CHEAP one."],
    "always-enthusiastic": ["Great!"],
    "full-weekdays": ["On Monday and Saturday. I sat in the sun."],
    "twelve-hour-clock": ["At 7:30 pm."],
    "pay-a-compliment": ["You are very helpful."],
    "no-courtesies": ["A hotel. Now."],
    "keep-name-private": ["I would rather not tell my name."],
}
BROKEN = {
    "say-please": ["Please help.", "A hotel."],
    "be-brief": ["word " * 31],
    "no-contractions": ["I’m looking for a hotel."],
    "no-exclamation-marks": ["A hotel!"],
    "greet-first": ["I need a train.", "At ten."],
    "say-thanks": ["A hotel.", "Bye."],
    "keep-phone-private": ["My number is 07700 900123."],
    "keep-card-private": ["It is 4111 1111 1111 1111."],
    "ask-for-summary": ["Bye."],
    "lower-case": ["a table at Cotto"],
    "numbers-in-words": ["For 4 people."],
    "ask-agents-name": ["A hotel."],
    "ask-person-or-machine": ["A hotel for one person."],
    "my-friend": ["Hello, my friend.", "Bye."],
    "dear-sir-or-madam": ["Hi, I need a room."],
    "never-apologise": ["Sorry, I meant the other one."],
    "apologise-once": ["A hotel."],
    "strictly-business": ["How are you today?"],
    "mention-the-weather": ["A hotel."],
    "smiley-at-the-end": ["A hotel :)", "Thanks."],
    "no-smileys": ["A hotel :-)"],
    "one-question-a-message": ["Is there a hotel? And a train?"],
    "always-a-question": ["Is there a hotel?", "Bye."],
    "silent-about-money": ["I can't afford that."],
    "say-cheerio": ["Bye."],
    "say-splendid": ["Good."],
    "capitals-for-emphasis": ["I need a cheap one."],
    "always-enthusiastic": ["Great."],
    "full-weekdays": ["See you on Sat morning."],
    "twelve-hour-clock": ["At 19:30."],
    "pay-a-compliment": ["A hotel."],
    "no-courtesies": ["A hotel, please."],
    "keep-name-private": ["My name is Mira."],
}


def test_every_check_of_a_policy_is_tried() -> None:
    checked = {policy.id for policy in POOLS.policies if policy.check is not None}
    assert checked == set(KEPT) == set(BROKEN)
    assert len(checked) >= 30


@pytest.mark.parametrize("name", KEPT)
def test_a_policy_that_is_kept(name: str) -> None:
    assert set(verdicts(BY_ID[name], *KEPT[name])) == {Status.ALIGNED}


@pytest.mark.parametrize("name", BROKEN)
def test_a_policy_that_is_broken(name: str) -> None:
    assert Status.MISALIGNED in verdicts(BY_ID[name], *BROKEN[name])


def test_nobody_takes_another_name() -> None:
    (profile,) = (p for p in POOLS.profiles if p.id == "night-nurse")
    first, *_ = profile.components()
    judge = ChecksJudge()
    component = Component(id="p", category=Category.PROFILE, text=first.text, check=first.check)
    for said, status in (("My name is Mira Tolland.", "ALIGNED"), ("My name is Bob.", "MISALIGNED")):
        conversation = Conversation(turns=(Turn(user=said, agent="Hello."),))
        assert judge.verdicts([component], conversation, 1)[0].status == status


# The user's own


def test_a_users_files_add_to_the_pools(tmp_path: Path) -> None:
    mine = tmp_path / "mine.yaml"
    mine.write_text("- id: knight\n  text: [You are a knight.]\n  party: [1]\n  conflicts: [train]\n", encoding="utf-8")
    rules = tmp_path / "rules.yaml"
    rules.write_text("- {id: thee, text: Say thee., check: {every: {user_says: thee}}}\n", encoding="utf-8")
    pools = load_pools([mine], [rules])
    assert pools.profiles[-1].id == "knight"
    assert pools.policies[-1].id == "thee"
    assert (len(pools.profiles), len(pools.policies)) == (51, 51)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("id: x\n", ":1: write a list of entries"),
        ("- id: x\n  text: [You are x.]\n  conflict: [y]\n", ":3: conflict: Extra inputs"),
        ("- id: x\n", ":1: text: Field required"),
        ("- id: night-nurse\n  text: [You are x.]\n", "the id 'night-nurse' is used twice"),
        ("- id: x\n  text: [You are x.]\n  party: [9]\n", ":3: party.0"),
        (
            "- id: x\n  text: [{text: You., check: {complete: {user_says: a}}}]\n",
            "complete does not apply to a profile",
        ),
        ("- id: x\n  text: [{text: You., check: {never: {user_says: '(a+)+'}}}]\n", "repeats a repetition"),
        ("- id: x\n text: [\n", "not valid YAML"),
        ("- id: 1\n  id: 2\n", "occurs twice"),
    ],
)
def test_a_file_that_is_wrong_is_told_so(tmp_path: Path, text: str, words: str) -> None:
    file = tmp_path / "mine.yaml"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(UsageError, match=re.escape(words)) as caught:
        load_pools([file])
    assert str(file) in str(caught.value)


def test_a_file_that_can_not_be_read(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="can't be read"):
        load_pools([tmp_path / "nothing.yaml"])
    latin = tmp_path / "latin.yaml"
    latin.write_bytes(b"- id: x\n  text: [\xe9]\n")
    with pytest.raises(UsageError, match="not UTF-8"):
        load_pools([latin])
