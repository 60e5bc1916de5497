"""A language model under an engine: input while it speaks, input that is changed, replies that are cut off."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from headrace.core.errors import CapacityError, ConfigError, InputError, StateError
from headrace.engine.opening import Ask
from headrace.state.laws import digest
from tests.engine.live import SMALL, after, alone, close, ids, model, real

pytest.importorskip("transformers")


def container(driver: Any, name: str) -> str:
    return digest(driver.engine.seat(name).session.container)


# ── one session ──────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("policy", [None, SMALL])
def test_a_session_says_what_it_says_alone(policy: Any) -> None:
    driver = real()
    driver.open("a", policy=policy)
    driver.push("a", ids(50))
    driver.say("a", 12)
    driver.rest()
    driver.push("a", ids(9, 1))
    driver.say("a", 5)
    driver.rest()
    expected = alone([ids(50), 12, ids(9, 1), 5], policy=policy)
    assert driver.tokens("a") == expected.said
    assert close(driver.logits("a"), after(expected))
    numbers = [one.number for one in driver.said("a")]
    assert numbers == list(range(1, 18))
    assert [one.ended for one in driver.said("a") if one.ended] == ["length", "length"]
    assert [one.prompt for one in driver.said("a") if one.ended] == [51, 9]


# ── input while it speaks ────────────────────────────────────────────────────────────────────────────────────────────


def speaking(meanwhile: str, **options: Any) -> Any:
    """A session that has said three of ten tokens."""
    driver = real()
    driver.open("a", meanwhile=meanwhile, **options)
    driver.push("a", ids(20))
    driver.say("a", 10)
    while len(driver.tokens("a")) < 3:
        assert driver.tick()
    return driver


def test_merge_reads_before_the_next_token() -> None:
    driver = speaking("merge")
    assert driver.push("a", ids(5, 1)) == 5
    driver.rest()
    assert driver.tokens("a") == alone([ids(20), 3, ids(5, 1), 7]).said
    assert [one.ended for one in driver.said("a") if one.ended] == ["length"]


def test_queue_reads_after_the_end_of_the_reply() -> None:
    driver = speaking("queue")
    assert driver.push("a", ids(5, 1)) == 0
    driver.push("a", ids(2, 2))
    assert driver.engine.figures("a")["waiting"] > 0
    driver.rest()
    expected = alone([ids(20), 10, ids(5, 1), ids(2, 2)])
    assert driver.tokens("a") == expected.said
    assert close(driver.logits("a"), after(expected))
    kinds = [one.kind for one in driver.engine.events]
    assert kinds[-1] == "read"


def test_interrupt_ends_the_reply_at_once() -> None:
    driver = speaking("interrupt")
    driver.push("a", ids(5, 1))
    assert [one.ended for one in driver.said("a") if one.ended] == ["interrupted"]
    driver.rest()
    expected = alone([ids(20), 3, ids(5, 1)])
    assert driver.tokens("a") == expected.said
    assert close(driver.logits("a"), after(expected))
    driver.say("a", 4)
    driver.rest()
    assert driver.tokens("a") == alone([ids(20), 3, ids(5, 1), 4]).said


def test_latest_replaces_what_was_not_read() -> None:
    driver = speaking("latest")
    driver.push("a", ids(5, 1))
    driver.push("a", ids(6, 2))
    assert driver.engine.figures("a")["drops"] == 5
    driver.rest()
    assert driver.tokens("a") == alone([ids(20), 3, ids(6, 2), 7]).said


def test_latest_never_drops_a_past_that_waits_to_be_read_again() -> None:
    driver = real()
    driver.open("a", meanwhile="latest")
    driver.push("a", ids(20))
    driver.rest()
    seat = driver.engine.seat("a")
    driver.engine.host.reread(seat.session, seat.past.first(21))
    seat.past.cut(0)
    driver.push("a", ids(5, 1))
    driver.push("a", ids(6, 2))
    driver.rest()
    assert close(driver.logits("a"), after(alone([ids(20), ids(6, 2)])))


def test_turns_are_written_in_order_whatever_happens_meanwhile() -> None:
    driver = real()
    driver.open("a", meanwhile="queue")
    driver.push("a", "Where does the river end?", role="user")
    driver.say("a", 6, role="assistant")
    for _ in range(3):
        driver.tick()
    driver.push("a", "And the boat?", role="user")
    driver.say("a", 4, role="assistant")
    driver.rest()
    expected = alone(
        [("user", "Where does the river end?"), ("assistant", ""), 6, ("user", "And the boat?"), ("assistant", ""), 4]
    )
    assert driver.tokens("a") == expected.said
    assert close(driver.logits("a"), after(expected))


@pytest.mark.parametrize("meanwhile", ["merge", "queue", "interrupt", "latest"])
def test_input_that_is_refused_changes_nothing(meanwhile: str) -> None:
    driver = speaking(meanwhile)
    if meanwhile == "latest":
        driver.push("a", ids(5, 1))
    waits = driver.engine.host.pending(driver.engine.seat("a").session)
    with pytest.raises(InputError, match="vocabulary"):
        driver.push("a", [5000])
    with pytest.raises(ConfigError):
        driver.push("a", "hello", role="nobody")
    assert driver.engine.host.pending(driver.engine.seat("a").session) == waits
    driver.rest()
    history = [ids(20), 10] if meanwhile != "latest" else [ids(20), 3, ids(5, 1), 7]
    assert driver.tokens("a") == alone(history).said


def test_a_reply_that_is_refused_begins_no_turn() -> None:
    driver = real()
    driver.open("a")
    driver.push("a", "Hello", role="user")
    driver.rest()
    with pytest.raises(ConfigError):
        driver.say("a", 0, role="assistant")
    driver.rest()
    assert close(driver.logits("a"), after(alone([("user", "Hello")])))


def test_more_than_may_wait_is_refused() -> None:
    driver = real()
    driver.open("a", waiting=10)
    driver.push("a", ids(10))
    with pytest.raises(CapacityError, match="push less, or slower"):
        driver.push("a", ids(1, 1))
    driver.rest()
    assert close(driver.logits("a"), after(alone([ids(10)])))


# ── cut off ──────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("policy", [None, SMALL])
@pytest.mark.parametrize("stands", [0, 1, 4])
def test_what_nobody_heard_was_never_said(policy: Any, stands: int) -> None:
    driver = real()
    driver.open("a", policy=policy)
    driver.push("a", ids(20))
    driver.say("a", 10)
    while len(driver.tokens("a")) < 6:
        driver.tick()
    assert driver.engine.interrupt("a", driver.now, stands) == stands
    driver.rest()
    history = [ids(20), stands] if stands else [ids(20)]
    expected = alone(history, policy=policy)
    assert close(driver.logits("a"), after(expected))
    assert driver.engine.seat("a").session.container.count == expected.container.count
    driver.say("a", 3)
    driver.rest()
    assert driver.tokens("a")[6:] == alone([ids(20), stands + 3], policy=policy).said[stands:]


def test_it_may_be_told_after_the_reply_has_ended() -> None:
    driver = real()
    driver.open("a")
    driver.push("a", ids(20))
    driver.say("a", 10)
    while len(driver.tokens("a")) < 6:
        driver.tick()
    assert driver.engine.interrupt("a", driver.now) == 6
    assert driver.engine.interrupt("a", driver.now, 4) == 4
    driver.rest()
    assert close(driver.logits("a"), after(alone([ids(20), 4])))


def test_what_was_read_since_is_kept() -> None:
    driver = speaking("merge")
    driver.push("a", ids(5, 1))
    while len(driver.tokens("a")) < 5:
        driver.tick()
    assert driver.engine.interrupt("a", driver.now, 2) == 2
    driver.rest()
    assert close(driver.logits("a"), after(alone([ids(20), 2, ids(5, 1)])))


def test_what_is_not_remembered_stands() -> None:
    driver = speaking("merge", remember=8)
    assert driver.engine.interrupt("a", driver.now, 1) == 3
    driver.rest()
    assert close(driver.logits("a"), after(alone([ids(20), 3])))


def test_replies_that_wait_end_too() -> None:
    driver = speaking("merge")
    driver.say("a", 5)
    driver.say("a", 5)
    driver.engine.interrupt("a", driver.now)
    assert [one.ended for one in driver.said("a") if one.ended] == ["interrupted"] * 3
    assert not driver.tick()


# ── input that is changed ────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("policy", [None, SMALL])
@pytest.mark.parametrize("alike", [0, 7, 20, 40])
def test_update_is_a_fresh_session_given_the_final_text(policy: Any, alike: int) -> None:
    driver = real()
    driver.open("a", policy=policy)
    driver.push("a", ids(40))
    driver.rest()
    read = driver.engine.seat("a").read
    new = [*ids(40)[:alike], *ids(12, 1)]
    kept = driver.engine.update("a", new, driver.now)
    driver.rest()
    assert close(driver.logits("a"), after(alone([new], policy=policy)))
    assert driver.engine.seat("a").past.count == len(new) + 1
    if policy is None:
        assert kept == alike + 1
        assert driver.engine.seat("a").read - read == 12
    driver.say("a", 4)
    driver.rest()
    assert driver.tokens("a") == alone([new, 4], policy=policy).said


def test_update_to_what_is_there_reads_the_last_token_again() -> None:
    driver = real()
    driver.open("a")
    driver.push("a", ids(20))
    driver.rest()
    assert driver.engine.update("a", ids(20), driver.now) == 20
    assert driver.engine.update("a", ids(9), driver.now) == 9
    driver.rest()
    assert close(driver.logits("a"), after(alone([ids(9)])))


@pytest.mark.parametrize("ticks", [0, 1])
def test_update_before_anything_was_read(ticks: int) -> None:
    driver = real()
    driver.open("a")
    if ticks:
        driver.push("a", ids(20))
    driver.engine.update("a", ids(12, 1), driver.now)
    driver.rest()
    assert close(driver.logits("a"), after(alone([ids(12, 1)])))


def test_update_while_it_speaks_ends_the_reply_and_keeps_what_was_said_alike() -> None:
    driver = speaking("merge")
    said = driver.tokens("a")
    new = [*ids(20), *said[:2], *ids(4, 3)]
    assert driver.engine.update("a", new, driver.now) == 23
    assert driver.said("a")[-1].ended == "interrupted"
    driver.rest()
    assert close(driver.logits("a"), after(alone([new])))


def test_update_of_a_forgotten_past_is_refused_and_changes_nothing() -> None:
    driver = speaking("merge", remember=8)
    before = container(driver, "a")
    with pytest.raises(StateError, match="remember"):
        driver.engine.update("a", ids(9), driver.now)
    with pytest.raises(InputError):
        driver.engine.update("a", [5000], driver.now)
    assert container(driver, "a") == before
    driver.rest()
    assert driver.tokens("a") == alone([ids(20), 10]).said


# ── copies ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_restored_session_keeps_its_own_state() -> None:
    driver = real(prefixes=1 << 30)
    driver.open("lender")
    driver.push("lender", "Where does the river end, and who is going to see it?", role="user")
    driver.rest()
    driver.open("a")
    driver.push("a", ids(30), role="user")
    driver.rest()
    snapshot = driver.engine.save("a")
    driver.engine.close("a")
    driver.engine.restore("a", snapshot, driver.engine.seat("lender").opening, driver.now)
    asked = "Where does the river end, and who is going to see it?"
    pushed = [driver.push("a", model().tokens("<|x|>" + asked)), driver.push("lender", [3])]
    assert all(pushed)
    driver.rest()
    assert driver.engine.seat("a").session.container.count > 30


def test_a_snapshot_holds_what_waits() -> None:
    driver = real()
    driver.open("a")
    driver.push("a", ids(20))
    driver.rest()
    driver.push("a", ids(9, 1))
    snapshot = driver.engine.save("a")
    driver.engine.restore("b", snapshot, driver.engine.seat("a").opening, driver.now)
    driver.rest()
    assert close(driver.logits("b"), after(alone([ids(20), ids(9, 1)])))


def test_forks_go_their_own_ways_and_draw_by_their_seeds() -> None:
    driver = real()
    driver.open("a", sampling={"temperature": 1.0})
    driver.push("a", ids(20))
    driver.rest()
    driver.engine.fork("a", "same", driver.now)
    driver.engine.fork("a", "other", driver.now, 5)
    driver.engine.fork("a", "again", driver.now, 5)
    for name in ("a", "same", "other", "again"):
        driver.say(name, 12)
    driver.rest()
    said = {name: driver.tokens(name) for name in ("a", "same", "other", "again")}
    assert said["a"] == said["same"]
    assert said["other"] == said["again"] != said["a"]


def test_logprobs_are_those_of_the_logits() -> None:
    driver = real()
    driver.open("a")
    driver.push("a", ids(20))
    driver.rest()
    odds = driver.logits("a").log_softmax(-1)
    driver.engine.say("a", Ask(1, logprobs=3, ignore_end=True), driver.now)
    driver.rest()
    [one] = driver.said("a")
    assert one.logprob == pytest.approx(float(odds.max()), abs=1e-5)
    assert [i for i, _, _ in one.top] == odds.topk(3).indices.tolist()
    assert torch.allclose(torch.tensor([p for *_, p in one.top]), odds.topk(3).values, atol=1e-5)


def test_an_update_ends_the_turn_that_was_open() -> None:
    driver = real()
    driver.open("a")
    driver.push("a", "hello", role="user")
    driver.say("a", 3, role="assistant")
    driver.rest()
    driver.engine.update("a", "plain text", driver.now)
    driver.rest()
    driver.push("a", "hello again", role="user")
    driver.rest()
    assert driver.engine.seat("a").session.parts["turns"].role == "user"


def test_a_listener_may_cut_twice() -> None:
    driver = real()
    driver.open("a")
    driver.push("a", ids(15))
    driver.say("a", 8)
    driver.rest()
    assert driver.engine.interrupt("a", driver.now, 6) == 6
    assert driver.engine.interrupt("a", driver.now, 3) == 3
    driver.rest()
    said = driver.tokens("a")
    expected = alone([ids(15), 3])
    assert said[:3] == expected.said
    assert close(driver.logits("a"), after(expected))


def test_one_text_may_not_be_longer_than_what_may_wait() -> None:
    driver = real()
    driver.open("a", waiting=10)
    with pytest.raises(CapacityError, match="1000 characters, and 10 tokens may wait"):
        driver.push("a", "x" * 1000)
    with pytest.raises(CapacityError, match="0 tokens wait to be read and 11 come, but 10 may wait"):
        driver.push("a", ids(11))
    driver.push("a", ids(8))
    driver.rest()
    assert driver.engine.seat("a").past.count == 9
