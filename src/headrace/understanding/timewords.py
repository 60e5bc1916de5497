"""Time words: the parts of a question that say when.

"What was said in the last ten minutes?" is the question "what was said" and a phrase, "in the last ten
minutes", that bounds the time between two marks. Known are spans ("in the first minute", "in the second
half", "between 1:00 and 2:30"), points ("at 0:33", "around 1:05", "five minutes in", "an hour ago", "just
now"), and what lies before, after, since or until a point, the break, or something that the memory itself
must find ("after the error appeared"). A clock time is media time, m:ss or h:mm:ss. Days, "5 pm" and
whatever stands in quotation marks are words to look for, not time words.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from headrace.understanding.phrase import CLOCK, LEFT, Mark, Phrase
from headrace.understanding.search import tokens

#: Seconds of "at 5 minutes": the minute that begins there.
MINUTE = 60.0
#: "Around", "ago" and "in" mean so great a share of the time named on either side, within these seconds.
SLACK, LEAST_SLACK, MOST_SLACK = 0.1, 10.0, 300.0
#: Seconds of "just now" and "right now".
JUST_NOW, RIGHT_NOW = 30.0, 10.0
#: Seconds of "right after" and "just before".
CLOSE = 60.0

_NUMBERS = {
    word: float(value)
    for value, words in {
        0.5: "half",
        1: "a an one",
        2: "two",
        3: "three",
        4: "four",
        5: "five",
        6: "six",
        7: "seven",
        8: "eight",
        9: "nine",
        10: "ten",
        11: "eleven",
        12: "twelve",
        15: "fifteen",
        20: "twenty",
        30: "thirty",
        40: "forty",
        45: "forty-five",
        50: "fifty",
        60: "sixty",
        90: "ninety",
    }.items()
    for word in words.split()
}
_UNITS = {"s": 1.0, "m": 60.0, "h": 3600.0}
_NUMBER = (
    r"(?:\d+(?:\.\d+)?|half(?: an?)?|forty-five|" + "|".join(sorted(set(_NUMBERS) - {"half"}, key=len)[::-1]) + ")"
)
_UNIT = r"(?:seconds?|secs?|minutes?|mins?|hours?|hrs?|[sh])\b"
_LENGTH = rf"(?:\b{_NUMBER}[\s-]*{_UNIT}(?:(?:\s+and)?\s+{_NUMBER}\s*{_UNIT})*(?:\s+and\s+a\s+half\b)?)"
_SINGLE = r"(?P<u>(?:second|minute|hour)\b(?:\s+and\s+a\s+half\b)?)"
_STREAM = r"(?:\s+of\s+(?:the|this)\s+(?:video|stream|recording|lecture|talk|meeting|clip|film|session|call|show))?"
_ALONE = _STREAM + r"(?!\s+of\b)"
_CLOSED = r"(?=\s*(?:[?!.,;]|$)|\s+(?:what|who|when|where|which|how|did|was|were|is|are|and|about|on|by|in)\b)"
_EDGE = rf"(?:the\s+(?:very\s+)?(?:beginning|start|end)\b{_ALONE})"
_BREAK = r"(?:(?:the|a)\s+(?:(?:coffee|lunch|tea|short|long)\s+)?(?:break|pause|intermission)\b(?!\s+(?:room|of)\b))"
_POINT = (
    rf"(?:{CLOCK}|(?:minute|second)\s+\d+\b|{_EDGE}"
    rf"|(?:the\s+)?{_LENGTH}(?:\s+mark\b|\s+ago\b|\s+in(?:to\s+the\s+\w+)?(?=\s*(?:[?!.,;]|$)))?)"
)
_CLOSELY = r"(?:(?P<close>right|just|shortly|immediately|directly|soon)\s+)?"
_SIDE = r"(?P<side>before|after|since|until|till)"
_ENDS = r"(?=,(?!\d)|[;?!]|\.(?:\s|$)|$)"
_ASKS = r"(?=,(?!\d)|[;?!]|\s+(?:what|who|when|where|which|how|did|does)\b)"
_CIVIL = (
    r"(?!\s*(?:\d+(?::\d\d)?\s*(?:[ap]\.?m\b|o'?clock)|(?:19|20)\d\d\b|noon|midnight|tomorrow|yesterday|today|tonight"
    r"|(?:mon|tues|wednes|thurs|fri|satur|sun)day|(?:january|february|march|april|may|june|july|august|september"
    r"|october|november|december)(?=\s*(?:\d|[?!.,;]|$))|all\b|that\b|this\b|it\b|then\b|now\b|when\b|what\b|which\b|whom?\b))"
)
_QUOTED = re.compile(r"\"[^\"]*\"|“[^”]*”|«[^»]*»")


@dataclass(frozen=True, slots=True)
class TimeWords:
    """A question's time phrases and the rest of it."""

    rest: str
    phrases: tuple[Phrase, ...] = ()

    @classmethod
    def of(cls, question: str) -> TimeWords:
        """Part a question; each pattern takes what those before it have left."""
        rest, phrases = question, []
        for pattern, build in _PATTERNS:
            at = 0
            while (found := pattern.search(rest, at)) is not None:
                clause = found.start("clause") if "clause" in pattern.groupindex else found.end()
                quoted = any(a.start() < clause and found.start() < a.end() for a in _QUOTED.finditer(rest))
                made = None if quoted else build(found)
                if made is None:
                    at = found.start() + 1
                else:
                    phrases.append(made)
                    rest, at = f"{rest[: found.start()]} {rest[found.end() :]}", 0
        if phrases:
            rest = re.sub(r"(?:^|\s)and(?=\s*[?!.,;]*\s*$)", "", rest)
            rest = re.sub(r"\s+(?=[?!.,;])", "", " ".join(rest.split())).strip(" ,;")
        return cls(rest, tuple(phrases))


