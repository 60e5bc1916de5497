"""Density: what an exchange is worth, by the time that it still takes."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import accumulate

from headrace.core.errors import ConfigError
from headrace.engine.job import Job
from headrace.engine.ready import Ready
from headrace.engine.request import NEVER

_LEAST = 1e-6


@dataclass(frozen=True, slots=True)
class Density:
    """JITServe's order (arXiv 2504.20068): just enough for each, the densest first, in windows of one length.

    Density is reward / remaining. With in and out the tokens of the whole exchange as far as foreseen, t the seconds
    since its release and kept(d, s) = min(1, d / s) ^ exponent the share of a reward that is left if s seconds are
    taken where d were promised:

    - remaining = seconds to bring the state back, to read what is unread, and outputs left x seconds of a tick of late;
    - a promise for the whole: reward = (in + output x out) x kept(whole, t + remaining);
    - a promise for tokens, none said: in x kept(first, t + seconds to the first) + output x out x kept(last, t +
      remaining), last = when the last token is due; later: in + output x (said + left x kept(last, t + remaining));
    - no promise: in + output x out.

    Rewards are multiplied by the exchange's value. Four classes follow each other: those that have to run within
    `spare` ticks or be late; those that get what they were promised if they stand back so long (just enough); those
    that will be late at the pace of the last tick; those that would be late even alone (the next token, or the whole).
    In the first two, GMAX: of the densest `reach` x rows, sorted by length, the window of as many as there are rows
    with the greatest sum goes first, the others follow by density. A length foreseen too long only postpones, and is
    put right as outputs are made.

    The paper's code leaves the reading out of `remaining`, scores every 50 ticks and bounds swaps; here every tick is
    scored, a score looks as far ahead, and the price of bringing a state back is in `remaining`. How the paper assigns
    bandwidth is known from its abstract only; the classes are our reading of it.

    Attributes:
        output: worth of a token said against one read; 8 in the paper's code.
        exponent: how hard lateness is punished; 1 in the paper's code.
        reach: candidates for the window, in multiples of the rows of a tick.
        spare: ticks; 0: who can wait is not told from who cannot.

    Raises:
        ConfigError: a value is out of range.
    """

    output: float = 8.0
    exponent: float = 1.0
    reach: int = 4
    spare: int = 50

    def __post_init__(self) -> None:
        for name, least in (("output", 0.0), ("exponent", 0.0), ("reach", 1), ("spare", 0)):
            if not getattr(self, name) >= least:
                raise ConfigError(f"Density({name}={getattr(self, name)!r}): give a number, {least:g} or more")

    def __call__(self, ready: Ready) -> list[Job]:
        """All jobs: those that must run now, those that may wait, those that will be late, those that are."""
        dense = {job.seq: self.density(job, ready) for job in ready.jobs}
        pressing, patient, slow, late = classes = [list[Job]() for _ in range(4)]
        for job in sorted(ready.jobs, key=lambda job: (-dense[job.seq], job.seq)):
            classes[self._class(job, ready)].append(job)
        rows = ready.limits.rows
        return [*self._grouped(pressing, dense, rows), *self._grouped(patient, dense, rows), *slow, *late]

    def density(self, job: Job, ready: Ready) -> float:
        """Reward of an exchange by the seconds that it still takes, predicted."""
        read, token = _reading(job, ready), _token(job, ready)
        remaining = read + token * job.todo_out
        gone = (ready.now - job.release) / 1e9
        reward = job.value * self._reward(job, gone, read + (token if job.todo_out else 0.0), remaining)
        return reward / max(remaining, _LEAST)

    def _class(self, job: Job, ready: Ready) -> int:
        """Its place among the four."""
        if _hopeless(job, ready):
            return 3
        room = _room(job, ready)
        return 2 if room < 0 else 1 if room > self.spare * _token(job, ready) else 0

    def _reward(self, job: Job, gone: float, first: float, remaining: float) -> float:
        """Worth of its tokens: `first` and `remaining` are seconds from now to the next output and to the last."""
        inputs, outputs = job.done_in + job.todo_in, job.done_out + job.todo_out
        slo = job.slo
        if slo.first == NEVER:
            return (inputs + self.output * outputs) * self._kept(slo.whole, gone + remaining)
        last = min(slo.whole, slo.first + max(outputs - 1, 0) * slo.every if slo.every < NEVER else NEVER)
        left = job.todo_out * self._kept(last, gone + remaining)
        read = 1.0 if job.done_out else self._kept(slo.first, gone + first)
        return inputs * read + self.output * (job.done_out + left)

    def _kept(self, promised: int, taken: float) -> float:
        """What is left of a reward; `promised` in ns, `taken` in seconds."""
        if promised >= NEVER:
            return 1.0
        return float(min(1.0, max(_LEAST, promised / 1e9 / max(taken, _LEAST))) ** self.exponent)

    def _grouped(self, order: list[Job], dense: dict[int, float], rows: int) -> list[Job]:
        """The window first, if there are more than fit."""
        if len(order) <= rows:
            return order
        chosen = _window(order[: rows * self.reach], dense, rows)
        return [job for job in order if job.seq in chosen] + [job for job in order if job.seq not in chosen]


def _reading(job: Job, ready: Ready) -> float:
    """Seconds until all is read."""
    return job.away + (ready.cost.seconds([(job.todo_in, job.resident)]) if job.todo_in else 0.0)


def _token(job: Job, ready: Ready) -> float:
    """Seconds of a token: of a tick of late, or alone if that is more."""
    return max(ready.tick, ready.cost.seconds([(1, job.resident + job.todo_in)]))


def _room(job: Job, ready: Ready) -> float:
    """Seconds that it may stand back, at the pace of late, and keep both promises."""
    read, token, slo = _reading(job, ready), _token(job, ready), job.slo
    room = (job.due - ready.now) / 1e9 - read - token if slo.first < NEVER and job.deadline else float("inf")
    if slo.whole < NEVER:
        room = min(room, (job.release + slo.whole - ready.now) / 1e9 - read - token * job.todo_out)
    return room


def _hopeless(job: Job, ready: Ready) -> bool:
    """Whether its next output, or the last of a whole that was promised, is late even if it ran alone."""
    if ready.slack(job) < 0:
        return True
    whole = job.slo.whole
    return whole < NEVER and (ready.now - job.release) / 1e9 + ready.remaining(job) > whole / 1e9


def _window(top: list[Job], dense: dict[int, float], rows: int) -> set[int]:
    """The `rows` neighbours by length whose densities sum to most; the shortest of equals."""
    top = sorted(top, key=lambda job: (job.resident + job.todo_in, job.seq))
    sums = [0.0, *accumulate(dense[job.seq] for job in top)]
    best = max(range(len(top) - rows + 1), key=lambda at: (sums[at + rows] - sums[at], -at))
    return {job.seq for job in top[best : best + rows]}
