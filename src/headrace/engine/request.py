"""Request: one exchange of a session, as a trace tells it, and what became of it."""

from __future__ import annotations

from dataclasses import dataclass, field

from headrace.core.errors import ConfigError

#: A time that never comes.
NEVER = 1 << 62


@dataclass(frozen=True, slots=True)
class Slo:
    """What was promised about one exchange; all in ns, `NEVER` where nothing was.

    Attributes:
        first: from its release to its first output, or to the end of its reading if nothing is to be said.
        every: between one output and the next; counted from the promise of the first, not from when it came, so that
            an early output earns time for the next (the token i is due at release + first + i x every).
        whole: from its release to its last output.

    Raises:
        ConfigError: a time is not above 0, or there is `every` without `first`.
    """

    first: int = NEVER
    every: int = NEVER
    whole: int = NEVER

    def __post_init__(self) -> None:
        for name in ("first", "every", "whole"):
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, int) or not 0 < value <= NEVER:
                raise ConfigError(f"Slo({name}={value!r}): give a time above 0 in ns")
        if self.every < NEVER and self.first == NEVER:
            raise ConfigError("Slo(every=…) counts from the first output; give first=… too")

    def due(self, release: int, made: int) -> int:
        """When the next output is due if `made` were made already."""
        paced = NEVER
        if self.first < NEVER and (made == 0 or self.every < NEVER):
            paced = release + self.first + (made * self.every if made else 0)
        return min(paced, release + self.whole if self.whole < NEVER else NEVER)


@dataclass(frozen=True, slots=True)
class Chunk:
    """Input that comes after the first of its exchange.

    Attributes:
        after: ns since the exchange arrived.
        units: tokens that it brings.
        kept: of what came before, how many tokens still stand (an update); None: it is appended.
    """

    after: int
    units: int
    kept: int | None = None


@dataclass(frozen=True, slots=True)
class Request:
    """One exchange: input arrives, output is wanted.

    Attributes:
        arrival: ns since the trace began.
        units: tokens to read, the first chunk only.
        outputs: tokens to say; 0: it only reads.
        session: whose it is; exchanges of one session follow each other and share its state. "": one of its own.
        slo: what was promised.
        value: weight of its outputs.
        program: user or program, among whom the machine is shared fairly.
        prefix: names of the blocks of tokens that it begins with; equal names, equal tokens.
        block: tokens of each of them.
        chunks: what arrives later; the output may begin when all have.
        foreseen: outputs that a predictor expects; None: unknown, schedulers assume what they assume.
        brought: entries of state that come with it, since it was read elsewhere.
    """

    arrival: int
    units: int
    outputs: int
    session: str = ""
    slo: Slo = field(default_factory=Slo)
    value: float = 1.0
    program: str = ""
    prefix: tuple[int, ...] = ()
    block: int = 0
    chunks: tuple[Chunk, ...] = ()
    foreseen: int | None = None
    brought: int = 0

    def __post_init__(self) -> None:
        if self.arrival < 0 or self.units < 0 or self.outputs < 0 or self.units + self.outputs == 0:
            raise ConfigError(
                f"a request at {self.arrival} ns of {self.units} tokens in and {self.outputs} out; give whole "
                "numbers of 0 or more, not both 0"
            )
        if self.prefix and not 0 < self.block * len(self.prefix) <= self.units:
            raise ConfigError(f"a prefix of {len(self.prefix)} blocks of {self.block} in {self.units} tokens")


@dataclass(slots=True)
class Served:
    """What became of a request.

    Attributes:
        request: as it was.
        release: clock time at which its input was complete, ns.
        times: clock time of each output, ns.
        read: when all its input had been read, ns; None: never.
        end: when it was over, ns; None: never.
        due: when each output was due, ns.
        refused: why it was not taken, or "".
        parked: how often its session was parked while it waited.
        reused: tokens that needed no reading, since another session had read them.
        replica: which machine ran it.
    """

    request: Request
    release: int
    times: list[int] = field(default_factory=list)
    due: list[int] = field(default_factory=list)
    read: int | None = None
    end: int | None = None
    refused: str = ""
    parked: int = 0
    reused: int = 0
    replica: int = 0

    @property
    def first(self) -> int | None:
        """ns from its arrival to its first output (or to the end of its reading); None if that never came."""
        first = self.times[0] if self.times else self.end if not self.request.outputs else None
        return None if first is None else first - self.request.arrival

    @property
    def hits(self) -> int:
        """Outputs that came when they were due; of a request that only reads, 1 if it was read in time."""
        return sum(time <= due for time, due in zip(self.times, self.due, strict=False))

    @property
    def wanted(self) -> int:
        """Outputs that were sent for, made or not: what hits are a share of."""
        return max(self.request.outputs, 1)

    @property
    def kept(self) -> bool:
        """Whether the whole promise held; a request that was refused or never ended did not keep it."""
        return not self.refused and self.end is not None and self.hits >= self.wanted
