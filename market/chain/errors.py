"""One decoder for everything that a node or a contract refuses.

`RpcError` carries a JSON-RPC error body inside this package; callers of the gateway only ever see the
typed errors of `market.errors`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from eth_abi.abi import decode
from eth_abi.exceptions import DecodingError

from market.chain.codec import Interface, tidy
from market.errors import RefusedError

STRING_REVERT = bytes.fromhex("08c379a0")
PANIC = bytes.fromhex("4e487b71")

PANICS = {
    0x01: "assertion failed",
    0x11: "integer overflow",
    0x12: "division by zero",
    0x21: "value outside an enum",
    0x32: "index outside an array",
    0x41: "memory exhausted",
}

HINTS: dict[str, str] = {
    "MarketWrongPhase": "look at the round with `fairtrain project show`; time or another call moves it on",
    "MarketStakeTooLow": "add stake with `trainer join --stake` or wait for pay",
    "MarketNotOwner": "sign with the key that created the project",
    "MarketNotSigner": "sign with the key that registered the seat",
    "MarketSeatTaken": "choose another seat; `fairtrain project show` lists free ones",
    "MarketAlreadySealed": "this seat has sealed in this round already; nothing is lost",
    "MarketAlreadyRevealed": "this seat has revealed in this round already; nothing is lost",
    "MarketBanned": "this address was convicted in the project; use another aggregator",
    "MarketStopped": "the owner stopped the project; open rounds still end as usual",
    "ERC20InsufficientBalance": "the account holds too few tokens",
    "ERC20InsufficientAllowance": "approve the market for exactly this amount first",
    "SafeERC20FailedOperation": "the token refused the transfer",
    "AddressInsufficientBalance": "the contract does not hold this amount",
    "ReentrancyGuardReentrantCall": "the receiving contract called back; withdraw to another address",
}
"""What to do next, by the name of the contract's error."""


class RpcError(Exception):
    """A JSON-RPC error body: numeric `code`, `message`, and `data` as the node gave it."""

    def __init__(self, code: int, message: str, data: Any = None) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message
        self.data = data

    @classmethod
    def of(cls, body: Any) -> RpcError:
        """From the `error` member of an answer, whatever its shape."""
        if not isinstance(body, Mapping):
            return cls(0, str(body))
        code = body.get("code")
        message = str(body.get("message", "")).splitlines()[:1]
        return cls(code if isinstance(code, int) else 0, message[0] if message else "", body.get("data"))

    @property
    def is_revert(self) -> bool:
        """Whether the contract refused, as opposed to the node."""
        return revert_data(self) is not None or "revert" in self.message.lower()


def revert_data(error: RpcError) -> bytes | None:
    """Bytes that the contract reverted with: plain (anvil, geth), nested (Ganache), in text (Parity)."""
    data = error.data
    while isinstance(data, Mapping):
        inner = data.get("result", data.get("data"))
        if inner is None:  # old Ganache: {tx hash: {"return": ...}, "stack": ..., "name": ...}
            inner = next((v.get("return") for v in data.values() if isinstance(v, Mapping)), None)
        data = inner
    if not isinstance(data, str):
        return None
    found = re.search(r"0x([0-9a-fA-F]*)$", data.strip())
    return bytes.fromhex(found[1]) if found and len(found[1]) % 2 == 0 else None


def decode_refusal(interface: Interface, error: RpcError) -> RefusedError:
    """The contract's error by its ABI name with arguments; also strings, panics, unknown selectors."""
    return decode_revert(interface, revert_data(error) or b"", error.message)


def decode_revert(interface: Interface, data: bytes, message: str = "") -> RefusedError:
    """As `decode_refusal`, from the revert bytes alone; `message` is used when there are none."""
    selector, rest = data[:4], data[4:]
    entry = interface.errors.get(selector)
    try:
        if entry is not None:
            values = [tidy(value) for value in decode(entry.types, rest)]
            return RefusedError(entry.name, dict(zip(entry.names, values, strict=True)), hint_for(entry.name))
        if selector == STRING_REVERT:
            return RefusedError("Error", {"message": decode(["string"], rest)[0]})
        if selector == PANIC:
            code = decode(["uint256"], rest)[0]
            return RefusedError("Panic", {"code": hex(code)}, PANICS.get(code, "the contract hit a bug"))
    except DecodingError:
        pass  # malformed error data says no more than an unknown error does
    if selector:
        return RefusedError("UnknownError", {"data": "0x" + data.hex()}, "the contract is not this version's")
    return RefusedError("Reverted", {"message": message or "no reason given"})


def hint_for(name: str) -> str:
    """The next step for an error name; empty if there is nothing better to say than its arguments."""
    return HINTS.get(name, "")
