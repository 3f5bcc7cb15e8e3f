"""ABI encoding by name: calls, answers, events and custom errors of one contract."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import Any

from eth_abi.abi import decode, encode
from eth_utils.abi import collapse_if_tuple
from eth_utils.address import is_address, to_checksum_address

from market.abi import AbiRecord
from market.keccak import keccak256

AbiJson = Sequence[Mapping[str, Any]]


@dataclass(frozen=True)
class Entry:
    """A function, event or error: canonical signature, names and types of its inputs and outputs."""

    name: str
    inputs: tuple[Mapping[str, Any], ...]
    outputs: tuple[Mapping[str, Any], ...] = ()

    @property
    def types(self) -> list[str]:
        """Canonical input types, tuples expanded."""
        return [collapse_if_tuple(dict(item)) for item in self.inputs]

    @property
    def names(self) -> list[str]:
        """Input names as Solidity spells them; an unnamed one is its position."""
        return [item["name"] or str(i) for i, item in enumerate(self.inputs)]

    @property
    def hash(self) -> bytes:
        """keccak256 of the signature: the topic of an event; its first four bytes select calls and errors."""
        return keccak256(f"{self.name}({','.join(self.types)})".encode())


class Interface:
    """The ABI of a contract, looked up by name (calls), selector (errors) and topic (events)."""

    def __init__(self, abi: AbiJson) -> None:
        self.abi = abi
        self.functions = {e.name: e for e in _entries(abi, "function")}
        self.events = {e.hash: e for e in _entries(abi, "event")}
        self.errors = {e.hash[:4]: e for e in _entries(abi, "error")}
        self.constructor = next(iter(_entries(abi, "constructor")), Entry("", ()))

    def encode_call(self, name: str, args: Sequence[Any]) -> bytes:
        """Calldata of `name(*args)`; KeyError if there is no such function, TypeError for a wrong count."""
        entry = self.functions[name]
        return entry.hash[:4] + encode_values(entry, args)

    def decode_answer(self, name: str, data: bytes) -> tuple[Any, ...]:
        """Returned values of a call; addresses in EIP-55 form."""
        types = [collapse_if_tuple(dict(item)) for item in self.functions[name].outputs]
        return tuple(tidy(value) for value in decode(types, data))

    def decode_event(self, topics: Sequence[bytes], data: bytes) -> tuple[str, dict[str, Any]] | None:
        """Event name and arguments by Solidity name; None for an event that is not in the ABI."""
        entry = self.events.get(topics[0]) if topics else None
        if entry is None:
            return None
        indexed = [item.get("indexed", False) for item in entry.inputs]
        plain_types = [t for t, is_topic in zip(entry.types, indexed, strict=True) if not is_topic]
        plain = iter(decode(plain_types, data))
        words = iter(topics[1:])
        values = [
            decode([kind], next(words))[0] if is_topic else next(plain)
            for kind, is_topic in zip(entry.types, indexed, strict=True)
        ]
        return entry.name, {n: tidy(v) for n, v in zip(entry.names, values, strict=True)}


def encode_values(entry: Entry, args: Sequence[Any]) -> bytes:
    """ABI encoding of `args` as the inputs of `entry`; records become tuples."""
    if len(args) != len(entry.inputs):
        raise TypeError(f"{entry.name} takes {len(entry.inputs)} arguments ({entry.names}), got {len(args)}")
    return encode(entry.types, [_plain(arg) for arg in args])


def _entries(abi: AbiJson, kind: str) -> list[Entry]:
    return [
        Entry(e.get("name", ""), tuple(e.get("inputs", ())), tuple(e.get("outputs", ())))
        for e in abi
        if e["type"] == kind
    ]


def _plain(value: Any) -> Any:
    if isinstance(value, AbiRecord):
        return value.to_abi()
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    return int(value) if isinstance(value, IntEnum) else value


def tidy(value: Any) -> Any:
    """An answer of the ABI decoder with every address in it written with its checksum; any nesting of tuples."""
    if isinstance(value, tuple):
        return tuple(tidy(item) for item in value)
    if isinstance(value, str) and is_address(value):
        return to_checksum_address(value)
    return value
