"""AdmitAll: every token enters."""

from __future__ import annotations

from typing import Self

import numpy as np

from headrace.understanding.admission import Floats
from headrace.understanding.gates.tokengate import Judged, TokenGate


class AdmitAll(TokenGate):
    """Lets everything in: the gate of a memory that does without one."""

    kind = "admit-all"

    def judge(self, features: Floats) -> Judged:
        return Judged(admitted=np.ones(features.shape[:2], bool))

    def _new(self) -> Self:
        return type(self)()
