"""decode: tokens a second of 16 sessions together, beside other engines with the same weights."""

from __future__ import annotations

import statistics
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from rich.console import Console

from benchmarks.engine.cases import COMPARED, LENGTHS, PROMPT, REFERENCE, SESSIONS
from benchmarks.engine.part import Goal, Part, Row, paired
from benchmarks.state.figures import Figure
from benchmarks.state.worker import PeerError, Worker

HEADRACE, LLAMACPP, TRANSFORMERS = "headrace", "llamacpp", "transformers"
FLOAT, INT8 = "float32", "int8"


@dataclass(frozen=True, eq=False)
class Case:
    """One way to serve all sessions."""

    name: str
    peer: str
    case: str
    numbers: str = FLOAT
    threads: int = 1
    parameters: dict[str, Any] = field(default_factory=dict)

    @property
    def load(self) -> str:
        return f"{self.numbers}, {self.threads} thread{'s' * (self.threads > 1)}"

    @property
    def asked(self) -> dict[str, Any]:
        rounded = {"rounded": self.numbers == INT8} if self.peer != TRANSFORMERS else {}
        return {"case": self.case, **rounded, **self.parameters}


def pool(workers: int, numbers: str = FLOAT) -> Case:
    told = f"headrace, pool of {workers}"
    return Case(told, HEADRACE, "pool", numbers, workers, {"workers": workers})


def llama(threads: int, numbers: str = FLOAT, plain: bool = False) -> Case:
    kind = "float32 cache" if plain else "defaults"
    name = f"llama.cpp server{', q8_0' if numbers == INT8 else ''}, {kind}"
    return Case(name, LLAMACPP, "sessions", numbers, threads, {"plain": plain})


CASES = (
    Case("headrace, engine", HEADRACE, "engine"),
    pool(1),
    llama(1, plain=True),
    llama(1),
    Case("transformers, generate_batch", TRANSFORMERS, "sessions"),
    pool(2),
    llama(2),
    Case("transformers, generate_batch", TRANSFORMERS, "sessions", FLOAT, 2),
    Case("headrace, engine", HEADRACE, "engine", INT8),
    llama(1, INT8, plain=True),
    llama(1, INT8),
    pool(2, INT8),
    llama(2, INT8),
)
WHOLE, WALL, STEADY = "tokens a CPU s", "tokens a s, wall", "tokens a CPU s, decode alone"


def decode(quick: bool, console: Console) -> Part:
    """Measure it; rounds are interleaved."""
    tokens, rounds, said = (8, 1, 8) if quick else (64, 3, 32)
    title = f"{SESSIONS} sessions, prompts of {PROMPT} tokens, {tokens} tokens each, from nothing"
    part = Part("decode", title, (WHOLE, WALL, STEADY))
    workers: dict[tuple[str, int], Worker] = {}
    missing: dict[str, str] = {}
    try:
        for case in CASES:
            home = _home(case)
            if home in workers or case.peer in missing:
                continue
            try:
                workers[home] = Worker(case.peer, "benchmarks.engine.peers", home[1])
            except PeerError as error:
                missing[case.peer] = str(error)
        samples, failed = _measured(workers, missing, tokens, rounds, console)
        _compared(part, workers, said)
    finally:
        for worker in workers.values():
            worker.close()
    part.samples = {f"{case.name}, {case.load}": samples[case] for case in CASES if case in samples}
    for case in CASES:
        if case not in samples:
            part.rows.append(Row(case.load, case.name, {}, note=f"not run: {failed[case]}"))
            continue
        part.rows.append(
            Row(case.load, case.name, {name: Figure.of(_rates(samples[case], name)) for name in part.columns})
        )
    for numbers in (FLOAT, INT8):
        _goals(part, samples, numbers)
    versions = {f"{peer}": worker.version for (peer, _), worker in workers.items()}
    part.notes.append("; ".join(f"{peer} {version}" for peer, version in versions.items()))
    return part


def _home(case: Case) -> tuple[str, int]:
    """Which process measures it; a pool's threads are its workers'."""
    return case.peer, 1 if case.peer == HEADRACE else case.threads


