"""Sampling and Sampler: which token a row of logits becomes."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from operator import index
from typing import Any, Self

import numpy as np
import torch
from torch import Tensor

from headrace.core.errors import ConfigError, StateError
from headrace.core.stateful import Snapshot
from headrace.state.provisional import Provisional
from headrace.state.rng import Rng

#: Takes token ids [1, n] int64 and scores [1, V], gives scores [1, V]: a LogitsProcessor of transformers is one.
Processor = Callable[[Tensor, Tensor], Tensor]

#: The least temperature above 0: below it, dividing by it may leave the range of float32.
COLDEST = 1e-3
#: How many of the best tokens are tried, in turn, before all are sorted for top-p.
HEADS = (256, 4096, 32768)


@dataclass(slots=True, frozen=True)
class Sampling:
    """How the next token is chosen. The default is greedy: the most likely token, the first one among equals.

    Args:
        temperature: 0 is greedy; else the scores are divided by it.
        top_k: only the k best tokens and those that equal the last of them; 0 is off.
        top_p: only the best tokens that together have this probability; 1 is off.
        min_p: only tokens with this share of the best token's probability; 0 is off.
        repetition_penalty: scores of tokens of the window are divided by it (multiplied where negative); 1 is off.
        window: how many of the last tokens the penalty and the processors see, so that memory is constant.
        processors: called in turn with the window's ids [1, n] and the scores [1, V]. One that counts tokens of a
            whole reply sees the window only.

    Raises:
        ConfigError: a value is out of range.
    """

    temperature: float = 0.0
    top_k: int = 0
    top_p: float = 1.0
    min_p: float = 0.0
    repetition_penalty: float = 1.0
    window: int = 256
    processors: tuple[Processor, ...] = ()

    def __post_init__(self) -> None:
        numbers = (self.temperature, self.top_p, self.min_p, self.repetition_penalty)
        counts = (self.top_k, self.window)
        sound = all(isinstance(n, int | float) for n in numbers) and all(isinstance(n, int) for n in counts)
        if not sound or any(isinstance(n, bool) for n in (*numbers, *counts)):
            raise ConfigError(f"{self._named()}: top_k and window are whole numbers, the others numbers")
        object.__setattr__(self, "processors", tuple(self.processors))
        rules = (
            ("temperature", self.temperature == 0 or COLDEST <= self.temperature < np.inf, f"0 or from {COLDEST}"),
            ("top_k", self.top_k >= 0, "0 (off) or more"),
            ("top_p", 0 < self.top_p <= 1, "above 0, up to 1 (off)"),
            ("min_p", 0 <= self.min_p <= 1, "from 0 (off) to 1"),
            ("repetition_penalty", 0 < self.repetition_penalty < np.inf, "above 0; 1 is off"),
            ("window", self.window >= 1, "1 or more"),
            ("processors", all(map(callable, self.processors)), "objects that are called with (input_ids, scores)"),
        )
        for name, holds, range_ in rules:
            if not holds:
                raise ConfigError(f"Sampling({name}={getattr(self, name)!r}): give {range_}")

    @property
    def greedy(self) -> bool:
        """Whether the largest logit alone decides, so that one argmax may serve many rows."""
        return self.temperature == 0 and not self.looks_back

    @property
    def looks_back(self) -> bool:
        """Whether recent tokens matter."""
        return self.repetition_penalty != 1 or bool(self.processors)

    def as_data(self) -> dict[str, Any]:
        """The settings as JSON; of the processors only their names: of the class, or of the function."""
        return {
            "temperature": float(self.temperature),
            "top_k": self.top_k,
            "top_p": float(self.top_p),
            "min_p": float(self.min_p),
            "repetition_penalty": float(self.repetition_penalty),
            "window": self.window,
            "processors": [_name(processor) for processor in self.processors],
        }

    @classmethod
    def from_data(cls, data: Mapping[str, Any], processors: Sequence[Processor] = ()) -> Self:
        """The settings `as_data` described; processors are not data and have to be given again.

        Raises:
            StateError: other processors were given, or the description is damaged.
        """
        try:
            names, given = list(data["processors"]), [_name(processor) for processor in processors]
            if names != given:
                raise StateError(f"sampled with the processors {names}, but {given} were given; give the same ones")
            return cls(**{**data, "processors": tuple(processors)})
        except (KeyError, TypeError, ConfigError) as error:
            raise StateError(f"a damaged description of Sampling: {error}") from error

    def _named(self) -> str:
        shown = ("temperature", "top_k", "top_p", "min_p", "repetition_penalty", "window")
        return f"Sampling({', '.join(f'{name}={getattr(self, name)!r}' for name in shown)})"


class Sampler(Provisional):
    """Turns one row of logits after another into tokens; Stateful, with a transaction.

    Order and formulas are those of `generate` of transformers: repetition penalty, processors, then, unless greedy,
    temperature, top-k, top-p and min-p, in float32 (float64 stays). A draw inverts the distribution function, in the
    order of the ids, at one number of the row's own `Rng`: it depends on the seed, on the number of draws before and
    on the row, never on who shares the batch. Greedy choices draw nothing.

    Args:
        sampling: the settings.
        seed: of the draws, from 0 to 2^63 − 1.
    """

    def __init__(self, sampling: Sampling, seed: int = 0) -> None:
        self.sampling = sampling
        self._rng = Rng(seed)
        self.reset()

    def reset(self) -> None:
        self._rng.reset()
        self._recent: deque[int] = self._window(())
        self._before: tuple[int, ...] = ()
        self._begun = False

    def pick(self, logits: Tensor) -> int:
        """Choose a token from logits [V]; it is not noted by that.

        Raises:
            StateError: no choice is possible: NaN, +inf or nothing but -inf; nothing is drawn then.
        """
        if self.sampling.greedy:
            return _best(logits, "the logits")
        ids, chances = self.choices(logits)
        if len(ids) == 1:
            return int(ids[0])
        reach = np.cumsum(chances.cpu().numpy())
        place = int(np.searchsorted(reach, self._rng.uniform() * reach[-1], side="right"))
        return int(ids[min(place, len(reach) - 1)])

    def choices(self, logits: Tensor) -> tuple[Tensor, Tensor]:
        """The tokens that may be picked, ids [k] ascending, and their probabilities [k] float64.

        Raises:
            StateError: as for `pick`.
        """
        rule = self.sampling
        scores = self._looking_back(logits)
        best = _best(scores, "the logits and the processors")
        if rule.temperature == 0:
            return torch.tensor([best]), torch.ones(1, dtype=torch.float64)
        scores = scores / rule.temperature
        possible = scores > -torch.inf
        if rule.top_k:
            possible &= scores >= torch.topk(scores, min(rule.top_k, len(scores))).values[-1]
        ids = possible.nonzero()[:, 0]
        if rule.top_p < 1:
            ids = ids[_nucleus(scores[ids], rule.top_p)]
        if rule.min_p > 0:
            chances = torch.softmax(scores[ids], 0)
            ids = ids[chances >= rule.min_p * chances.max()]
        return ids, torch.softmax(scores[ids].cpu().double(), 0)

    def note(self, token: int) -> None:
        """Remember a token that was pushed or said."""
        if self.sampling.looks_back:
            self._recent.append(index(token))

    def recall(self, tokens: Sequence[int]) -> None:
        """Remember these instead of whatever was pushed and said, oldest first."""
        self._recent = self._window(tokens if self.sampling.looks_back else ())

    def reseed(self, seed: int) -> None:
        """Begin other draws; what was pushed and said stays remembered."""
        self._rng = Rng(seed)

    def _looking_back(self, logits: Tensor) -> Tensor:
        """Scores [V] in float32 or float64 after the penalty and the processors."""
        wide = torch.float64 if logits.dtype == torch.float64 else torch.float32
        scores = logits.to(wide, copy=self.sampling.looks_back)
        if not self.sampling.looks_back:
            return scores
        _best(scores, "the logits")
        penalty = self.sampling.repetition_penalty
        if penalty != 1:
            seen = torch.tensor(sorted({t for t in self._recent if t < len(scores)}), device=scores.device).long()
            scores[seen] = torch.where(scores[seen] < 0, scores[seen] * penalty, scores[seen] / penalty)
        ids = torch.tensor([list(self._recent)], dtype=torch.int64, device=scores.device)
        for processor in self.sampling.processors:
            given, scores = scores, processor(ids, scores[None])
            if getattr(scores, "shape", None) != (1, len(given)):
                raise ConfigError(f"Sampling: {_name(processor)} must return scores of shape [1, {len(given)}]")
            scores = scores[0]
        return scores

    def _mark(self) -> None:
        self._rng.begin()
        self._before = tuple(self._recent)

    def _undo(self) -> None:
        self._rng.rollback()
        self._recent = self._window(self._before)
        self._before = ()

    def _settle(self) -> None:
        self._rng.commit()
        self._before = ()

    def _window(self, tokens: Sequence[int]) -> deque[int]:
        return deque(tokens, self.sampling.window)

    # -- Stateful -----------------------------------------------------------------------------

    def snapshot(self) -> Snapshot:
        self._outside("snapshot")
        recent = Snapshot("recent", {}, {"tokens": np.array(self._recent, np.int64)})
        parts = {"rng": self._rng.snapshot(), "recent": recent}
        return Snapshot.join("sampler", parts, {"sampling": self.sampling.as_data()})

    def restore(self, snapshot: Snapshot) -> None:
        made, own = snapshot.expect("sampler").meta["own"].get("sampling"), self.sampling.as_data()
        if made != own:
            raise StateError(f"the snapshot was sampled with {made}, this sampler is of {own}; build it with the same")
        tokens = snapshot.part("recent").arrays["tokens"]
        if len(tokens) > self.sampling.window:
            raise StateError(f"the snapshot remembers {len(tokens)} tokens, this sampler {self.sampling.window}")
        self._rng.restore(snapshot.part("rng"))
        self._recent, self._before, self._begun = self._window(tokens.tolist()), (), False

    def fork(self) -> Self:
        self._outside("fork")
        other = type(self)(self.sampling)
        other._rng, other._recent = self._rng.fork(), self._window(self._recent)
        return other

    def nbytes(self) -> int:
        return 8 * (len(self._recent) + len(self._before)) + self._rng.nbytes()

    def max_bytes(self) -> int:
        return 16 * self.sampling.window + self._rng.max_bytes()


def _best(scores: Tensor, whence: str) -> int:
    """The first of the largest scores [V]; StateError where there is no such thing."""
    if scores.dim() != 1 or not len(scores):
        raise StateError(f"logits have the shape {list(scores.shape)}; a row of one number a token, [V], is needed")
    best = scores.max(0)
    top = float(best.values)
    if np.isfinite(top):
        return int(best.indices)
    held = "hold NaN" if np.isnan(top) else "hold +inf" if top > 0 else "are all -inf"
    raise StateError(f"no token can be picked: {whence} {held}; look at the model's input, dtype and processors")


def _nucleus(scores: Tensor, share: float) -> Tensor:
    """Places [m] of the best tokens whose probabilities, summed from the least up, pass 1 - share; always the best one.

    Of equals the later one counts as better. Only a head of the tokens is sorted where it holds the share.
    """
    chances = torch.softmax(scores, 0)
    head, rest = torch.ones_like(chances, dtype=torch.bool), torch.zeros_like(chances[0])
    for count in HEADS:
        if count >= len(chances):
            break
        better = chances >= torch.topk(chances, count).values[-1]
        tail = chances.masked_fill(better, 0).sum()
        if tail <= 1 - share:
            head, rest = better, tail
            break
    places = head.nonzero()[:, 0]
    order = torch.sort(scores[places], stable=True).indices
    kept = chances[places[order]].cumsum(0) + rest > 1 - share
    kept[-1] = True
    return places[order[kept].sort().values]


def _name(processor: Processor) -> str:
    return str(getattr(processor, "__name__", type(processor).__name__))
