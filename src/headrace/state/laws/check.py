"""Check: all laws that apply to a subject."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from headrace.core.errors import ConfigError
from headrace.state.laws.absence import law_absence
from headrace.state.laws.chunk import law_chunk
from headrace.state.laws.compare import output_hash
from headrace.state.laws.constant import law_constant
from headrace.state.laws.isolation import law_isolation
from headrace.state.laws.plain import law_plain
from headrace.state.laws.provisional import law_provisional
from headrace.state.laws.shift import law_shift
from headrace.state.laws.snapshot import law_snapshot
from headrace.state.laws.subject import NAMES, Subject, feed

LAWS: dict[int, Callable[[Subject, int], None]] = {
    1: law_chunk,
    2: law_absence,
    3: law_constant,
    4: law_snapshot,
    5: law_shift,
    6: law_plain,
    7: law_isolation,
    8: law_provisional,
}


def check_laws(subject: Subject, laws: Iterable[int] = tuple(LAWS), seed: int = 0) -> tuple[int, ...]:
    """Try laws on a subject.

    Returns:
        The laws that held; those it is exempt from are left out.

    Raises:
        AssertionError: a law is broken; one line names it, the subject, the place and the figure.
        ConfigError: the subject is not fit to be tried: a law is unknown or nothing would be tested.
    """
    wanted = tuple(laws)
    for law in (*wanted, *subject.exempt):
        if law not in LAWS:
            raise ConfigError(f"{subject.name}: there is no law {law}; the laws are {_list()}")
    for law, reason in subject.exempt.items():
        if not reason.strip():
            raise ConfigError(f"{subject.name} is exempt from law {law} ({NAMES[law]}) without a reason; say why")
    worthwhile(subject, seed)
    held = tuple(law for law in wanted if law not in subject.exempt)
    for law in held:
        LAWS[law](subject, seed)
    return held


def worthwhile(subject: Subject, seed: int = 0) -> None:
    """ConfigError if 8C inputs give outputs that are all alike: the laws would then hold of anything."""
    outputs = feed(subject, subject.open(seed=seed), subject.inputs(8 * subject.capacity, seed))
    if len({output_hash(output) for output in outputs}) < 2:
        raise ConfigError(f"{subject.name}: its outputs are all alike, so the laws would test nothing; vary the inputs")


def _list() -> str:
    return ", ".join(f"{number} {name}" for number, name in NAMES.items())
