"""Every part of the tree that remembers. A new part is one more subject in the module of its room."""

from __future__ import annotations

from importlib.util import find_spec
from typing import Any

from tests.laws.attending import ATTENDING
from tests.laws.gates import GATES, PARTS
from tests.laws.kinds import KINDS
from tests.laws.memories import MEMORIES
from tests.laws.said import SAID
from tests.laws.toy import ToySubject

SUBJECTS: list[Any] = [ToySubject(), *KINDS, *SAID, *ATTENDING, *GATES, *PARTS, *MEMORIES]

if find_spec("cv2") is not None:
    from tests.laws.seen import SEEN

    SUBJECTS += SEEN
if find_spec("silero_vad") is not None:
    from tests.laws.heard import HEARD

    SUBJECTS += HEARD

#: Parts that remember and are no subject here, by module and name, and where they are tried instead.
ELSEWHERE: dict[str, str] = {
    "headrace.state.container.Container": "with a model around it, by the policies",
}
