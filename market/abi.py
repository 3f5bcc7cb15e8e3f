"""Frozen dataclasses that mirror Solidity structs: fields in the same order, names in snake_case.

`to_abi` gives the nested tuple that ABI encoders take, `from_abi` reads what ABI decoders give.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Mapping, Sequence
from enum import IntEnum
from typing import Any, Self, get_args, get_origin, get_type_hints

from eth_utils.address import to_checksum_address


def snake_case(name: str) -> str:
    """`baseRoot` -> `base_root`; a trailing underscore that only avoids a clash is dropped."""
    return re.sub(r"(?<=[a-z0-9])([A-Z])", r"_\1", name.rstrip("_")).lower()


def camel_case(name: str) -> str:
    """`base_root` -> `baseRoot`, the inverse of `snake_case`."""
    head, *rest = name.split("_")
    return head + "".join(part.capitalize() for part in rest)


_HINTS: dict[type, dict[str, Any]] = {}


def _hints(cls: type) -> dict[str, Any]:
    """Field types with string annotations resolved, which is slow, hence kept."""
    if cls not in _HINTS:
        _HINTS[cls] = get_type_hints(cls)
    return _HINTS[cls]


@dataclasses.dataclass(frozen=True)
class AbiRecord:
    """Base of every mirror of a Solidity struct."""

    def to_abi(self) -> tuple[Any, ...]:
        """Values in order, structs as tuples, arrays as lists."""
        return tuple(_plain(getattr(self, field.name)) for field in dataclasses.fields(self))

    @classmethod
    def from_abi(cls, value: Sequence[Any] | Mapping[str, Any]) -> Self:
        """From a decoded tuple, or a mapping by Solidity names; ValueError if a field is missing."""
        names = [field.name for field in dataclasses.fields(cls)]
        values = [value[camel_case(name)] for name in names] if isinstance(value, Mapping) else list(value)
        if len(values) != len(names):
            raise ValueError(f"{cls.__name__}: {len(values)} values for {len(names)} fields")
        hints = _hints(cls)
        return cls(**{name: _typed(hints[name], item) for name, item in zip(names, values, strict=True)})


def _plain(value: Any) -> Any:
    if isinstance(value, AbiRecord):
        return value.to_abi()
    if isinstance(value, tuple):
        return [_plain(item) for item in value]
    return int(value) if isinstance(value, IntEnum) else value


def _typed(hint: Any, value: Any) -> Any:
    hint = getattr(hint, "__supertype__", hint)
    if isinstance(hint, type) and issubclass(hint, AbiRecord):
        return value if isinstance(value, hint) else hint.from_abi(value)
    if isinstance(hint, type) and issubclass(hint, IntEnum):
        return hint(value)
    if get_origin(hint) is tuple:
        return tuple(_typed(get_args(hint)[0], item) for item in value)
    if hint is bytes:
        return bytes(value)
    if hint is str and isinstance(value, str) and len(value) == 42:
        return to_checksum_address(value)
    return value