def seconds_of(length: str) -> float:
    """Seconds of "an hour and a half", "1 h 20 min", "90 s"."""
    text = length.lower()
    half = re.search(r"\s+and\s+a\s+half\b", text)
    text = text[: half.start()] if half else text
    total = unit = 0.0
    for number, name in re.findall(rf"({_NUMBER})[\s-]*({_UNIT})", text):
        unit = _UNITS[name[0]]
        total += unit * (_NUMBERS[number.split()[0]] if number.split()[0] in _NUMBERS else float(number))
    return total + (unit / 2 if half else 0.0)


def clock_seconds(clock: str) -> float:
    """Seconds of m:ss or h:mm:ss."""
    total = 0.0
    for part in clock.split(":"):
        total = total * 60 + float(part)
    return total


def _slack(seconds: float) -> float:
    return min(max(SLACK * seconds, LEAST_SLACK), MOST_SLACK)


def _point(text: str) -> tuple[Mark, float, float]:
    """The mark that a point names, the seconds it lasts, and its slack if it is meant loosely."""
    low = re.sub(r"^the\s+", "", text.lower().strip())
    if re.fullmatch(CLOCK, low):
        at = clock_seconds(low)
        return Mark("start", at), 1.0, _slack(at)
    if low.startswith(("beginning", "start", "very beginning", "very start")):
        return Mark("start"), 1.0, LEAST_SLACK
    if low.startswith(("end", "very end")):
        return Mark("now"), 1.0, LEAST_SLACK
    if named := re.fullmatch(r"(minute|second)\s+(\d+)", low):
        size = _UNITS[named[1][0]]
        return Mark("start", int(named[2]) * size), size, _slack(int(named[2]) * size)
    length = seconds_of(low)
    lasts = 1.0 if re.search(r"\d\s*s\b|sec", low) else MINUTE
    return Mark("now", -length) if low.endswith("ago") else Mark("start", length), lasts, _slack(length)


def _between(found: re.Match[str]) -> Phrase:
    (first, _, _), (last, lasts, _) = _point(found["a"]), _point(found["b"])
    return Phrase(found[0].strip(), first, last.moved(lasts if lasts == 1.0 else 0.0), until_open=True)


def _first(found: re.Match[str]) -> Phrase:
    return Phrase(found[0].strip(), Mark("start"), Mark("start", seconds_of(found["n"] or f"1 {found['u']}")))


def _last(found: re.Match[str]) -> Phrase:
    return Phrase(found[0].strip(), Mark("now", -seconds_of(found["n"] or f"1 {found['u']}")), Mark("now"))


