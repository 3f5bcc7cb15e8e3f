"""The deployment file: where a market lives, and how to recognise the chain it lives on.

Written by `fairtrain deploy` (and `fairtrain devnet`), read by every other command.
"""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from market.errors import ChainError, DocumentError, InputError
from market.params import Limits, Windows
from market.units import Address, address

VERSION = 2


@dataclass(frozen=True)
class Deployment:
    """One deployed market. Hashes and addresses are 0x-hexadecimal."""

    chain_id: int
    genesis_hash: str
    market: Address
    tx: str
    """transaction that created it: its input is our creation code, the limits and the court"""
    block: int
    """block of the deployment; no event of the market is older"""
    code_hash: str
    """keccak256 of the deployed code, immutables included"""
    limits: Limits
    court: Address
    """the code of refutations"""
    court_tx: str
    """transaction that created it: its input is our creation code and the checks"""
    checks: tuple[Address, ...]
    """contracts that check numbers, in the order of the court's constructor"""
    preset: str = ""
    version: int = VERSION

    def to_json(self) -> str:
        """The file's text."""
        return json.dumps(asdict(self), indent=2) + "\n"

    @classmethod
    def from_json(cls, text: str, name: str = "deployment file") -> Deployment:
        """Parses and checks a deployment file; DocumentError E180 says what is wrong."""
        try:
            body = json.loads(text)
            if body["version"] != VERSION:
                raise InputError("E180", f"version {body['version']}, expected {VERSION}; deploy again")
            places = {name: address(body[name]) for name in ("market", "court")}
            checks = tuple(address(place) for place in body["checks"])
            return cls(**{**body, **places, "checks": checks, "limits": _limits(body["limits"])})
        except InputError as error:
            raise DocumentError("E180", f"{name}: {error.text}") from None
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            raise DocumentError("E180", f"{name}: {type(error).__name__} {error}") from None

    def save(self, path: Path) -> None:
        """Writes the file atomically (temporary file, fsync, rename)."""
        path.parent.mkdir(parents=True, exist_ok=True)
        scratch = path.with_suffix(".tmp")
        with scratch.open("w") as file:
            file.write(self.to_json())
            file.flush()
            os.fsync(file.fileno())
        scratch.replace(path)

    @classmethod
    def load(cls, path: Path) -> Deployment:
        """Reads a file; ChainError E207 if it does not exist."""
        if not path.is_file():
            raise ChainError(
                "E207", f"no deployment file {path}; run `fairtrain devnet` or `fairtrain deploy`"
            )
        return cls.from_json(path.read_text(), str(path))


def default_path(home: Path, chain_id: int) -> Path:
    """Where `deploy` writes and other commands look."""
    return home / "deployments" / f"{chain_id}.json"


def _limits(body: dict[str, Any]) -> Limits:
    return Limits(**{**body, "min": Windows(**body["min"]), "max": Windows(**body["max"])})
