"""decode: JSON values into dataclasses, strictly: every field there, none unknown, all of the right type."""

from __future__ import annotations

import types
from dataclasses import is_dataclass
from typing import Any, Literal, NoReturn, Union, get_args, get_origin, get_type_hints

from headrace.core.errors import InputError

#: Numbers of this size and beyond are damage.
LARGEST = 1e300


def refuse(name: str, where: str, what: str) -> NoReturn:
    """Raise InputError: the field `where` of the file `name` is not as it must be."""
    raise InputError(f"{name}: field {where} {what}; the file is damaged, run `headrace watch` again")


def decode(hint: Any, value: Any, name: str, where: str) -> Any:
    """`value` as an object of the type `hint`, or InputError.

    Args:
        hint: a dataclass, list, tuple, dict, Literal, optional or plain type.
        value: as json.loads gives it.
        name, where: file and field, for the message.
    """
    origin, args = get_origin(hint), get_args(hint)
    if is_dataclass(hint) and isinstance(hint, type):
        if not isinstance(value, dict):
            refuse(name, where, "must be an object")
        hints, dot = get_type_hints(hint), f"{where}." if where else ""
        for key in sorted(hints.keys() ^ value.keys()):
            refuse(name, f"{dot}{key}", "is missing" if key in hints else "is not known")
        return hint(**{key: decode(hints[key], value[key], name, f"{dot}{key}") for key in hints})
    if origin is list:
        if not isinstance(value, list):
            refuse(name, where, "must be a list")
        return [decode(args[0], part, name, f"{where}[{i}]") for i, part in enumerate(value)]
    if origin is tuple:
        if not isinstance(value, list) or len(value) != len(args):
            refuse(name, where, f"must be a list of {len(args)}")
        return tuple(decode(a, v, name, f"{where}[{i}]") for i, (a, v) in enumerate(zip(args, value, strict=True)))
    if origin is dict:
        if not isinstance(value, dict):
            refuse(name, where, "must be an object")
        return {key: decode(args[1], part, name, f"{where}.{key}") for key, part in value.items()}
    if origin is Literal:
        if value not in args:
            refuse(name, where, f"must be one of {', '.join(map(str, args))}")
        return value
    if origin in (Union, types.UnionType):
        return None if value is None else decode(args[0], value, name, where)
    if hint is float:
        if type(value) not in (int, float) or not -LARGEST < value < LARGEST:
            refuse(name, where, "must be a finite number")
        return float(value)
    if type(value) is not hint:
        refuse(name, where, f"must be of type {hint.__name__}")
    return value
