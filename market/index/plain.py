"""Typed values as canonical JSON and back: integers of any size, bytes, records, sets, nested as types say.

Floats are refused: nothing in the index is measured with them.
"""

from __future__ import annotations

import dataclasses
import json
from enum import IntEnum
from functools import cache
from types import NoneType, UnionType
from typing import Any, Union, get_args, get_origin, get_type_hints


def to_text(value: Any) -> str:
    """Canonical JSON of a typed value: sorted keys, no white space."""
    return json.dumps(to_plain(value), sort_keys=True, separators=(",", ":"))


def from_text(hint: Any, text: str) -> Any:
    """The value of type `hint` that `to_text` wrote."""
    return from_plain(hint, json.loads(text))


def to_plain(value: Any) -> Any:
    """Only dict, list, str, int, bool and None. TypeError for anything that has no exact form."""
    if value is None or isinstance(value, (bool, str)):
        return value
    if isinstance(value, int):
        return int(value)
    if isinstance(value, bytes):
        return "0x" + value.hex()
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: to_plain(getattr(value, field.name)) for field in dataclasses.fields(value)}
    if isinstance(value, (set, frozenset)):
        return sorted(to_plain(item) for item in value)
    if isinstance(value, (list, tuple)):
        return [to_plain(item) for item in value]
    if isinstance(value, dict):
        return [[to_plain(key), to_plain(item)] for key, item in sorted(value.items())]
    raise TypeError(f"{type(value).__name__} has no exact form in the index")


def from_plain(hint: Any, value: Any) -> Any:
    """The inverse of `to_plain` for a value of type `hint`."""
    hint = getattr(hint, "__supertype__", hint)
    origin, args = get_origin(hint), get_args(hint)
    if origin in (Union, UnionType):
        return None if value is None else from_plain(next(a for a in args if a is not NoneType), value)
    if origin in (list, set, frozenset):
        return origin(from_plain(args[0], item) for item in value)
    if origin is tuple:
        kinds = args[:1] * len(value) if args[-1] is Ellipsis else args
        return tuple(from_plain(kind, item) for kind, item in zip(kinds, value, strict=True))
    if origin is dict:
        return {from_plain(args[0], key): from_plain(args[1], item) for key, item in value}
    if hint is bytes:
        return bytes.fromhex(value[2:])
    if isinstance(hint, type) and issubclass(hint, IntEnum):
        return hint(value)
    if dataclasses.is_dataclass(hint):
        hints = hints_of(hint)  # type: ignore[arg-type]
        # a field that an older version did not write keeps its default
        return hint(**{name: from_plain(hints[name], item) for name, item in value.items() if name in hints})  # type: ignore[operator]
    return value


@cache
def hints_of(cls: type) -> dict[str, Any]:
    """Field types of a dataclass with string annotations resolved."""
    return get_type_hints(cls)
