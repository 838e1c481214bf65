"""What people meet in errors, logs and answers is plain English, and says what to do."""

from __future__ import annotations

import ast
import re

import pytest

from tests.messages import Message, messages, trees

MESSAGES = messages()

CONTORTED = re.compile(
    r"\b(is|are) wanted\b|\bcan ?(not)? be had\b|\bto be had\b|\b(is|are) no(ne)? (?!longer\b)"
    r"|\b[Ww]hoever\b|\bwhat became\b|\b[Ss]tranger|\b(is|are|was|were|be) told\b|\bat a desk\b|\bthe law\b"
    r"|\bout of use\b|\bmend(ed)? it\b|\bput off\b|\bsomebody\b|\bbelieve"
)
"""What CONTRIBUTING calls contorted: passives without an actor, free relatives, negated nouns, metaphors."""

NEGATED_SUBJECT = re.compile(r"\bthere (is|are|was) no\b")
"""Plain English all the same."""

SENTENCE = re.compile(r"(The|A|An|Other|No|This|It|You) ")


def of_kind(kind: str) -> list[Message]:
    return [message for message in MESSAGES if message.kind == kind]


def listed(wrong: list[Message]) -> str:
    return "\n".join(map(str, wrong))


def test_messages_of_every_kind_are_collected():
    assert {message.kind for message in MESSAGES} == {"error", "log", "part"}


def test_no_message_has_a_phrase_that_is_not_plain_english():
    wrong = [one for one in MESSAGES if CONTORTED.search(NEGATED_SUBJECT.sub("", one.text))]
    assert not wrong, listed(wrong)


@pytest.mark.parametrize("kind", ["error", "log"])
def test_no_message_begins_or_ends_with_a_space(kind: str):
    wrong = [one for one in of_kind(kind) if one.text != one.text.strip() or "  " in one.text]
    assert not wrong, listed(wrong)


@pytest.mark.parametrize("kind", ["error", "log"])
def test_a_sentence_ends_with_a_period_and_a_phrase_does_not(kind: str):
    """But for the local queue's errors, which repeat those of Cloud Tasks."""
    ours = [one for one in of_kind(kind) if not one.place.startswith("taskhandler/devqueue/")]
    texts = [one._replace(text=one.text.removesuffix(" {}")) for one in ours]
    wrong = [one for one in texts if SENTENCE.match(one.text) and not one.text.endswith(".")]
    wrong += [one for one in ours if not SENTENCE.match(one.text) and one.text.endswith(".")]
    assert not wrong, listed(wrong)


def test_a_configuration_error_says_what_to_do():
    """By its remedy, or by what the value must be."""
    calls = [
        (file, node)
        for file, tree in trees()
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "ConfigError"
    ]
    assert len(calls) > 10
    wrong = [f"{file}:{node.lineno}" for file, node in calls if not node.keywords and is_bare(node.args[2])]
    assert not wrong, "\n".join(wrong)


def is_bare(problem: ast.expr) -> bool:
    """Whether a problem is a literal that does not say what the value must be."""
    return isinstance(problem, ast.Constant) and not str(problem.value).startswith("must be ")
