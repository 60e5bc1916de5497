"""World: the truth fits together, and answers follow from the visits alone."""

from __future__ import annotations

from collections import Counter
from itertools import combinations, pairwise

import pytest

from headrace.core.errors import ConfigError
from headrace.core.item import SECOND
from headrace.evaluation.millrace import AGES, REGIMES, TRACKS, UNSEEN, Asked, Visit, World
from headrace.evaluation.millrace.frozen import DEVELOPMENT, DIGESTS, HELD_OUT, digest
from headrace.evaluation.millrace.identity import Identity
from headrace.evaluation.millrace.plan import AWAY, CLEAR, CROWD, QUIET_END
from headrace.evaluation.millrace.questions import SILENT, place
from headrace.evaluation.truth import from_json, to_json

EVERY = (*REGIMES, UNSEEN)
WORLDS = [
    World(seed, regime, seconds) for seed in (0, 1) for regime in ("calm", "busy", "fade") for seconds in (1800, 7200)
]


def overlap(one: Visit, other: Visit) -> bool:
    return one.trace[0] < other.trace[1] and other.trace[0] < one.trace[1]


@pytest.mark.parametrize("world", WORLDS, ids=lambda world: f"{world.name}-{world.seconds}")
def test_visits_keep_apart(world: World) -> None:
    standing = [visit for visit in world.visits if visit.end == world.duration]
    assert len(standing) == 1
    assert standing[0].start < 40 * SECOND
    passing = [visit for visit in world.visits if visit is not standing[0]]
    assert len(passing) > 40 * world.seconds / 3600
    grid = {(row, column) for row in range(world.grid[0] - 1) for column in range(world.grid[1])}
    assert {visit.cell for visit in world.visits} <= grid - set(world.plan.moving)
    for one, other in combinations(passing, 2):
        follows = other.start == one.end and not other.enters and not one.leaves
        apart = max(other.trace[0] - one.trace[1], one.trace[0] - other.trace[1])
        assert apart >= AWAY or one.identity != other.identity
        assert apart >= CLEAR or one.cell != other.cell or follows
    for visit in passing:
        assert visit.cell != standing[0].cell
        assert sum(overlap(visit, other) for other in passing if other.start <= visit.start) <= CROWD
        assert 2 * SECOND <= visit.end - visit.start <= 8 * SECOND
        assert visit.trace[1] <= world.duration - QUIET_END


@pytest.mark.parametrize("world", WORLDS, ids=lambda world: f"{world.name}-{world.seconds}")
def test_identities_come_seldom_and_the_absent_never(world: World) -> None:
    often = Counter(visit.identity for visit in world.visits)
    assert set(often) == set(world.shown)
    assert set(often.values()) == {1, 2, 3}
    assert {often[visit.identity] for visit in world.visits if not visit.enters} <= {1}
    assert not set(world.shown) & set(world.absent)
    assert len(world.absent) >= 12
    assert not {who.colour for who in (*world.shown, *world.absent)} & set(world.plan.unseen)


@pytest.mark.parametrize("world", WORLDS, ids=lambda world: f"{world.name}-{world.seconds}")
def test_events_are_those_of_the_visits(world: World) -> None:
    kinds = {
        kind: [e for e in world.events if e.content["what"] == kind] for kind in ("enter", "leave", "touch", "recolour")
    }
    assert sum(len(events) for events in kinds.values()) == len(world.events)
    assert [e.start for e in world.events] == sorted(e.start for e in world.events)
    entered = sorted((v.trace[0], v.start, v.identity.name) for v in world.visits if v.enters)
    assert sorted((e.start, e.end, e.content["who"][0]) for e in kinds["enter"]) == entered
    assert len(kinds["enter"]) == len(kinds["leave"]) + 1
    touching = {
        (max(a.start, b.start), min(a.end, b.end), frozenset((a.identity.name, b.identity.name)))
        for a, b in combinations(world.visits, 2)
        if min(a.end, b.end) > max(a.start, b.start) and abs(a.cell[0] - b.cell[0]) + abs(a.cell[1] - b.cell[1]) == 1
    }
    assert {(e.start, e.end, frozenset(e.content["who"])) for e in kinds["touch"]} == touching
    assert touching
    changed = sum(not visit.enters for visit in world.visits)
    assert len(kinds["recolour"]) == changed == sum(not visit.leaves for visit in world.visits)
    assert (changed > 0) == (not world.settings.fade)
    for event in kinds["recolour"]:
        before, after = (name.split() for name in event.content["who"])
        assert before[0] != after[0]
        assert before[1:] == after[1:]


