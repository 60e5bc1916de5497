"""Choice: which option a response to a multiple-choice question names."""

from __future__ import annotations

import re
from collections.abc import Sequence
from string import ascii_uppercase

from headrace.evaluation.metrics.text import normalise

#: Version of the rules below: figures of another version do not compare. It changes with every change of a rule.
PARSER = "choice-1"
_BARE = re.compile(r"[\s(\[\"'*]*([A-Za-z])[\s)\]\"'*.:,]*")
_LED = re.compile(r"[\s(\[\"'*]*([A-Z])(?:[)\].:,]|\*\*|\s*$|\n)")
_SAID = re.compile(r"\b(?:answer|option|choice)(?:\s+is)?\s*[:=]?\s*[(\[\"'*]*([A-Z])(?![A-Za-z'])", re.IGNORECASE)
_ALONE = re.compile(r"(?<![A-Za-z'])([A-Z])(?![A-Za-z'])")


def letters(options: int) -> str:
    """The letters of so many options: A, B, C, …"""
    return ascii_uppercase[:options]


def strict(response: str, options: int) -> int | None:
    """The index of the option if the response is one letter and nothing else.

    Space, quotes, brackets, asterisks and a closing full stop, colon or comma around it do not count, nor does case.
    """
    found = _BARE.fullmatch(response)
    return _index(found[1].upper(), options) if found else None


def lenient(response: str, options: Sequence[str]) -> int | None:
    """The index of the option that the response names, if it names one alone. The first rule that applies decides:

    1. `strict`;
    2. the letters behind "answer", "option" or "choice" ("the answer is (B)"), all the same;
    3. a capital letter at the beginning, set off by a bracket, full stop, colon, comma or line end ("B. the cat");
    4. the words of one option and of no other, ignoring case, space and punctuation;
    5. capital letters that stand alone, all the same; "A" and "I" do not count, they are words.

    None: the response names none, or several.
    """
    count = len(options)
    if (index := strict(response, count)) is not None:
        return index
    if said := {letter.upper() for letter in _SAID.findall(response)}:
        return _only(said, count)
    if (led := _LED.match(response)) and (index := _index(led[1], count)) is not None:
        return index
    key = normalise(response)
    names = [normalise(option) for option in options]
    held = [index for index, name in enumerate(names) if name and name in key]
    # An option within another one ("red", "red car") is not named by the longer one's name.
    held = [i for i in held if not any(i != j and names[i] in names[j] and names[i] != names[j] for j in held)]
    if held:
        return held[0] if len(held) == 1 else None
    return _only({letter for letter in _ALONE.findall(response) if letter not in "AI"}, count)


def substring(response: str | Sequence[str], letter: str) -> bool:
    """As several benchmarks publish it: the right letter occurs anywhere in the response.

    "I cannot answer" is right where the answer is "I", and listing all letters is always right. In a list of
    responses (some published outputs are lists) one of them must be the letter.

    Source: OVO-Bench, arXiv 2501.05510 (its scoring code); likewise others.
    """
    return letter in response


def _only(found: set[str], options: int) -> int | None:
    return _index(next(iter(found)), options) if len(found) == 1 else None


def _index(letter: str, options: int) -> int | None:
    index = ascii_uppercase.find(letter)
    return index if 0 <= index < options else None
