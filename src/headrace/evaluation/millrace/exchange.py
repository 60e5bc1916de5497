"""Exchanges: conversations about what comes and goes in a stream, some within others, some cut off by the user."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Sequence
from itertools import pairwise
from typing import Literal

from headrace.core.errors import InputError
from headrace.core.item import MS, SECOND
from headrace.evaluation.millrace.draw import Draw
from headrace.evaluation.millrace.identity import Identity
from headrace.evaluation.millrace.visit import Visit
from headrace.evaluation.truth import Exchange

#: Kinds of conversations, in the order in which a round of them is dealt out before it is shuffled.
Kind = Literal["count", "coming", "never", "nested", "interrupted"]
KINDS: tuple[Kind, ...] = ("count", "coming", "never", "nested", "interrupted")
#: The key of conversations among the draws of a seed.
EXCHANGES = 0xE8
#: How long the user waits for what was announced, and for an answer that could be given, ns.
WAIT, PATIENCE = 120 * SECOND, 8 * SECOND
#: From one conversation to the next; from a request to the one within it; of an answer until it is cut off, ns.
PAUSE, WITHIN, CUT = 5 * SECOND, 3 * SECOND, 2 * SECOND
LIST_REQUEST = "Who has come so far?"
#: A word as it is spoken, ns: 150 a minute.
WORD = 400 * MS
#: Names that an answer lists at most, so that it can be said before the user turns away.
LISTED = 12


def spoken_for(text: str) -> int:
    """ns that it takes to say a text."""
    return len(text.split()) * WORD


def count_request(name: str) -> str:
    return f"How often has {name} come?"


def wait_request(name: str) -> str:
    return f"Tell me when {name} comes within {WAIT // SECOND} seconds."


def asked_about(request: str) -> str:
    """The name in a request of `count_request` or `wait_request`, "" if it holds none."""
    found = re.fullmatch(r"How often has (.+) come\?|Tell me when (.+) comes within \d+ seconds\.", request)
    return (found[1] or found[2]) if found else ""


def conversations(
    visits: Sequence[Visit], duration: int, seed: int = 0, absent: Sequence[Identity] = ()
) -> list[Exchange]:
    """Conversations about the visits of one stream, in order of their starts; the same for the same seed.

    The user speaks from `start` on, for as long as the request takes to say, and what is wholly there by then counts.

    | kind | request | answer | known (`t_answer`) |
    |---|---|---|---|
    | count | how often somebody has come | the number, each there is as likely | once the request is heard |
    | coming | to be told of somebody who comes within 120 s | the name | at the first trace |
    | never | the same, of somebody who does not | none: silence is right | at the end of the 120 s |
    | nested | a count within the wait for somebody who comes | each its own | each its own |
    | interrupted | who has come so far | the last names, in order | once heard; cut off 2 s later by a count |

    Kinds are dealt in shuffled rounds; one that the visits do not allow at its time is left out. The exchanges of one
    conversation have one group, "NUMBER KIND". An answer is too late 8 s after it was known, or after somebody was
    wholly there. Nobody is asked about who takes on or loses a colour in sight: whether that is to come is not clear.

    Args:
        visits: in order of their starts.
        duration: of the stream, ns; no exchange ends behind it.
        absent: who never comes and is asked about all the same, or a name in a request would tell that it comes.

    Raises:
        InputError: visits that are out of order.
    """
    if any(later.start < earlier.start for earlier, later in pairwise(visits)):
        raise InputError("conversations: visits must come in order of their starts; sort them")
    draw, past = Draw(seed, EXCHANGES), _Past(visits, absent)
    made: list[Exchange] = []
    dealt: list[Kind] = []
    now, number = PAUSE, 0
    while now < duration:
        dealt = dealt or draw.shuffled(KINDS)
        kind = dealt.pop()
        held = _conversation(kind, past, now, f"{number} {kind}", draw)
        if held and max(one.end for one in held) <= duration:
            made += held
            number += 1
            now = max(one.end for one in held)
        now += PAUSE + draw.below(PAUSE // MS) * MS
    return made


def _conversation(kind: Kind, past: _Past, now: int, group: str, draw: Draw) -> list[Exchange]:
    """The exchanges of one conversation that begins at `now`; none if the visits do not allow it."""
    if kind == "interrupted":
        return _interrupted(past, now, group, draw)
    outer = _count(past, now, group, draw) if kind == "count" else _wait(past, now, group, draw, kind != "never")
    if outer is None or kind != "nested":
        return [outer] if outer else []
    inner = _count(past, now + spoken_for(outer.request) + WITHIN, group, draw)
    return [outer, inner] if inner and inner.end <= outer.t_answer else []


def _count(past: _Past, start: int, group: str, draw: Draw) -> Exchange | None:
    counted = [(name, start + spoken_for(count_request(name))) for name in past.asked]
    clear = [(name, heard, count) for name, heard in counted if (count := past.count(name, heard)) is not None]
    if not clear:
        return None
    wanted = draw.one(sorted({count for _, _, count in clear}))
    name, heard, count = draw.one([one for one in clear if one[2] == wanted])
    return Exchange(start, heard, heard + PATIENCE, count_request(name), str(count), group=group)


def _wait(past: _Past, start: int, group: str, draw: Draw, comes: bool) -> Exchange | None:
    found = []
    for name in past.asked:
        heard = start + spoken_for(wait_request(name))
        visit = past.next(name, heard)
        soon = visit is not None and visit.start + PATIENCE <= heard + WAIT
        late = visit is None or visit.trace[0] >= heard + WAIT
        if (soon if comes else late) and not past.here(name, heard):
            found.append((name, heard, visit))
    if not found:
        return None
    name, heard, visit = draw.one(found)
    if not comes or visit is None:
        return Exchange(start, heard + WAIT, heard + WAIT, wait_request(name), None, group=group)
    return Exchange(start, visit.trace[0], visit.start + PATIENCE, wait_request(name), name, group=group)


def _interrupted(past: _Past, start: int, group: str, draw: Draw) -> list[Exchange]:
    heard = start + spoken_for(LIST_REQUEST)
    end, answer = heard + CUT, ", ".join(past.before(heard)[-LISTED:])
    after = _count(past, end, group, draw)
    if spoken_for(answer) <= CUT or after is None:
        return []
    return [Exchange(start, heard, end, LIST_REQUEST, answer, interrupted=True, group=group), after]


class _Past:
    """What can be said of visits, which are in order of their starts.

    Attributes:
        asked: names that can be asked about, in the order in which they first come; then those that never do.
    """

    def __init__(self, visits: Sequence[Visit], absent: Sequence[Identity]) -> None:
        self._visits: dict[str, list[Visit]] = {}
        for visit in visits:
            self._visits.setdefault(visit.identity.name, []).append(visit)
        self._firsts = [held[0].start for held in self._visits.values()]
        self.asked = [name for name, held in self._visits.items() if all(one.enters and one.leaves for one in held)]
        self.asked += [identity.name for identity in absent[: len(self.asked)]]

    def before(self, t: int) -> list[str]:
        """The names that have come by `t`, in the order in which they first did."""
        return list(self._visits)[: bisect_right(self._firsts, t)]

    def count(self, name: str, t: int) -> int | None:
        """How often; None while it fades in."""
        held = self._visits.get(name, [])
        whole = sum(visit.start <= t for visit in held)
        return whole if whole == sum(visit.trace[0] <= t for visit in held) else None

    def here(self, name: str, t: int) -> bool:
        """Whether anything of it is in sight."""
        return any(visit.trace[0] <= t < visit.trace[1] for visit in self._visits.get(name, []))

    def next(self, name: str, t: int) -> Visit | None:
        """The first visit of which there is no trace at `t` yet."""
        return next((visit for visit in self._visits.get(name, []) if visit.trace[0] > t), None)
