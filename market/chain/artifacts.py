"""Compiled contracts as committed JSON, so that an installed package needs no compiler.

`python -m market.chain.compile` rewrites the files; a test recompiles and compares.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import cache
from importlib import resources
from typing import Any

from market.chain.codec import Interface
from market.errors import ChainError

VERSION = 1


@dataclass(frozen=True)
class Artifact:
    """One compiled contract. Byte strings are 0x-hexadecimal, offsets and lengths count bytes."""

    name: str
    source: str
    solc: str
    input_hash: str
    abi: list[dict[str, Any]]
    bytecode: str
    deployed_bytecode: str
    immutables: list[tuple[int, int]]
    version: int = VERSION

    @property
    def interface(self) -> Interface:
        """Encoder and decoder of this contract's ABI."""
        return Interface(self.abi)

    def to_json(self) -> str:
        """Canonical text: sorted keys, one line per ABI entry would only hide that it is generated."""
        return json.dumps(asdict(self), sort_keys=True, indent=1) + "\n"

    @classmethod
    def from_json(cls, text: str) -> Artifact:
        """Inverse of `to_json`; ChainError E207 if the file is of another version."""
        body: Mapping[str, Any] = json.loads(text)
        if body.get("version") != VERSION:
            raise ChainError("E207", f"artifact version {body.get('version')}, expected {VERSION}; reinstall")
        return cls(**{**body, "immutables": [(at, size) for at, size in body["immutables"]]})

    def matches(self, code: bytes) -> bool:
        """Whether deployed `code` is this contract, whatever its immutable constructor values are."""
        expected = bytes.fromhex(self.deployed_bytecode.removeprefix("0x"))
        return len(code) == len(expected) and self._masked(code) == self._masked(expected)

    def _masked(self, code: bytes) -> bytes:
        out = bytearray(code)
        for at, size in self.immutables:
            out[at : at + size] = bytes(size)
        return bytes(out)


CHECKS = ("TreeChecks", "RuleChecks", "PayChecks")
"""Contracts that check numbers, in the order of the court's constructor."""


@cache
def market_interface() -> Interface:
    """What the market can be asked and answers, with the errors of the checks that it passes on."""
    errors = [entry for name in CHECKS for entry in load_artifact(name).abi if entry["type"] == "error"]
    return Interface([*load_artifact("Market").abi, *errors])


@cache
def load_artifact(name: str) -> Artifact:
    """The committed artifact `name`, for example `Market`; ChainError E207 if there is none."""
    file = resources.files("market.chain") / "artifacts" / f"{name}.json"
    if not file.is_file():
        raise ChainError("E207", f"no artifact {name}.json; run `python -m market.chain.compile`")
    return Artifact.from_json(file.read_text())