def _measured(
    workers: dict[tuple[str, int], Worker], missing: dict[str, str], tokens: int, rounds: int, console: Console
) -> tuple[dict[Case, list[dict[str, Any]]], dict[Case, str]]:
    """Of every case and round, samples of all tokens and of the first alone."""
    samples: dict[Case, list[dict[str, Any]]] = {}
    failed: dict[Case, str] = {}
    for turn in range(rounds + 1):
        console.print("decode: preparing" if not turn else f"decode: round {turn} of {rounds}", highlight=False)
        for case in CASES:
            if case in failed:
                continue
            if _home(case) not in workers:
                failed[case] = missing[case.peer]
                continue
            worker = workers[_home(case)]
            try:
                if not turn:
                    for count in (tokens, 1):
                        worker.ask("prepare", tokens=count, **case.asked)
                    continue
                whole, first = (worker.ask("measure", tokens=count, **case.asked) for count in (tokens, 1))
                samples.setdefault(case, []).append({"whole": whole, "first": first})
            except PeerError as error:
                failed[case] = str(error)
                samples.pop(case, None)
    return samples, failed


def _rates(samples: list[dict[str, Any]], column: str) -> list[float]:
    if column == STEADY:
        return [
            (one["whole"]["tokens"] - one["first"]["tokens"]) / max(one["whole"]["cpu"] - one["first"]["cpu"], 1e-9)
            for one in samples
        ]
    return [one["whole"]["tokens"] / one["whole"]["cpu" if column == WHOLE else "wall"] for one in samples]


def _goals(part: Part, samples: dict[Case, list[dict[str, Any]]], numbers: str) -> None:
    """headrace beside the best of each peer, by CPU time, one thread each."""
    own = [case for case in samples if (case.peer, case.numbers, case.case) == (HEADRACE, numbers, "engine")]
    for peer in (LLAMACPP, TRANSFORMERS) if numbers == FLOAT else (LLAMACPP,):
        others = [case for case in samples if (case.peer, case.numbers, case.threads) == (peer, numbers, 1)]
        for column, told in ((WHOLE, "in all"), (STEADY, "decode alone")):
            value = None
            if own and others:
                rates = [_rates(samples[case], column) for case in others]
                value = paired(_rates(samples[own[0]], column), max(rates, key=statistics.median)).median
            text = f"{numbers}, {told}: headrace's engine gives >= 1x the tokens a CPU second of {peer} at its best"
            part.goals.append(Goal(text, value, 1.0))


def _compared(part: Part, workers: dict[tuple[str, int], Worker], tokens: int) -> None:
    """Greedy tokens and distributions of all, beside those of transformers in float32."""
    if (TRANSFORMERS, 1) not in workers:
        return
    of = workers[TRANSFORMERS, 1]
    wanted = of.ask("greedy", tokens=tokens)
    np.save(REFERENCE, np.asarray(of.ask("odds"), np.float32))
    from benchmarks.engine.cases import divergence

    for peer in (HEADRACE, LLAMACPP):
        for numbers in (FLOAT, INT8):
            if (peer, 1) not in workers:
                continue
            try:
                said = workers[peer, 1].ask("greedy", tokens=tokens, rounded=numbers == INT8)
                lost = divergence(workers[peer, 1].ask("odds", rounded=numbers == INT8))
            except PeerError as error:
                part.notes.append(f"{peer} {numbers}: {error}")
                continue
            same = [_alike(a, b) for a, b in zip(said, wanted, strict=True)]
            part.samples[f"{peer} {numbers} beside transformers"] = {"alike": same} | lost
            part.notes.append(
                f"{peer}, {numbers}, beside transformers in float32: {sum(same)} of {tokens * SESSIONS} greedy tokens "
                f"before the first that differs; after {COMPARED * len(LENGTHS)} prompts, KL {lost['kl']:.1e} nat and "
                f"the same most probable token in {lost['top']:.0%}"
            )


def _alike(a: list[int], b: list[int]) -> int:
    """Tokens before the first that differs."""
    return next((at for at, (one, other) in enumerate(zip(a, b, strict=False)) if one != other), min(len(a), len(b)))