def expected(world: World, asked: Asked) -> str | None:
    """The answer, from the visits and the words alone."""
    t = asked.question.t
    past = {who: [v for v in world.visits if v.identity == who and v.start <= t] for who in asked.who}
    if asked.about == "who":
        there = [v for v in world.visits if v.cell == asked.cell and v.trace[0] <= t < v.trace[1]]
        assert all(v.start <= t < v.end for v in there)
        return there[0].identity.name if there else None
    if asked.about == "colour":
        found = {v.identity for v in world.visits if v.start <= t and v.identity.colour == asked.colour}
        return str(len(found)) if found else None
    if not all(past.values()):
        return None
    visits = past[asked.who[0]]
    if asked.about == "word":
        words = [said.word for said in world.said if said.visit is not None and world.visits[said.visit] == visits[-1]]
        return words[0] if words else None
    return {
        "seen": "yes",
        "visits": str(len(visits)),
        "first": min(asked.who, key=lambda who: past[who][0].start if past[who] else 0).name,
        "first place": place(visits[0].cell),
        "last place": place(visits[-1].cell),
    }[asked.about]


@pytest.mark.parametrize("regime", ["calm", "busy", "fade"])
@pytest.mark.parametrize("seed", range(20))
def test_answers_follow_from_the_visits(seed: int, regime: str) -> None:
    world = World(seed, regime, 1200)
    assert {asked.track for asked in world.questions} == set(TRACKS)
    for asked in world.questions:
        assert asked.question.answer == expected(world, asked), asked
        assert from_json(to_json(asked.question)) == asked.question


@pytest.mark.parametrize("world", WORLDS, ids=lambda world: f"{world.name}-{world.seconds}")
def test_half_of_every_track_and_age_has_no_answer(world: World) -> None:
    told = Counter((a.track, a.about, a.age) for a in world.questions if a.question.answer is not None)
    untold = Counter((a.track, a.about, a.age) for a in world.questions if a.question.answer is None)
    for kind in {kind[:2] for kind in (*told, *untold)}:
        some, none = (sum(of[k] for k in of if k[:2] == kind) for of in (told, untold))
        assert 4 <= some <= none <= some + (2 * SILENT if kind[0] == "heard" else 0)
    past = {age: count for (track, _, age), count in told.items() if track == "past"}
    assert past == {age: count for (track, _, age), count in untold.items() if track == "past"}
    assert all(past[age] == 12 for age in AGES if 2 * age <= world.duration)
    visits = Counter(a.question.answer for a in world.questions if a.about == "visits" and a.question.answer)
    assert min(visits[often] for often in "123") >= 3


@pytest.mark.parametrize("world", WORLDS, ids=lambda world: f"{world.name}-{world.seconds}")
def test_evidence_lies_where_the_answer_is_to_be_seen(world: World) -> None:
    for asked in world.questions:
        question = asked.question
        assert bool(question.evidence) == (question.answer is not None)
        for start, end in question.evidence:
            assert 0 <= start < end <= question.t < world.duration
        if asked.track == "past" and question.evidence:
            assert 0.7 <= (question.t - question.evidence[-1][1] - world.settings.fade) / asked.age <= 1.45
            spans = tuple(v.span for v in world.visits if v.identity == asked.who[0] and v.start < question.t)
            assert question.evidence == spans