def _share(found: re.Match[str]) -> Phrase:
    parts = {"half": 2, "third": 3}[found["part"].lower()]
    number = {"first": 1, "second": 2, "third": 3}.get(found["nth"].lower(), parts)
    marks = [Mark("share", value=value / parts) for value in (number - 1, number)]
    return Phrase(found[0].strip(), marks[0], marks[1])


def _middle(found: re.Match[str]) -> Phrase:
    return Phrase(found[0].strip(), Mark("share", value=1 / 3), Mark("share", value=2 / 3))


def _edge(found: re.Match[str]) -> Phrase:
    if found["edge"].lower() == "end":
        return Phrase(found[0].strip(), Mark("closing"), Mark("now"))
    return Phrase(found[0].strip(), Mark("start"), Mark("opening"))


def _within_break(found: re.Match[str]) -> Phrase:
    return Phrase(found[0].strip(), Mark("break"), Mark("break", edge=True), until_open=True)


def _lately(found: re.Match[str]) -> Phrase | None:
    if found[0].lower() == "now" and not re.match(r"\s*(?:what|who|which|is|are)\b", found.string, re.IGNORECASE):
        return None
    near = RIGHT_NOW if found[0].lower().strip() in ("now", "right now", "at the moment", "currently") else JUST_NOW
    return Phrase(found[0].strip(), Mark("now", -near), Mark("now"))


def _loosely(found: re.Match[str]) -> Phrase:
    mark, lasts, slack = _point(found["p"])
    return Phrase(found[0].strip(), mark.moved(-slack), mark.moved(slack + (lasts if lasts == 1.0 else 0.0)))


def _exactly(found: re.Match[str]) -> Phrase:
    mark, lasts, slack = _point(found["p"])
    if mark.kind == "now":
        return Phrase(found[0].strip(), mark.moved(-slack), mark.moved(slack))
    return Phrase(found[0].strip(), mark, mark.moved(lasts), until_open=True)


def _beside(found: re.Match[str]) -> Phrase | None:
    """Before, after, since or until a point, the break or what a clause says."""
    side, parts = found["side"].lower(), found.groupdict()
    if parts.get("p"):
        mark, _, _ = _point(parts["p"])
    elif parts.get("length"):
        length = seconds_of(parts["length"])
        mark = Mark("start", length) if parts["from"].lower() == "first" else Mark("now", -length)
    elif parts.get("break"):
        mark = Mark("break", edge=side in ("after", "since"))
    else:
        clause = parts["clause"].strip()
        if not any(len(word) > 1 for word in tokens(clause)):
            return None
        mark = Mark("seen", clause=clause, edge=LEFT.search(clause) is not None)
    words, later = found[0].strip(" ,"), side in ("after", "since")
    if parts.get("by"):
        far = mark.moved(seconds_of(parts["by"]) * (1 if later else -1))
        if parts.get("span"):
            return Phrase(
                words,
                *((mark, far) if later else (far, mark)),
                since_open=later and mark.kind == "seen",
                until_open=not later,
            )
        slack = _slack(seconds_of(parts["by"]))
        return Phrase(words, far.moved(-slack), far.moved(slack))
    if parts.get("close"):
        return (
            Phrase(words, mark, mark.moved(CLOSE), since_open=mark.kind == "seen")
            if later
            else Phrase(words, mark.moved(-CLOSE), mark, until_open=True)
        )
    if later:
        return Phrase(words, since=mark, since_open=side == "after" and mark.kind == "seen")
    return Phrase(words, until=mark, until_open=side == "before")


def _by(found: re.Match[str]) -> Phrase:
    return Phrase(found[0].strip(), until=_point(found["p"])[0])


def _while(found: re.Match[str]) -> Phrase | None:
    clause = found["clause"].strip()
    if not found.string[: found.start()].strip() or not any(len(word) > 1 for word in tokens(clause)):
        return None
    return Phrase(found[0].strip(), Mark("seen", clause=clause), Mark("seen", clause=clause, edge=True))


def _pattern(text: str) -> re.Pattern[str]:
    return re.compile(text, re.IGNORECASE)


