"""The one exception tree.

Every error that a user can cause derives from `HeadraceError`; its message is one line that says
what is wrong, where, and what to do. Commands print that line and exit with code 2.
"""

from __future__ import annotations


class HeadraceError(Exception):
    """Base of every error headrace raises on purpose."""


class InputError(HeadraceError):
    """Input from outside is missing, damaged or of the wrong kind."""


class ConfigError(HeadraceError):
    """A setting, option or combination of parts is not usable."""


class StateError(HeadraceError):
    """An object is used in a state that does not allow it (a closed channel, a wrong snapshot)."""


class DeadlockError(StateError):
    """Nothing can run, no timer is set and no worker computes; names what is blocked."""


class CapacityError(HeadraceError):
    """A declared bound (channel, memory, disk, sessions) is reached and its rule is to fail."""


class Unstreamable(HeadraceError):
    """A module cannot be made an exact stream.

    Args:
        node: the operation that cannot stream, with the user's file and line where known.
        why: the reason in one clause.
        options: what the user may do instead.
    """

    def __init__(self, node: str, why: str, options: tuple[str, ...] = ()) -> None:
        self.node, self.why, self.options = node, why, options
        hint = f"; options: {', '.join(options)}" if options else ""
        super().__init__(f"{node} cannot stream: {why}{hint}")
