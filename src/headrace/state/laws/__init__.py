"""The laws of everything that remembers, to be tried on any part.

1. *Chunk*: what comes out does not depend on how the input was cut into calls.
2. *Absence*: a session that is not in the step does not change.
3. *Constant*: what a session takes is known when it opens, and does not grow.
4. *Snapshot*: a session that was saved goes on as if it never had been.
5. *Shift*: a session is not worse for being old.
6. *Plain*: while nothing was evicted, a session is the model itself.
7. *Isolation*: whatever happens to a session, its neighbours in the step do not notice.
8. *Provisional*: what is written on trial leaves no trace, and what branches off goes its own way.

A `Subject` tells how a part is opened, fed and stepped; `check_laws(subject)` tries all laws that apply to it.
"""

from __future__ import annotations

from headrace.state.laws.absence import law_absence
from headrace.state.laws.check import LAWS, check_laws, worthwhile
from headrace.state.laws.chunk import law_chunk
from headrace.state.laws.compare import digest, first_change, marks, relative
from headrace.state.laws.constant import law_constant
from headrace.state.laws.isolation import law_isolation
from headrace.state.laws.plain import law_plain
from headrace.state.laws.policy import DenseSubject, PolicySubject, plain_places
from headrace.state.laws.provisional import law_provisional
from headrace.state.laws.saved import law_saved
from headrace.state.laws.shift import law_shift
from headrace.state.laws.snapshot import law_snapshot
from headrace.state.laws.subject import Inspectable, Mixed, Referenced, Subject, Transacting, Unbounded, feed

__all__ = [
    "LAWS",
    "DenseSubject",
    "Inspectable",
    "Mixed",
    "PolicySubject",
    "Referenced",
    "Subject",
    "Transacting",
    "Unbounded",
    "check_laws",
    "digest",
    "feed",
    "first_change",
    "law_absence",
    "law_chunk",
    "law_constant",
    "law_isolation",
    "law_plain",
    "law_provisional",
    "law_saved",
    "law_shift",
    "law_snapshot",
    "marks",
    "plain_places",
    "relative",
    "worthwhile",
]
