"""headrace: live sessions of one model, alone and many in one launch."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

import torch

import headrace
from benchmarks.state.configs import checkpoint, mixed_lengths, prompt
from benchmarks.state.peers.harness import Repetition, serve, timed
from headrace.state import Policy, absolute, attention, everything, pin, recent, top

torch.set_num_threads(1)
lm = headrace.load(str(checkpoint()))
#: Bytes of a dense session: a thousand entries.
ROOM = 1 << 24


def bounded(window: int, sinks: int) -> Policy:
    """`sinks` and the newest: at least `window` entries, and up to a block more."""
    return Policy(keep=pin(tokens=sinks) + recent(tokens=window - sinks))


def dense() -> Policy:
    """Everything, until there is no room."""
    return Policy(keep=everything(), place=absolute(), bounded=False, max_bytes=ROOM)


def policies(window: int) -> list[Policy]:
    """Four that differ in what they keep and where it stands."""
    scored = pin(tokens=4) + recent(tokens=window // 2) + top(tokens=window // 2, score=attention(queries=4))
    return [bounded(window, 4), Policy(keep=recent(tokens=window)), dense(), Policy(keep=scored)]


def session(policy: Policy, length: int, number: int = 0) -> Any:
    """A session that has taken `length` tokens and said one."""
    made = lm.session(policy=policy, seed=number)
    made.push(prompt(length, number))
    lm.step([(made, None)])
    return made


def together(sessions: Sequence[Any], steps: int) -> int:
    """A token of every session in each launch."""
    for _ in range(steps):
        lm.step([(one, None) for one in sessions])
    return steps * len(sessions)


def alone(sessions: Sequence[Any], steps: int) -> int:
    """A launch for every token of every session."""
    for _ in range(steps):
        for one in sessions:
            lm.step([(one, None)])
    return steps * len(sessions)


def decode(batch: int, steps: int, window: int, sinks: int) -> Repetition:
    """Past the window, where every block that closes makes another leave."""
    sessions = [session(bounded(window, sinks), 2 * window, number) for number in range(batch)]
    return partial(timed, partial(together, sessions, steps))


def mixed_sessions(lengths: Sequence[int]) -> list[Any]:
    """Of every age another one, policies in turn."""
    kinds = policies(max(lengths))
    return [session(kinds[number % len(kinds)], length, number) for number, length in enumerate(lengths)]


def one_launch(steps: int, lengths: list[int]) -> Repetition:
    return partial(timed, partial(together, mixed_sessions(lengths), steps))


def one_by_one(steps: int, lengths: list[int]) -> Repetition:
    return partial(timed, partial(alone, mixed_sessions(lengths), steps))


def mixed(sessions: int, longest: int, tokens: int) -> Repetition:
    """Prompts of mixed length from nothing: all prefilled in one launch, then a token each a launch."""
    rows = [prompt(n, k) for k, n in enumerate(mixed_lengths(sessions, longest))]

    def run() -> int:
        made = [lm.session(policy=bounded(2 * longest, 4), seed=number) for number in range(sessions)]
        lm.step(list(zip(made, rows, strict=True)))
        return together(made, tokens)

    return partial(timed, run)


def agree() -> dict[str, list[float]]:
    """32 greedy tokens after a prompt of 32, and their log-probabilities."""
    said, read = (lm.session(policy=dense(), seed=0) for _ in range(2))
    said.push(prompt(32))
    tokens = [token.id for token in said.say(max_tokens=32)]
    logs = lm.read([(read, prompt(32) + tokens[:-1])])[0][31:].log_softmax(-1)
    return {"tokens": tokens, "logs": logs.gather(1, torch.tensor(tokens)[:, None])[:, 0].tolist()}


if __name__ == "__main__":
    serve(
        headrace.__version__,
        {"decode": decode, "one_launch": one_launch, "one_by_one": one_by_one, "mixed": mixed},
        agree,
    )
