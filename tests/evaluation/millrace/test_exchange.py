"""Conversations from visits, and what becomes of a system's decisions when the user talks too."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import asdict

import pytest

from headrace.core.errors import ConfigError, InputError
from headrace.core.item import MS, SECOND, Emission
from headrace.evaluation.millrace.draw import Draw
from headrace.evaluation.millrace.exchange import (
    CUT,
    KINDS,
    PATIENCE,
    WAIT,
    WORD,
    asked_about,
    conversations,
    count_request,
    spoken_for,
    wait_request,
)
from headrace.evaluation.millrace.exchange_blind import Delayed, Silent, Talking, guess, partners
from headrace.evaluation.millrace.exchange_voice import Moment, Request, Say, Voice, converse, requests
from headrace.evaluation.millrace.identity import Identity
from headrace.evaluation.millrace.visit import Visit
from headrace.evaluation.millrace.world import World
from headrace.evaluation.truth import Exchange
from headrace.testing import assert_deterministic

HOUR = 3600 * SECOND
WHO = [Identity("disc", colour, digit) for colour in ("red", "blue", "green") for digit in range(4)]


def visits(seed: int, fade: int = 0, hours: int = 1) -> list[Visit]:
    """Twelve come, one every 20 s, for 5 s."""
    draw = Draw(seed, 77)
    return [
        Visit(draw.one(WHO), t * SECOND, (t + 5) * SECOND, (0, 0), fade)
        for t in range(20, hours * 3600 - 20, 20)
    ]  # fmt: skip


def in_sight(visit: Visit, name: str) -> bool:
    return visit.identity.name == name


def test_conversations_are_seeded_in_order_and_of_every_kind() -> None:
    made = conversations(visits(1), HOUR, seed=3)
    assert_deterministic(lambda: [asdict(one) for one in conversations(visits(1), HOUR, seed=3)])
    assert made != conversations(visits(1), HOUR, seed=4)
    assert [one.start for one in made] == sorted(one.start for one in made)
    kinds = Counter(one.group.split()[1] for one in made)
    assert set(kinds) == set(KINDS)
    assert max(one.end for one in made) <= HOUR
    assert min(kinds.values()) >= 4


def test_worlds_allow_every_kind() -> None:
    world = World(0, "fade", 1800)
    made = conversations(world.visits, world.duration)
    assert {one.group.split()[1] for one in made} == set(KINDS)
    assert len(made) > 20


@pytest.mark.parametrize("fade", [0, 3 * SECOND])
def test_the_truth_of_every_exchange_follows_from_the_visits(fade: int) -> None:
    seen = visits(2, fade)
    for one in conversations(seen, HOUR, seed=1):
        heard, name, kind = one.start + spoken_for(one.request), asked_about(one.request), one.group.split()[1]
        if one.request == count_request(name):
            assert one.t_answer == heard
            assert one.end == heard + PATIENCE
            assert one.answer == str(sum(in_sight(visit, name) and visit.start <= heard for visit in seen))
        elif name and one.answer is None:
            assert kind == "never"
            assert not any(in_sight(v, name) and v.trace[1] > heard and v.trace[0] < heard + WAIT for v in seen)
            assert one.t_answer == one.end == heard + WAIT
        elif name:
            (first, *_) = [v for v in seen if in_sight(v, name) and v.trace[1] > heard]
            assert (one.answer, one.t_answer, one.end) == (name, first.start - fade, first.start + PATIENCE)
            assert heard < one.t_answer < heard + WAIT
        else:
            assert one.interrupted
            assert (one.t_answer, one.end) == (heard, heard + CUT)
            assert spoken_for(one.answer or "") > CUT


def test_nested_and_interrupted_conversations_hang_together() -> None:
    groups: dict[str, list[Exchange]] = {}
    for one in conversations(visits(5), HOUR, seed=2):
        groups.setdefault(one.group, []).append(one)
    for group, held in groups.items():
        assert len(held) == (2 if group.split()[1] in ("nested", "interrupted") else 1)
        if group.endswith("nested"):
            outer, inner = held
            assert outer.start + spoken_for(outer.request) < inner.start < inner.end <= outer.t_answer
        if group.endswith("interrupted"):
            assert held[0].end == held[1].start


def test_who_changes_colour_in_sight_is_not_asked_about() -> None:
    held = [Visit(one, (20 + 40 * n) * SECOND, (25 + 40 * n) * SECOND, (0, 0)) for n, one in enumerate(WHO)]
    changed = Visit(WHO[0], 3000 * SECOND, 3005 * SECOND, (0, 0), enters=False)
    made = conversations([*held, changed], HOUR)
    assert made
    assert WHO[0].name not in {asked_about(one.request) for one in made}
    with pytest.raises(InputError, match="visits must come in order"):
        conversations(held[::-1], HOUR)


def once(at: int, text: str, cause: str = "") -> Delayed:
    """A partner that says one text at the first look from `at` on."""

    class Once(Delayed):
        said = False

        def __call__(self, moment: Moment) -> Iterable[Say]:
            if moment.now >= at and not self.said:
                self.said = True
                return (Say(text, cause),)
            return ()

    return Once(0)


def told(emitted: list[Emission]) -> list[tuple[str, float, float, bool]]:
    return [(one.content["text"], one.start / SECOND, one.end / SECOND, one.cancelled) for one in emitted]


LONG = Exchange(0, 2 * SECOND, 60 * SECOND, "one two")


def test_a_decision_becomes_chunks_of_speech() -> None:
    made = converse([LONG], once(SECOND, "a b c d e f", "0"))
    assert told(made) == [("a b c d", 1.0, 2.6, False), ("e f", 2.6, 3.4, False)]
    assert [(one.t_emit, one.t_input, one.cause) for one in made] == [(SECOND, SECOND, "0"), (2600 * MS, SECOND, "0")]
    assert len({one.id for one in made}) == 2


def test_the_voice_waits_for_the_user_and_for_itself() -> None:
    made = converse([Exchange(0, 2 * SECOND, 9 * SECOND, "one two three four five")], once(0, "yes"))
    assert told(made) == [("yes", 2.0, 2.4, False)]

    def twice(moment: Moment) -> Iterable[Say]:
        return (Say("one two", "0"), Say("three", "0")) if moment.heard else ()

    assert told(converse([LONG], twice)) == [("one two", 0.8, 1.6, False), ("three", 1.6, 2.0, False)]


def test_the_user_cuts_the_voice_off() -> None:
    asked = Exchange(3 * SECOND, 5 * SECOND, 9 * SECOND, "and now", group="a")
    text = "a b c d e f g h i j k l"
    assert told(converse([LONG, asked], once(SECOND, text, "0"))) == [
        ("a b c d", 1.0, 2.6, False), ("e f g h", 2.6, 3.0, True),
    ]  # fmt: skip
    slow = converse([LONG, asked], once(SECOND, text, "0"), Voice(yields=SECOND))
    assert told(slow)[-1] == ("e f g h", 2.6, 4.0, True)
    cut = Exchange(0, SECOND, 3 * SECOND, "one two", "long", interrupted=True)
    assert told(converse([cut, replaced(LONG, 20)], once(SECOND, text, "0")))[-1] == ("e f g h", 2.6, 3.0, True)


def replaced(one: Exchange, start: int) -> Exchange:
    return Exchange(start * SECOND, start * SECOND, one.end, one.request)


def test_a_system_is_told_what_was_heard_and_what_was_cut() -> None:
    moments: list[Moment] = []

    def listening(moment: Moment) -> Iterable[Say]:
        moments.append(moment)
        return (Say("a b c d e f g h i j k l m n", "0"),) if moment.heard and not moment.speaking else ()

    asked = Exchange(3 * SECOND, 5 * SECOND, 9 * SECOND, "and now")
    converse([LONG, asked], listening)
    assert [(moment.now / SECOND, [one.id for one in moment.heard]) for moment in moments if moment.heard] == [
        (0.8, ["0"]), (3.8, ["1"]),
    ]  # fmt: skip
    assert [(moment.now / SECOND, moment.cut) for moment in moments if moment.cut] == [(3.0, ("0",))]
    assert [one.text for one in requests([LONG, asked])] == ["one two", "and now"]


def test_nothing_is_said_to_what_was_not_heard_yet() -> None:
    with pytest.raises(InputError, match="answers request '0' at 200000000 ns, before it was heard"):
        converse([LONG], once(200 * MS, "yes", "0"))
    with pytest.raises(ConfigError, match="voice: look 0 ns"):
        Voice(look=0)


def answered(exchanges: list[Exchange], emitted: list[Emission]) -> float:
    """Share of the exchanges in which the right text, and nothing before it, is said within its time."""
    right = 0
    for number, one in enumerate(exchanges):
        said = [e for e in emitted if e.cause == str(number) and not e.cancelled]
        text = " ".join(e.content["text"] for e in said)
        timely = bool(said) and one.t_answer <= said[0].start < one.end
        right += not said if one.answer is None else timely and text == one.answer
    return right / len(exchanges)


def test_blind_partners_hear_requests_only() -> None:
    request = Request("0", wait_request("red disc 3"), 0, SECOND)
    assert guess(request) == "red disc 3"
    assert guess(Request("0", count_request("red disc 3"), 0, SECOND)) == "1"
    exchanges = conversations(visits(8), HOUR // 2, seed=6)
    shares = {name: answered(exchanges, converse(exchanges, make())) for name, make in partners().items()}
    never = sum(one.answer is None for one in exchanges) / len(exchanges)
    assert shares["silence"] == pytest.approx(never)
    assert shares["always talking"] == 0
    assert all(share < 0.35 for share in shares.values())

    due = [(one.t_answer, str(number), one.answer) for number, one in enumerate(exchanges) if not one.interrupted]

    def knowing(moment: Moment) -> Iterable[Say]:
        now = [(cause, text) for t, cause, text in due if text and moment.now - Voice().look < t <= moment.now]
        return [Say(text, cause) for cause, text in now]

    assert answered(exchanges, converse(exchanges, knowing)) > 0.8


def test_blind_partners_speak_as_they_say() -> None:
    assert converse([LONG], Silent()) == []
    talk = converse([LONG], Talking())
    assert sum(one.end - one.start for one in talk) > 0.5 * LONG.end
    assert [one.start for one in converse([LONG], Delayed(5 * SECOND))] == [5 * SECOND + 2 * WORD]
    with pytest.raises(ConfigError, match="delayed partner"):
        Delayed(-1)
