"""What an ERC-20 token says of itself, and how much of it is believed.

Symbol and decimals are a stranger's words (EIP-20 makes both optional): nothing in them may steer a terminal, hide a
neighbour or pass for the chain's own coin. What is not believed counts in smallest units under the token's address.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from market.units import NATIVE

MAX_DECIMALS = 36
"""A token that claims more digits is not believed: amounts have at most 29, and its zeros would fill the screen."""
_SYMBOL = re.compile(r"[A-Za-z0-9][A-Za-z0-9._$+-]{0,11}")
_OTHERS = frozenset({"ETH", "ETHER", "WEI", "GWEI", "UNIT", "UNITS"})
"""Units that pages and commands write themselves."""


@dataclass(frozen=True)
class TokenFacts:
    """A token as far as it is believed. `symbol` is empty and `decimals` None where it says nothing usable."""

    address: str = NATIVE
    symbol: str = "ETH"
    decimals: int | None = 18

    @property
    def name(self) -> str:
        """What stands behind an amount: the symbol, else the address shortened."""
        return self.symbol or f"{self.address[:6]}…{self.address[-4:]}"


def token_facts(address: str, symbol: bytes, decimals: bytes) -> TokenFacts:
    """Facts from the raw answers of `symbol()` and `decimals()`; empty bytes where there was none."""
    return TokenFacts(address, read_symbol(symbol), read_decimals(decimals))


def read_symbol(answer: bytes) -> str:
    """A ticker of 1 to 12 ASCII letters, digits or `._$+-`, from a string or (older tokens) a bytes32; else empty."""
    raw = answer.rstrip(b"\0") if len(answer) == 32 else _string(answer)
    text = raw.decode("ascii", "replace")
    believed = _SYMBOL.fullmatch(text) and text.upper() not in _OTHERS
    return text if believed else ""


def read_decimals(answer: bytes) -> int | None:
    """0 to 36; None for anything else."""
    value = int.from_bytes(answer, "big")
    return value if len(answer) == 32 and value <= MAX_DECIMALS else None


def _string(answer: bytes) -> bytes:
    """The bytes of an ABI-encoded string; empty where the answer is none."""
    start = int.from_bytes(answer[:32], "big")
    if start > len(answer) - 32:
        return b""
    length = int.from_bytes(answer[start : start + 32], "big")
    body = answer[start + 32 : start + 32 + min(length, len(answer))]
    return body if len(body) == length else b""
