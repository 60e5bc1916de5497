"""Policies as data: JSON that says what a policy is, and back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from typing import Any

from headrace.core.errors import ConfigError, StateError
from headrace.state import fold, keep, place, redo, score, see
from headrace.state.policy import Policy

#: What a policy may be made of, by the name under which it is written.
_PARTS: dict[str, type[Any]] = {
    part.__name__: part
    for part in (
        Policy,
        fold.Drop,
        fold.Ema,
        keep.Everything,
        keep.Keep,
        keep.Pin,
        keep.Recent,
        keep.Top,
        place.Absolute,
        place.Cache,
        place.Gap,
        place.Group,
        place.Jump,
        place.Nowhere,
        place.Origin,
        place.Overlap,
        place.Realign,
        redo.Redo,
        score.Attention,
        score.Draw,
        see.See,
    )
}


def to_data(part: Any) -> Any:
    """A policy, or a part of one, as JSON: a dataclass becomes {"is": its name, field: value, …}."""
    if is_dataclass(part) and not isinstance(part, type):
        return {"is": _name(type(part))} | {f.name: to_data(getattr(part, f.name)) for f in fields(part) if f.init}
    if isinstance(part, Mapping):
        return {str(key): to_data(value) for key, value in part.items()}
    if isinstance(part, frozenset):
        return sorted(to_data(value) for value in part)
    if isinstance(part, list | tuple):
        return [to_data(value) for value in part]
    return part


def _name(part: type[Any]) -> str:
    """The short name of headrace's own parts; of others one that says where they are from."""
    known = _PARTS.get(part.__name__) is part
    return part.__name__ if known else f"{part.__module__}.{part.__qualname__}"


def policy_from_data(data: Any) -> Policy:
    """The policy that `to_data` wrote.

    Raises:
        StateError: it has a part that headrace does not bring: restore with the policy itself; or it is damaged.
    """
    try:
        policy = _from_data(data)
    except (LookupError, TypeError, ValueError, AttributeError, ConfigError) as error:
        raise StateError(f"policy: the data is damaged: {error}") from error
    if not isinstance(policy, Policy):
        raise StateError("policy: the data is no policy")
    return policy


def _from_data(data: Any) -> Any:
    if isinstance(data, list):
        return tuple(_from_data(value) for value in data)
    if not isinstance(data, dict):
        return data
    values = {key: _from_data(value) for key, value in data.items() if key != "is"}
    if "is" not in data:
        return values
    part = _PARTS.get(data["is"])
    if part is None:
        raise StateError(f"policy: {data['is']!r} is no part of headrace; give the policy to restore() as well")
    if part is see.See:
        values["denied"] = frozenset(tuple(pair) for pair in values["denied"])
    return part(**values)
