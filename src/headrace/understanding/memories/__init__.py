"""memories: what is kept of the tokens that enter, each within a budget of rows that is known when it is built."""

from headrace.understanding.memories.adjacent import AdjacentMerge
from headrace.understanding.memories.episodes import Episodes
from headrace.understanding.memories.everything import Everything
from headrace.understanding.memories.flash import Flash
from headrace.understanding.memories.grid import Grid
from headrace.understanding.memories.reservoir import Reservoir
from headrace.understanding.memories.scaffold import Scaffold
from headrace.understanding.memories.segmenter import Segmenter
from headrace.understanding.memories.senses import Senses
from headrace.understanding.memories.tiers import SemanticTiers
from headrace.understanding.memories.tokenmemory import TokenMemory
from headrace.understanding.memories.window import Window

__all__ = [
    "AdjacentMerge",
    "Episodes",
    "Everything",
    "Flash",
    "Grid",
    "Reservoir",
    "Scaffold",
    "Segmenter",
    "SemanticTiers",
    "Senses",
    "TokenMemory",
    "Window",
]
