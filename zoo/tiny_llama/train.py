"""Train `zoo:tiny-llama`: `python -m zoo.tiny_llama.train WORK`.

Stage 1 reads rows of 512 tokens with every earlier token in sight: text, and facts to be recalled. Stage 2 alternates
such rows with rows of 2,048 tokens that are seen through a sink and a window at positions relative to the cache, so
that the model knows the state it will live in, and asks every head for a share of attention on `<bos>`. `WORK` keeps
tokens, weights and the curve; a finished stage is not run again.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812
from safetensors.torch import load_model, save_model
from torch import Tensor

from zoo.tiny_llama.model import Shape, TinyLlama
from zoo.tiny_llama.muon import Muon
from zoo.tiny_llama.prepare import Prepared, prepare
from zoo.tiny_llama.rows import Probe, Row, Rows
from zoo.tiny_llama.start import structured


@dataclass(frozen=True)
class Plan:
    """All that decides the weights, beside the corpus and the library versions. Lengths are in tokens."""

    seed: int = 5
    length: int = 512
    rows: int = 4
    steps: int = 4200  # of stage 1
    fall: tuple[int, int] = (2240, 5600)  # the steps over which the rate would fall to nothing; stage 2 comes before
    rate: float = 0.02
    adam_rate: float = 3e-3
    packed: int = 448  # first steps, in which facts come in short packed segments
    segment: int = 128
    facts: float = 0.3  # share of rows with facts afterwards
    weight: float = 2.0  # of a value to be recalled, against other tokens
    window_steps: int = 900  # of stage 2
    window_length: int = 2048
    windows: tuple[int, int] = (128, 448)
    sinks: int = 4
    sink_share: float = 0.3  # of a head's attention, on `<bos>`
    sink_weight: float = 0.05  # of the logarithm by which a head lacks that share
    window_rate: float = 0.01
    window_adam_rate: float = 1.6e-3


class Curve:
    """Held-out loss and recall during training, one JSON line per measurement."""

    def __init__(self, path: Path, prepared: Prepared, probe: Probe, length: int) -> None:
        self.path = path
        tokens = [prepared.tokenizer.encode(s, add_special_tokens=False).ids for s in prepared.streams]
        held_out = Rows(np.concatenate([np.asarray(t, np.uint16) for t in tokens]), probe, seed=99)
        self.text, _ = batch([held_out.text(length) for _ in range(16)])
        self.facts, self.age = batch([held_out.facts(length) for _ in range(16)])
        spent = json.loads(path.read_text(encoding="utf-8").splitlines()[-1])["cpu_seconds"] if path.exists() else 0
        self.started = time.process_time() - spent

    @torch.no_grad()
    def measure(self, model: TinyLlama, **where: float) -> None:
        """Append and print one line: `loss` in nats a token, `recall` and `far_recall` (age above 256) in 0-1."""
        loss = losses(model(self.text), self.text).mean().item()
        right = (model(self.facts)[:, :-1].argmax(-1) == self.facts[:, 1:]).float()
        age = self.age[:, 1:]
        line = {
            **where,
            "cpu_seconds": round(time.process_time() - self.started),
            "loss": round(loss, 4),
            "recall": round(right[age > 0].mean().item(), 4),
            "far_recall": round(right[age > 256].mean().item(), 4),
        }
        with self.path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(line) + "\n")
        print(line, flush=True)


def batch(rows: list[Row]) -> tuple[Tensor, Tensor]:
    """Return ids and ages, int64 [B, T]."""
    return torch.from_numpy(np.stack([r.ids for r in rows])), torch.from_numpy(np.stack([r.age for r in rows]))


def losses(scores: Tensor, ids: Tensor) -> Tensor:
    """Return the loss of every token but the first, float32 [B, T - 1]."""
    return F.cross_entropy(scores[:, :-1].flatten(0, 1), ids[:, 1:].flatten(), reduction="none").view(len(ids), -1)


def is_facts(share: float) -> Iterator[bool]:
    """Yield whether the next row has facts, evenly spread."""
    owed = 0.0
    while True:
        owed += share
        yield owed >= 1
        owed -= owed >= 1


def stage_1(plan: Plan, model: TinyLlama, rows: Rows, curve: Curve, keep: Callable[[int], None]) -> None:
    """Train on rows of `plan.length` tokens."""
    optimiser = Muon(model, plan.rate, plan.adam_rate)
    kinds = is_facts(plan.facts)
    first, last = plan.fall
    for step in range(plan.steps):
        packed = step < plan.packed
        drawn = []
        for row in range(plan.rows):
            if packed and row % 2 == 0:
                drawn.append(rows.packed(plan.length, plan.segment, min(0.9, 0.2 + step / plan.packed)))
            elif not packed and next(kinds):
                drawn.append(rows.facts(plan.length))
            else:
                drawn.append(rows.text(plan.length))
        ids, age = batch(drawn)
        asked = age[:, 1:] > 0
        weight = torch.where(asked, 2 * plan.weight if packed else plan.weight, 1.0)
        loss = losses(model(ids), ids)
        ((loss * weight).sum() / weight.sum()).backward()
        optimiser.step(min(1.0, (step + 1) / 40) * min(1.0, (last - step) / (last - first)))
        if (step + 1) % 200 == 0:
            curve.measure(model, stage=1, step=step + 1, tokens=(step + 1) * ids.numel())
            keep(step + 1)


def stage_2(plan: Plan, model: TinyLlama, rows: Rows, curve: Curve) -> None:
    """Alternate dense rows with longer rows behind a sink and a window of random size.

    Values to be recalled from out of the window carry no loss.
    """
    optimiser = Muon(model, plan.window_rate, plan.window_adam_rate)
    kinds, long_kinds = is_facts(plan.facts), is_facts(plan.facts)
    before = plan.steps * plan.rows * plan.length
    for step in range(plan.window_steps):
        if step % 2:
            ids, age = batch(
                [rows.facts(plan.length) if next(kinds) else rows.text(plan.length) for _ in range(plan.rows)]
            )
            loss, within, lacking = losses(model(ids), ids), plan.length, torch.zeros(())
        else:
            long = plan.window_length
            ids, age = batch([rows.facts(long) if next(long_kinds) else rows.text(long)])
            within = int(rows.rng.integers(plan.windows[0], plan.windows[1] + 1))
            scores, share = model.windowed(ids, torch.tensor(within), plan.sinks, plan.windows[1])
            loss, lacking = losses(scores, ids), (plan.sink_share / share).log().clamp(min=0).sum()
            within -= plan.sinks + 2
        age = age[:, 1:]
        weight = torch.where(age == 0, 1.0, torch.where(age < within, plan.weight, 0.0))
        ((loss * weight).sum() / weight.sum() + plan.sink_weight * lacking).backward()
        optimiser.step(min(1.0, (step + 1) / 10) * (1 - step / plan.window_steps))
        if (step + 1) % 100 == 0:
            curve.measure(model, stage=2, step=plan.steps + step + 1, tokens=before + (step + 1) * ids.numel())


def main(work: Path, plan: Plan) -> None:
    """Run what is not yet in `work`: tokens, stage 1, stage 2."""
    torch.set_num_threads(1)
    prepared = prepare(work)
    probe = Probe.of(prepared.tokenizer)
    model = TinyLlama(Shape())
    rows = Rows(prepared.train, probe, plan.seed)
    first, second, points = work / "stage1.safetensors", work / "stage2.safetensors", work / "curve.jsonl"
    if not first.exists():
        points.unlink(missing_ok=True)
    curve = Curve(points, prepared, probe, plan.length)
    (work / "plan.json").write_text(json.dumps(asdict(plan)), encoding="utf-8")
    if not first.exists():
        structured(model, probe.bos, torch.Generator().manual_seed(plan.seed))
        stage_1(plan, model, rows, curve, lambda step: save_model(model, str(work / f"step{step}.safetensors")))
        save_model(model, str(first))
    if not second.exists():
        load_model(model, str(first))
        rows = Rows(prepared.train, probe, plan.seed + 1)
        stage_2(plan, model, rows, curve)
        save_model(model, str(second))


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("usage: python -m zoo.tiny_llama.train WORK")
    main(Path(sys.argv[1]), Plan())
