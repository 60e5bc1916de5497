"""What is measured: sections of rows, each row one case of one peer."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from benchmarks.state.configs import mixed_lengths

WINDOW = 256
BATCHES = (1, 16)
SESSIONS = 16
SINKS = 4
#: Cache sizes of StreamingLLM's figure of latency (arXiv 2309.17453, section 4.5), which names up to 22.2x. Windows are
#: the paper's; the model is not (27 M for 7 and 13 B), nor the machine (a CPU thread, float32, for an A6000, float16).
PAPER_WINDOWS = (256, 512, 1024, 2048, 4096)
#: The window at which the goal stands beside the paper's own.
GOAL_WINDOW = 1024
HEADRACE, TRANSFORMERS, LLAMACPP = "headrace", "transformers", "llamacpp"
PEERS = (HEADRACE, TRANSFORMERS, LLAMACPP)


@dataclass(frozen=True)
class Row:
    """One case of one peer, and its parameters."""

    name: str
    peer: str
    case: str
    parameters: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Section:
    """Rows that do the same work. Ratios are to the row `base`."""

    key: str
    title: str
    base: str
    rows: tuple[Row, ...]


BOUNDED = f"headrace, {SINKS} sinks + recent"
DYNAMIC = "transformers, forward over DynamicCache"
RECOMPUTE = "transformers, window recomputed for every token"
ONE_LAUNCH = "headrace, one launch"
ONE_BY_ONE = "headrace, one by one"


def decode(batch: int, window: int, steps: int) -> Section:
    """Decoding at a constant number of entries."""
    at = {"batch": batch, "steps": steps, "window": window}
    rows = [
        Row("linear layers alone", TRANSFORMERS, "linears", {"batch": batch, "steps": steps}),
        Row(DYNAMIC, TRANSFORMERS, "dynamic", at),
        Row("transformers, forward over StaticCache", TRANSFORMERS, "static", at),
        Row("transformers, generate", TRANSFORMERS, "generate", at),
        Row("llama.cpp, defaults (float16 cache)", LLAMACPP, "decode", at | {"plain": False}),
        Row("llama.cpp, float32 cache, no flash attention", LLAMACPP, "decode", at | {"plain": True}),
        Row(BOUNDED, HEADRACE, "decode", at | {"sinks": SINKS}),
    ]
    if batch == 1:
        past = {"steps": 2 * window, "window": window, "keep": SINKS}
        rows.insert(-1, Row("llama.cpp, defaults, context shift", LLAMACPP, "shift", past | {"plain": False}))
        rows.insert(-1, Row("llama.cpp, float32 cache, context shift", LLAMACPP, "shift", past | {"plain": True}))
    return Section(f"decode {batch}", f"Decode, window {window}, batch {batch}", DYNAMIC, tuple(rows))


def recompute(window: int, steps: int) -> Section:
    """A bounded cache against the baseline of StreamingLLM: the window again for every token."""
    at = {"batch": 1, "steps": steps, "window": window}
    rows = (
        Row(RECOMPUTE, TRANSFORMERS, "recompute", {"window": window}),
        Row(DYNAMIC, TRANSFORMERS, "dynamic", at),
        Row(BOUNDED, HEADRACE, "decode", at | {"sinks": SINKS}),
    )
    return Section(f"recompute {window}", f"One token, window {window}", BOUNDED, rows)


def mixed(longest: int, tokens: int) -> Section:
    """Prompts of mixed length and then tokens, from nothing, prefill counted."""
    at = {"sessions": SESSIONS, "longest": longest, "tokens": tokens}
    rows = (
        Row("transformers, generate one by one", TRANSFORMERS, "mixed_one_by_one", at),
        Row("transformers, generate, padded", TRANSFORMERS, "mixed_padded", at),
        Row("transformers, generate_batch", TRANSFORMERS, "mixed_continuous", at),
        Row("llama.cpp, defaults, a slot each", LLAMACPP, "mixed", at | {"plain": False}),
        Row("llama.cpp, float32 cache, a slot each", LLAMACPP, "mixed", at | {"plain": True}),
        Row("headrace, a session each", HEADRACE, "mixed", at),
    )
    title = f"{SESSIONS} prompts of {longest // 8} to {longest} tokens, then {tokens} tokens each"
    return Section("mixed", title, "transformers, generate, padded", rows)


def tick(longest: int, steps: int) -> Section:
    """Sessions of different age and policy, one token each."""
    lengths = mixed_lengths(SESSIONS, longest)
    at = {"steps": steps, "lengths": lengths}
    rows = (
        Row("transformers, a DynamicCache each, one by one", TRANSFORMERS, "apart", at),
        Row(ONE_BY_ONE, HEADRACE, "one_by_one", at),
        Row(ONE_LAUNCH, HEADRACE, "one_launch", at),
    )
    return Section("tick", f"{SESSIONS} sessions of mixed age and policy, a token each", ONE_LAUNCH, rows)


def sections(quick: bool) -> tuple[Section, ...]:
    """Everything, or a smoke of everything with a quarter of the window."""
    window, steps = (WINDOW // 4, 4) if quick else (WINDOW, 32)
    return (
        *(decode(batch, window, steps) for batch in BATCHES),
        *(recompute(each, steps) for each in ((window,) if quick else PAPER_WINDOWS)),
        tick(window, 2 if quick else 8),
        mixed(window, 4 if quick else 16),
    )
