"""Tests of which words of a simulator end the conversation."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_ugst.core.conversation import StopReason
from pytest_ugst.simulators.termination import own_words, read_ending

ALONE = [
    "Terminate.",
    "TERMINATE",
    "terminate",
    "**Terminate.**",
    '"Terminate."',
    "`terminate`",
    "- Terminate.",
    "“Terminate”",
    "[TERMINATE]",
    "Terminate. Terminate.",
    "  Terminate!\n",
    "Terminate. 👋",
    "###STOP###",
    "### stop ###",
]
MENTIONS = [
    "How do I terminate my contract?",
    "I want to terminate.",
    "Terminate?",
    "Please terminate.",
    "The code is 'terminate'.",
    "It says thread.terminate()",
    "Terminate my plan now.",
    "We terminated it.",
    "exterminate",
    "Should I say: terminate",
    "Terminate. Then what happens?",
]


@pytest.mark.parametrize("text", ALONE)
def test_the_indicator_alone_is_a_separate_message(text: str) -> None:
    ending = read_ending(text)
    assert ending is not None
    assert (ending.text, ending.separate, ending.asked, ending.reason) == ("", True, False, StopReason.USER_ENDED)


@pytest.mark.parametrize("text", MENTIONS)
def test_a_mention_inside_a_sentence_is_speech(text: str) -> None:
    assert read_ending(text) is None


@pytest.mark.parametrize(
    ("text", "rest", "asked"),
    [
        ("Thanks! Terminate.", "Thanks!", False),
        ("Thanks\nTERMINATE", "Thanks", False),
        ("Thanks.Terminate.", "Thanks.", False),
        ("Bye 😊 Terminate.", "Bye 😊", False),
        ("He said “yes.” **Terminate.**", "He said “yes.”", False),
        ("Great, I have all I need to know.\n\n---\n(Terminate.)", "Great, I have all I need to know.", False),
        ("Can you book it? Terminate.", "Can you book it?", True),
        ("Please book it for two.\nTerminate.", "Please book it for two.", True),
        ("I'd like the second one. Terminate.", "I'd like the second one.", True),
        ("Thank you so much! ###STOP###", "Thank you so much!", False),
        ("Could you check? ###STOP###", "Could you check?", True),
    ],
)
def test_a_last_sentence_ends_the_conversation_and_is_recorded(text: str, rest: str, asked: bool) -> None:
    ending = read_ending(text)
    assert ending is not None
    assert (ending.text, ending.separate, ending.asked) == (rest, False, asked)


@pytest.mark.parametrize("text", ["###OUT-OF-SCOPE###", "I can't tell. ###OUT-OF-SCOPE### ###STOP###"])
def test_out_of_scope_is_a_reason_of_its_own(text: str) -> None:
    ending = read_ending(text)
    assert ending is not None
    assert ending.reason is StopReason.OUT_OF_SCOPE


@pytest.mark.parametrize(
    ("text", "own"),
    [
        ("User: Hi there. Agent: Sure!", "Hi there."),
        ("**User:** Hi", "Hi"),
        ("I want a room.\n\nAssistant: Which one?\nUser: the big one", "I want a room."),
        ("Agent: Hello!\nUser: I want a room.\nAgent: Sure.", "I want a room."),
        ("Assistant: I want a room.", "I want a room."),
        ("Here is the message:\nUser: I want a room.", "I want a room."),
        ("I want a room.\nCustomer service agent: Sure.", "I want a room."),
        ("I want a room.<|im_end|>\n<|im_start|>assistant", "I want a room."),
        ("<|im_start|>I want a room.", "I want a room."),
        ("Terminate.\nAgent: Goodbye!", "Terminate."),
        ("My agent: John. My user: Jane", "My agent: John. My user: Jane"),
        ("Agent:", ""),
    ],
)
def test_a_model_that_plays_both_sides_is_cut(text: str, own: str) -> None:
    assert own_words(text) == own


sentences = st.text(alphabet=st.characters(codec="utf-8", exclude_characters="#<|"), max_size=60)


@given(sentences)
def test_reading_is_total_and_what_remains_does_not_end_anything(text: str) -> None:
    for said in (text, f"{text} Terminate.", f"{text}\nterminate", f"{text}###STOP###"):
        ending = read_ending(said)
        if ending is not None:
            assert ending.separate == (not ending.text)
            assert read_ending(ending.text) is None
            assert ending.text in said


@given(sentences)
def test_a_line_of_its_own_always_ends_the_conversation(text: str) -> None:
    ending = read_ending(f"{text}\nTerminate.")
    assert ending is not None
    assert "Terminate" not in ending.text[-9:]


@given(st.from_regex(r"[a-z ]{1,20}", fullmatch=True), st.from_regex(r"[a-z]{1,10}( [a-z]+)?", fullmatch=True))
def test_words_after_it_make_it_a_mention(before: str, after: str) -> None:
    if "terminate" not in after:
        assert read_ending(f"{before} terminate {after}") is None


@given(st.text(max_size=80))
def test_own_words_are_part_of_the_answer_and_stable(text: str) -> None:
    own = own_words(text)
    assert own == own.strip()
    assert own in text or "<" in text
    if own and "<" not in text:
        assert own_words(f"{own}\nAgent: Sure, done!") == own_words(own)


def test_hostile_length_is_read_at_once() -> None:
    assert read_ending("Terminate. " * 20_000) is not None
    assert own_words("User: " * 20_000) is not None
    assert read_ending("please " * 50_000) is None