def test_no_text_tells_who_came() -> None:
    """Whoever is asked about, so is a twin that never came: what was asked before says nothing."""
    right = asked = 0
    for seed in range(40, 60):
        named: set[Identity] = set()
        for one in World(seed, "calm", 1800).questions:
            if one.about == "seen":
                asked += 1
                right += (one.who[0] in named) == (one.question.answer is not None)
            named |= set(one.who) if one.about != "seen" else set()
    assert abs(right / asked - 0.5) <= 0.02


def test_half_of_the_waits_are_for_nothing() -> None:
    for world in WORLDS:
        assert len(world.waits) == 16
        assert sum(not wait.events for wait in world.waits) == 8
        for wait in world.waits:
            entered = [e for e in world.events if e.content["what"] == "enter" and e.content["who"] == [wait.who.name]]
            assert list(wait.events) == [e for e in entered if e.start >= wait.t]
            assert bool(entered) == (wait.who in world.shown)


def test_words_belong_to_one_entrance_or_to_none() -> None:
    for world in WORLDS:
        own = [said for said in world.said if said.visit is not None]
        assert len(own) >= 5
        assert len(own) < len(world.said)
        for one, other in pairwise(world.said):
            assert other.start - one.end > SECOND
        for said in world.said:
            near = [
                v
                for v in world.visits
                if v.enters and v.trace[0] - 9 * SECOND < said.end and said.start < v.start + 9 * SECOND
            ]
            assert near == ([] if said.visit is None else [world.visits[said.visit]])
            assert said.end < world.duration


def test_the_courier_goes_a_cell_a_second_and_rests() -> None:
    world = World(0, "calm", 3600)
    moves = [
        (b - a, abs(y[1] - x[1]))
        for (a, x), (b, y) in pairwise(zip(world.courier.times, world.courier.values, strict=True))
    ]
    assert {step for _, step in moves} == {1}
    assert sum(wait == SECOND for wait, _ in moves) > 0.9 * len(moves)
    assert len(world.errands) == 12
    assert {cell[0] for cell in world.courier.values} == {world.grid[0] - 1}
    assert {cell[1] for cell in world.courier.values} == set(range(world.grid[1]))


def test_seeds_are_independent_and_streams_their_seed() -> None:
    assert not set(DEVELOPMENT) & set(HELD_OUT)
    stories = [
        tuple((v.identity, v.cell) for v in World(seed, "calm", 1800).visits) for seed in (*DEVELOPMENT, *HELD_OUT)
    ]
    assert len(set(stories)) == len(stories)
    for one, other in combinations(stories, 2):
        alike = len(set(one) & set(other))
        assert alike < 0.05 * len(one)
    assert World(3, "cut", 600).questions == World(3, "cut", 600).questions
    assert World(3, "calm", 600).visits == World(3, "noisy", 600).visits


def test_a_long_stream_reaches_ten_hours_back() -> None:
    world = World(0, "calm", 36000)
    told = Counter(a.age for a in world.questions if a.track == "past" and a.question.answer)
    assert min(told[age] for age in AGES) >= 8
    assert len(world.visits) >= 400


@pytest.mark.parametrize("regime", EVERY)
def test_what_is_frozen_is_what_is_made(regime: str) -> None:
    assert digest(0, regime) == DIGESTS[regime]


@pytest.mark.parametrize(
    "wrong",
    [
        {"regime": "fog"},
        {"seconds": 60},
        {"seconds": 1e9},
        {"fps": 0},
        {"size": (100, 64)},
        {"size": (64, 48)},
        {"seed": -1},
    ],
)
def test_wrong_settings_are_refused(wrong: dict) -> None:
    with pytest.raises(ConfigError, match="millrace"):
        World(**wrong)
