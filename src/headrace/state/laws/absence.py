"""Law 2: a session that is not in the step does not change."""

from __future__ import annotations

from headrace.state.laws.compare import altered, first_change, marks
from headrace.state.laws.subject import Subject, broken, feed


def law_absence(subject: Subject, seed: int = 0) -> None:
    """While others step, the state of the absent one stays the same to the bit, and it goes on as if alone.

    Absent is who is not in the call, and who is in it without inputs.

    Raises:
        AssertionError: it changed.
    """
    size = subject.capacity
    own, first, second = (subject.inputs(2 * size + 8, seed + k) for k in range(3))
    one, two, three = (subject.open(seed=seed + k) for k in range(3))
    begun = size // 2 + 1
    for at in range(begun):
        subject.step([(one, own[at : at + 1]), (two, first[at : at + 1]), (three, second[at : at + 1])])
    before, twin = marks(one), one.fork()
    for at in range(begun, 2 * size):
        rows = [(two, first[at : at + 1]), (three, second[at : at + 1])][: 1 + at % 2]
        without = at % 3 == 0
        outputs = subject.step([*rows, (one, own[:0])] if without else rows)
        how = "in the step without inputs" if without else "not in the step"
        if without and outputs[-1]:
            raise broken(2, subject, f"{how} at input {at}, it gave {len(outputs[-1])} outputs")
        if (what := altered(before, marks(one))) is not None:
            raise broken(2, subject, f"{how} at input {at} of others, its {what} changed")
    rest = own[begun : begun + 8]
    if (index := first_change(feed(subject, one, rest), feed(subject, twin, rest))) is not None:
        raise broken(2, subject, f"output {index} after its absence is not that of one that was never absent")
