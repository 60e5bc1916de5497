"""tokens: baselines and our own composition for methods that keep the tokens of a stream, each a Keeper at a budget."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from headrace.core.errors import ConfigError
from headrace.recipes.remembered import COLUMNS as COLUMNS
from headrace.recipes.remembered import ROWS as ROWS
from headrace.recipes.remembered import SIZE, default_grid

if TYPE_CHECKING:
    from headrace.understanding.gate import Gate
    from headrace.understanding.keeper import Keeper
    from headrace.understanding.memories.grid import Grid
    from headrace.understanding.memory import Memory
    from headrace.understanding.tokens import Cue, TokenAdmission, TokenView

#: Rows of sound that every method may keep besides its budget: words are few, and how to keep them is not asked here.
WORDS = 256
#: First rows that the baseline with sinks keeps: about three frames.
SINKS = 72


@dataclass(frozen=True)
class Setting:
    """What a keeper is built for.

    Attributes:
        tokens: rows of sight that it may keep.
        seed: of those that draw.
    """

    tokens: int = 432
    seed: int = 0

    @property
    def grid(self) -> Grid:
        """Of the tokens of sight."""
        return default_grid()


@dataclass(frozen=True)
class Composition:
    """A reference method, or one of ours.

    Attributes:
        what: it keeps, in one line.
        make: its gate and its memory.
        bounded: its memory has an upper limit that it never meets.
    """

    what: str
    make: Callable[[Setting], Keeper]
    bounded: bool = True


def keeper(recipe: Any, setting: Setting) -> Keeper:
    """The keeper that a recipe stands for, at a budget; what is heard is kept the same way for all.

    A gate gets a window behind it, a memory all tokens in front of it. A recipe with a method `tokens` builds its gate
    of features by that one, since `build` gives one of pictures.

    Raises:
        ConfigError: what it builds keeps no tokens.
    """
    from headrace.understanding.keeper import Keeper
    from headrace.understanding.memories.tokenmemory import TokenMemory

    scaled = recipe.at(setting.tokens) if hasattr(recipe, "at") else recipe
    part = scaled.tokens() if hasattr(scaled, "tokens") else scaled.build()
    if isinstance(part, Keeper):
        return Keeper(part.gate, _with_sound(part.memory))
    if hasattr(part, "admit"):
        return behind(part, setting)
    if isinstance(part, TokenMemory):
        return before(part)
    raise ConfigError("it builds neither a gate nor a memory of tokens")


def behind(gate: Gate[TokenAdmission], setting: Setting) -> Keeper:
    """A gate with the newest of what it lets in."""
    from headrace.understanding.keeper import Keeper
    from headrace.understanding.memories.window import Window

    return Keeper(gate, _with_sound(Window(setting.grid, setting.tokens)))


def before(memory: Memory[TokenAdmission, Cue, TokenView]) -> Keeper:
    """A memory that is given every token."""
    from headrace.understanding.gates.everything import AdmitAll
    from headrace.understanding.keeper import Keeper

    return Keeper(AdmitAll(), _with_sound(memory))


def _with_sound(memory: Memory[TokenAdmission, Cue, TokenView]) -> Memory[TokenAdmission, Cue, TokenView]:
    from headrace.understanding.memories.grid import Grid
    from headrace.understanding.memories.senses import Senses
    from headrace.understanding.memories.window import Window

    return Senses(memory, Window(Grid(1, 1, SIZE, "sound"), WORDS))


def _window(setting: Setting) -> Keeper:
    from headrace.understanding.memories.window import Window

    return before(Window(setting.grid, setting.tokens))


def _sinks(setting: Setting) -> Keeper:
    from headrace.understanding.memories.window import Window

    return before(Window(setting.grid, setting.tokens, sinks=min(SINKS, setting.tokens // 2)))


def _reservoir(setting: Setting) -> Keeper:
    from headrace.understanding.memories.reservoir import Reservoir

    return before(Reservoir(setting.grid, setting.tokens, setting.seed))


def _adjacent(setting: Setting) -> Keeper:
    from headrace.understanding.memories.adjacent import AdjacentMerge

    return before(AdjacentMerge(setting.grid, setting.tokens))


def _everything(setting: Setting) -> Keeper:
    from headrace.understanding.memories import Everything, Grid, Senses

    made = before(Everything(setting.grid))
    assert isinstance(made.memory, Senses)
    made.memory.sound = Everything(Grid(1, 1, SIZE, "sound"))
    return made


def _settle(setting: Setting) -> Keeper:
    from headrace.understanding.gates.tokensettle import TokenSettle

    return behind(TokenSettle(), setting)


def _presence(setting: Setting) -> Keeper:
    from headrace.understanding.gates.presence import Presence

    return behind(Presence(), setting)


def _episodes(setting: Setting) -> Keeper:
    from headrace.understanding.gates.tokensettle import TokenSettle
    from headrace.understanding.keeper import Keeper
    from headrace.understanding.memories.episodes import Episodes

    return Keeper(TokenSettle(), _with_sound(Episodes(setting.grid, setting.tokens)))


def _headrace(setting: Setting) -> Keeper:
    from headrace.understanding.gates.presence import Presence
    from headrace.understanding.keeper import Keeper
    from headrace.understanding.memories.episodes import Episodes

    return Keeper(Presence(), _with_sound(Episodes(setting.grid, setting.tokens)))


#: Compositions of headrace's own parts.
OURS = {
    "headrace": Composition("what came to rest, and what went (Presence), in rows of visits (Episodes)", _headrace),
    "presence": Composition("the newest of what came to rest, and what went: headrace without Episodes", _presence),
    "episodes": Composition("what settled, in rows of visits: headrace without Presence", _episodes),
}

#: By name, in the order of tables.
BASELINES = {
    "window": Composition("the newest tokens", _window),
    "sinks": Composition("the first three frames and the newest tokens", _sinks),
    "reservoir": Composition("whole frames drawn evenly from all time, and the newest one", _reservoir),
    "adjacent": Composition("tokens of one place, the most alike neighbours in time merged", _adjacent),
    "settle": Composition("what settled on something new, the newest of it", _settle),
    "everything": Composition("every token: the upper limit", _everything, bounded=False),
}