_IN = r"(?:\b(?:in|during|within|over|for|from|throughout)\s+(?:just\s+)?|(?<=summarise )|(?<=summarize ))the\s+"
_BY = rf"(?:(?P<span>\bin\s+the\s+)?(?P<by>{_LENGTH})\s+|{_CLOSELY})"
_NOT_IDIOM = r"(?<!look )(?<!looks )(?<!looking )(?<!looked )(?<!named )(?<!day )(?<!night )(?<!ever )"
_NOT_ASKED = "".join(
    f"(?<!{word} )"
    for word in (
        *("say", "says", "show", "shows", "tell", "tells", "told", "know", "see"),
        *("until", "till", "since", "by", "from", "if", "is", "was"),
    )
)
_NOT_ASKING = r"(?!(?:is|are|was|were|do|does|did|will|can)\b)"

_PATTERNS: tuple[tuple[re.Pattern[str], Callable[[re.Match[str]], Phrase | None]], ...] = (
    (_pattern(rf"\bbetween\s+(?P<a>{_POINT})\s+and\s+(?P<b>{_POINT})"), _between),
    (_pattern(rf"\bfrom\s+(?P<a>{_POINT})\s*(?:to|until|till|[-–])\s*(?P<b>{_POINT})"), _between),
    (_pattern(rf"\b{_SIDE}\s+the\s+(?P<from>first|last)\s+(?P<length>{_LENGTH}){_ALONE}"), _beside),
    (_pattern(rf"{_IN}(?:first|opening)\s+(?:(?P<n>{_LENGTH})|{_SINGLE}){_ALONE}"), _first),
    (_pattern(rf"{_IN}(?:last|past|final|previous)\s+(?:(?P<n>{_LENGTH})|{_SINGLE}){_ALONE}"), _last),
    (_pattern(rf"{_IN}(?P<nth>first|second|third|last)\s+(?P<part>half|third)\b{_ALONE}"), _share),
    (_pattern(rf"\bin\s+the\s+middle\b{_ALONE}"), _middle),
    (
        _pattern(rf"\b(?:at|in|near|towards?)\s+the\s+(?:very\s+)?(?P<edge>beginning|start|end)\b{_ALONE}{_CLOSED}"),
        _edge,
    ),
    (_pattern(rf"\b(?:during|in)\s+{_BREAK}"), _within_break),
    (_pattern(rf"{_BY}\b{_SIDE}\s+(?P<break>{_BREAK})"), _beside),
    (_pattern(rf"{_BY}\b{_SIDE}\s+(?P<p>{_POINT})"), _beside),
    (
        _pattern(r"\b(?:just now|a moment ago|moments ago|right now|at the moment|currently|now(?=\s*[?!.]*$))\b"),
        _lately,
    ),
    (
        _pattern(rf"\b(?:at\s+about|(?:at\s+)?(?:around|roughly|near))\s+(?P<p>{CLOCK}|(?:minute|second)\s+\d+\b)"),
        _loosely,
    ),
    (
        _pattern(
            rf"(?:\b(?:at\s+)?(?:around|about|roughly|near)\s+)?(?P<p>{_LENGTH}"
            r"(?:\s+ago\b|\s+in(?:to\s+(?:it|(?:the|this)\s+\w+)\b|(?=\s*(?:[?!.,;]|$)))))"
        ),
        _loosely,
    ),
    (_pattern(rf"\bat\s+(?:the\s+)?(?P<p>{CLOCK}|(?:minute|second)\s+\d+\b|{_LENGTH}(?:\s+mark\b)?)"), _exactly),
    (_pattern(rf"\bby\s+(?P<p>{CLOCK})"), _by),
    (_pattern(rf"{_NOT_ASKED}\b(?:while|when)\s+{_NOT_ASKING}(?P<clause>\S.*?){_ENDS}"), _while),
    (_pattern(rf"^{_BY}{_SIDE}\s+{_CIVIL}(?P<clause>\S.*?){_ASKS}"), _beside),
    (_pattern(rf"{_NOT_IDIOM}{_BY}\b{_SIDE}\s+{_CIVIL}(?P<clause>\S.*?){_ENDS}"), _beside),
)
