"""Choice: which option a response to a multiple-choice question names."""

from __future__ import annotations

import re
from collections.abc import Sequence
from string import ascii_uppercase

from headrace.evaluation.metrics.text import normalise

#: Version of the rules below: figures of another version do not compare. It changes with every change of a rule.
PARSER = "choice-2"
_BARE = re.compile(r"[\s(\[\"'*]*([A-Za-z])[\s)\]\"'*.:,]*")
_LED = re.compile(r"[\s(\[\"'*]*([A-Z])(?:[)\].:]|,(?!\s*[A-Z]\b)|\*\*|\s*$|\n)")
# A letter that is no article: a small one in brackets, a capital one that is no word, or either at the end.
_LETTER = (
    r"(?:[(\[][\"'*]*([A-Za-z])[\"'*]*[)\]]"
    r"|[\"'*]*([B-HJ-Z])(?![A-Za-z'])"
    r"|[\"'*]*([AI])(?=\s+(?:because|since|as)\b|\s*[^\sA-Za-z'])"
    r"|[\"'*]*([A-Za-z])[\s\"'*.:,;!]*$)"
)
_SAID = re.compile(rf"\b(?i:answer|option|choice)(?:\s+(?i:is))?\s*[:=]?\s*{_LETTER}")
_ALONE = re.compile(
    r"(?<![A-Za-z'])(?:[(\[]([A-Za-z])[)\]]|([B-HJ-Z])(?![A-Za-z'])|(A)(?=(?:\s*[,/]|\s+(?:or|and))\s*[B-HJ-Z]\b))"
)
_PART = re.compile(r"(?<=[.!?;])\s+|\n+|\b(?i:but)\b")
_NOT = re.compile(r"\b(?:not|cannot|never|neither|nor|none?|wrong|incorrect|except)\b|n['’]t\b", re.IGNORECASE)
_WELL = re.compile(r"\s*no\s*[,.!:;]\s*", re.IGNORECASE)


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
    5. letters that stand alone, all the same.

    Letters are capital; a small one counts in brackets, and in rule 2 at the end. "A" and "I" are words: they count in
    brackets; in rule 2 before a sign, the end, "because", "since" or "as"; in rule 5 "A" in a list ("A or B").

    A sentence, or what stands before or behind "but", that denies something names nothing ("It is not A"). The words of
    an option that itself denies something are looked for in all of the response.

    None: the response names none, or several.
    """
    count = len(options)
    if (index := strict(response, count)) is not None:
        return index
    parts = [part for part in _PART.split(response) if part.strip()]
    claims = [part for part in parts if not _denies(part)]
    if said := _letters(_SAID, claims):
        return _only(said, count)
    led = _LED.match(parts[0]) if claims and claims[0] is parts[0] else None
    if led and (index := _index(led[1], count)) is not None:
        return index
    claimed, whole = normalise("".join(claims)), normalise(response)
    names = [normalise(option) for option in options]
    held = [i for i, name in enumerate(names) if name and name in (whole if _denies(options[i]) else claimed)]
    # An option within another one ("red", "red car") is not named by the longer one's name.
    held = [i for i in held if not any(i != j and names[i] in names[j] and names[i] != names[j] for j in held)]
    if held:
        return held[0] if len(held) == 1 else None
    return _only(_letters(_ALONE, claims), count)


def substring(response: str | Sequence[str], letter: str) -> bool:
    """As several benchmarks publish it: the right letter occurs anywhere in the response.

    "I cannot answer" is right where the answer is "I", and listing all letters is always right. In a list of
    responses (some published outputs are lists) one of them must be the letter.

    Source: OVO-Bench, arXiv 2501.05510 (its scoring code); likewise others.
    """
    return letter in response


def _letters(pattern: re.Pattern[str], parts: Sequence[str]) -> set[str]:
    return {letter.upper() for part in parts for found in pattern.findall(part) for letter in found if letter}


def _denies(part: str) -> bool:
    """Whether a sentence denies something; "No, …" only contradicts what was said before it."""
    well = _WELL.match(part)
    return _NOT.search(part, well.end() if well and well.end() < len(part) else 0) is not None


def _only(found: set[str], options: int) -> int | None:
    return _index(next(iter(found)), options) if len(found) == 1 else None


def _index(letter: str, options: int) -> int | None:
    index = ascii_uppercase.find(letter)
    return index if 0 <= index < options else None
