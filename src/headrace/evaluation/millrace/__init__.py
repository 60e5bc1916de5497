"""millrace: seeded endless streams with exact ground truth, and the questions that are asked of them."""

from headrace.evaluation.millrace.asked import AGES, TRACKS, Asked, Wait
from headrace.evaluation.millrace.identity import Identity
from headrace.evaluation.millrace.regime import REGIMES, UNSEEN
from headrace.evaluation.millrace.visit import Said, Visit
from headrace.evaluation.millrace.world import World

__all__ = ["AGES", "REGIMES", "TRACKS", "UNSEEN", "Asked", "Identity", "Said", "Visit", "Wait", "World"]
