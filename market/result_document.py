"""The result document: what a poster says about each seat, for people and for claims; kept in the store.

Nothing in it has to be believed. The accounts must hash to the root that the result commits to, the weights
must reproduce the posted delta, and `aggregator verify` recomputes the rest. Integers above 2^53 are decimal
strings (JSON readers would round them).
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from market.errors import DocumentError, UpdateError
from market.merkle import Hash, Tree, depth_for, leaf_hash
from market.records import Account

MAX_BYTES = 1 << 18
"""One raw block of the store, so that the digest alone gives the CID; 1,024 seats need some 200 kB without reasons."""


def _below_2_128(text: str) -> str:
    if int(text) >= 1 << 128:
        raise ValueError("is 2^128 or more, which no account holds")
    return text


Decimal = Annotated[str, Field(pattern=r"^(0|[1-9][0-9]{0,77})$")]
Decimal128 = Annotated[Decimal, AfterValidator(_below_2_128)]
Hash32 = Annotated[str, Field(pattern=r"^0x[0-9a-f]{64}$")]
Int64 = Annotated[int, Field(ge=-(1 << 63), lt=1 << 63)]
Verdict = Literal["honest", "unreliable", "malicious", "left out", "absent"]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class SeatResult(_Part):
    """One seat in one round. `weight` is of 65,535; agreement and novelty as in `aggregator/rule.py`."""

    seat: Annotated[int, Field(ge=0, lt=1024)]
    verdict: Verdict
    reason: Annotated[str, Field(max_length=400)] = ""
    weight: Annotated[int, Field(ge=0, le=65_535)] = 0
    agreement: int = 0
    novelty: int = 0
    score: Decimal = "0"
    pay: Decimal = "0"
    penalty: Decimal = "0"


class SeatAccount(_Part):
    """A leaf of the accounts tree; cumulative sums."""

    reputation: Int64
    pay: Decimal128
    penalty: Decimal128


class ResultDocument(_Part):
    """Everything a poster publishes beside delta and model. `accounts` has one entry for each seat number."""

    version: Literal[1]
    project: int
    round: int
    poster: str
    paid: Decimal
    delta: str
    model: str
    sums: str = ""
    """CID of the running sums of all rows, for spot checks of large models"""
    seats: tuple[SeatResult, ...]
    accounts: tuple[SeatAccount, ...]
    advice: tuple[Int64, ...] = ()
    """for the next round, see `market.advice`"""
    advice_proof: tuple[Hash32, ...] = ()
    """siblings up to the posted root of the steps"""

    def to_bytes(self) -> bytes:
        """Canonical JSON: sorted keys, no white space, defaults left out."""
        body = self.model_dump(mode="json", exclude_defaults=True)
        return json.dumps(body, sort_keys=True, separators=(",", ":")).encode()

    def account_list(self) -> list[Account]:
        """Accounts as the contract's struct, by seat."""
        return [Account(entry.reputation, int(entry.pay), int(entry.penalty)) for entry in self.accounts]

    def weights(self) -> dict[int, int]:
        """Weight of each included seat (of 65,535; clip included)."""
        return {
            entry.seat: entry.weight for entry in self.seats if entry.verdict not in ("left out", "absent")
        }


def parse(data: bytes) -> ResultDocument:
    """A document from the store. Raises DocumentError E185."""
    if len(data) > MAX_BYTES:
        raise DocumentError("E185", f"result document has {len(data)} bytes, at most {MAX_BYTES} are read")
    try:
        return ResultDocument.model_validate_json(data)
    except ValidationError as error:
        first = error.errors()[0]
        place = ascii("/".join(str(part) for part in first["loc"]))[1:-1][
            :100
        ]  # may hold a stranger's own key
        raise DocumentError("E185", f"result document: /{place} {first['msg']}") from None


def account_bytes(account: Account) -> bytes:
    """The 40 bytes of an accounts leaf: int64 reputation, uint128 pay, uint128 penalty, big-endian."""
    return (
        account.reputation.to_bytes(8, "big", signed=True)
        + account.pay.to_bytes(16, "big")
        + account.penalty.to_bytes(16, "big")
    )


def accounts_tree(accounts: Sequence[Account]) -> Tree:
    """The accounts tree over all seat numbers of a project."""
    hashes = [leaf_hash(seat, account_bytes(account)) for seat, account in enumerate(accounts)]
    return Tree(hashes, depth_for(len(accounts)))


def checked_accounts(document: ResultDocument, root: Hash, seats: int) -> tuple[list[Account], Tree]:
    """Accounts whose tree has the posted root, with the tree for proofs.

    Raises UpdateError E113 if they do not: the poster published something else than it committed to.
    """
    accounts = document.account_list()
    if len(accounts) != seats:
        raise UpdateError("E113", f"accounts: got {len(accounts)} seats, expected {seats}")
    tree = accounts_tree(accounts)
    if tree.root != root:
        raise UpdateError("E113", f"accounts: document has root 0x{tree.root.hex()}, posted 0x{root.hex()}")
    return accounts, tree
