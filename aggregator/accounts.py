"""Account leaves: reputation, cumulative pay and cumulative penalty of every seat."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from aggregator.rule import START_REPUTATION
from market.errors import DocumentError
from market.merkle import Tree, depth_for, leaf_hash

LEAF_BYTES: Final = 40


@dataclass(frozen=True)
class Account:
    """One seat: `reputation` (int64), `pay` and `penalty` (uint128, smallest units, since the project began)."""

    reputation: int = START_REPUTATION
    pay: int = 0
    penalty: int = 0

    def leaf(self) -> bytes:
        """The 40 bytes `int64 || uint128 || uint128` that the market checks. OverflowError past a limit."""
        return b"".join(
            (
                self.reputation.to_bytes(8, "big", signed=True),
                self.pay.to_bytes(16, "big"),
                self.penalty.to_bytes(16, "big"),
            )
        )


Accounts = Sequence[Account]


def start_accounts(seats: int) -> list[Account]:
    """Accounts before round 1."""
    return [Account()] * seats


def accounts_tree(accounts: Accounts) -> Tree:
    """Tree over all seats, for root and proofs."""
    leaves = [leaf_hash(seat, account.leaf()) for seat, account in enumerate(accounts)]
    return Tree(leaves, depth_for(len(accounts)))


def accounts_bytes(accounts: Accounts) -> bytes:
    """The accounts document: all leaves in order of seats."""
    return b"".join(account.leaf() for account in accounts)


def read_accounts(data: bytes, seats: int) -> list[Account]:
    """Accounts from their document; the caller checks the root. DocumentError E183 for a wrong length."""
    if len(data) != LEAF_BYTES * seats:
        raise DocumentError("E183", f"accounts: got {len(data)} bytes, expected {LEAF_BYTES * seats}")
    return [_read(data[at : at + LEAF_BYTES]) for at in range(0, len(data), LEAF_BYTES)]


def _read(leaf: bytes) -> Account:
    return Account(
        int.from_bytes(leaf[:8], "big", signed=True),
        int.from_bytes(leaf[8:24], "big"),
        int.from_bytes(leaf[24:], "big"),
    )
