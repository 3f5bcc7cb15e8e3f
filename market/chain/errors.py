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

_SHOW = "`fairtrain project show` tells"
HINTS: dict[str, str] = {
    # a project
    "MarketUnknownProject": "projects count from 1; `fairtrain project list` shows them",
    "MarketNotOwner": "sign with the key that created the project",
    "MarketProjectStopped": "the owner stopped the project; open rounds still end and pay as usual",
    "MarketProjectEnded": "no round opens after the end date; open rounds still end and pay as usual",
    "MarketStillRunning": "stop the project first, or wait for its end date",
    "MarketRoundsOpen": "wait until the open rounds have ended; `fairtrain project advance` moves what is due",
    "MarketEscrowTooLow": "fund the project: its escrow does not cover one pot",
    "MarketTokenWithoutCode": "this address is no token on this chain",
    # a seat
    "MarketSeatTaken": f"choose another seat; {_SHOW} which are free",
    "MarketSeatFree": "nobody holds this seat",
    "MarketSeatOutOfRange": "seats count from 0 and end below the seat limit",
    "MarketAlreadySeated": "this key holds a seat here already, or is the reference key; use another for another seat",
    "MarketNotAdmitted": "the owner admits a fixed list of addresses, and this is none of them",
    "MarketNotSigner": "sign with the key that registered the seat, or with the project's reference key",
    "MarketStakeTooLow": "add stake: a seat needs one unit to seal, and the minimum to register",
    "MarketStakeBound": "the stake is free once every round up to the last sealed one has ended",
    "MarketNotEvictable": "a seat may be evicted after 16 opened rounds without a seal",
    # a round
    "MarketWrongPhase": f"{_SHOW} the round's phase; time or another call moves it on",
    "MarketTooEarly": "wait until the time that the message names (unix seconds)",
    "MarketOutOfOrder": "an earlier round has to come first; `fairtrain project advance` moves what is due",
    "MarketTooManyOpenRounds": "finalise the oldest round before another opens",
    "MarketAlreadySealed": "this seat has sealed in this round already; nothing is lost",
    "MarketStaleBase": "the base changed: open the round again, then train on the model that stands now",
    "MarketNotSealed": "this seat has no seal to open in this round, or has opened it already",
    "MarketNobodySealed": "the reference seals once a trainer has sealed in this round; wait for the first one",
    "MarketSealMismatch": "update, salt, round and key must be those of the seal",
    "MarketAlreadySettled": "somebody else was faster; nothing is lost",
    # a result
    "MarketBanned": "this address was convicted in the project; use another aggregator",
    "MarketBondTooLow": "add bond: 1.5 pots for each open result, and at least the floor",
    "MarketFirstRight": "the poster of the last result goes first until the time that the message names",
    "MarketStalePrevious": "another result stands below by now; compute this one again",
    "MarketStaleReveals": "the reveals changed, perhaps by a reorganisation; read the round again",
    "MarketReferenceNotRevealed": "leave the reference out: it has not revealed in this round",
    "MarketNotBetter": "a posted result is replaced only by one with more seats, or more rows",
    "MarketBelowNotFinal": "results become FINAL in order; finalise the one below first",
    # refutations and asks
    "MarketNotRefuted": "this number is as it must be; recompute the result, and name the first wrong number",
    "MarketBelowCount": "open exactly the results below that the check needs, newest first",
    "MarketNoSuchPlace": "honest results have nothing there; look at the layout of the tree",
    "MarketPriceTooLow": "send more: the base fee or the number of open asks has risen; what is too much comes back",
    "MarketAskClosed": "somebody else was faster; nothing is lost",
    "MarketResultGone": "the result was cleared or replaced; `settleAsk` gives the price back",
    "MarketResultCounts": "the ask waits for its answer; after T_ans anyone may convict",
    "MarketAsksOpen": "answer the open asks, or convict who does not",
    "MarketTooLate": "asks end with the challenge window",
    # money
    "MarketNothingDue": "everything due was taken already",
    "MarketAlreadyTaken": "this share was taken already",
    "MarketBucketTooLow": "the project's final rounds hold less than this account claims",
    "MarketWrongValue": "send exactly the amount for a native-coin project, nothing for a token project",
    "MarketWrongTokenDelta": "tokens that keep a fee of transfers cannot be used",
    "MarketTransferFailed": "the receiver refused; withdraw to another address",
    "MarketWrongProof": "the account or proof is not of this result; fetch the result document again",
    "MarketWrongOpening": "the opening is not of this result; fetch the result document again",
    # libraries and tokens
    "ERC20InsufficientBalance": "the account holds too few tokens",
    "ERC20InsufficientAllowance": "approve the market for exactly this amount first",
    "SafeERC20FailedOperation": "the token refused the transfer",
    "ReentrancyGuardReentrantCall": "the receiving contract called back; withdraw to another address",
}
"""What to do next, by the name of the contract's error. Names without a line say it all in their arguments."""


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
