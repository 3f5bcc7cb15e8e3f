"""Mirrors of the structs in `contracts/src/types.sol` that are no parameters: posts, openings and views."""

from __future__ import annotations

from dataclasses import dataclass

from market.abi import AbiRecord
from market.phases import Phase
from market.units import ZERO32, ZERO_ADDRESS


@dataclass(frozen=True)
class Roots(AbiRecord):
    """Merkle roots of a result. `columns` is zero iff the seat limit is at most 12; no other is ever zero."""

    sketches: bytes
    gram: bytes
    steps: bytes
    accounts: bytes
    columns: bytes
    delta: bytes
    model: bytes


@dataclass(frozen=True)
class Post(AbiRecord):
    """What a poster submits. Bitmaps: bit s mod 256 of word s div 256.

    `rows[0]` names deltas by age and, in the bit above them, the reference.
    """

    prev_commitment: bytes
    reveal_sum: int
    reveal_count: int
    paid: int
    delta_digest: bytes
    model_digest: bytes
    document_digest: bytes
    roots: Roots
    included: tuple[int, ...]
    rows: tuple[int, ...]


REPUTATION_ONE = 1 << 14
"""Reputation 1 in an account leaf."""


@dataclass(frozen=True)
class Account(AbiRecord):
    """A leaf of the accounts tree: cumulative sums of one seat, in smallest units; reputation 2^14 = 1."""

    reputation: int
    pay: int
    penalty: int


START_REPUTATION = 1 << 13
START_ACCOUNT = Account(START_REPUTATION, 0, 0)
"""Every seat's account under result 0."""


@dataclass(frozen=True)
class Opening(AbiRecord):
    """Opens a result's commitment, see `market.result_hash`."""

    context: bytes
    accounts: bytes
    workings: bytes


EMPTY_OPENING = Opening(ZERO32, ZERO32, ZERO32)


@dataclass(frozen=True)
class ProjectView(AbiRecord):
    """Facts of a project that change."""

    owner: str
    stopped: bool
    refunded: bool
    head: int
    tip: int
    last_result: int
    last_final: int
    terminal_up_to: int
    open_count: int
    active_next: int
    cleared_at: int
    last_event_at: int
    escrow: int
    bucket: int
    penalty_pool: int
    misses_owed: int


@dataclass(frozen=True)
class RoundView(AbiRecord):
    """Facts of a round; all zero and Phase.NONE if it does not exist."""

    phase: Phase = Phase.NONE
    commit_end: int = 0
    reveal_end: int = 0
    seal_count: int = 0
    reveal_count: int = 0
    active_left: int = 0
    reveal_sum: int = 0
    pot: int = 0
    uncharged: int = 0
    base_root: bytes = ZERO32
    proposed_at: int = 0
    reference_awaited: bool = False
    """COMMIT does not end early before the reference has sealed"""
    reference_sealed: bool = False
    """and perhaps revealed"""
    reference_revealed: bool = False

    @property
    def reference(self) -> str:
        """Where the owner's reference is in this round: awaited, sealed, revealed, or empty."""
        if self.reference_revealed or self.reference_sealed:
            return "revealed" if self.reference_revealed else "sealed"
        return "awaited" if self.reference_awaited else ""


@dataclass(frozen=True)
class ResultView(AbiRecord):
    """The result that counts for a round; all zero if none does."""

    commitment: bytes = ZERO32
    model_root: bytes = ZERO32
    poster: str = ZERO_ADDRESS
    stands_at: int = 0
    included_count: int = 0
    row_count: int = 0
    paid: int = 0
    prev: int = 0
    merged: bool = False
    asked: bool = False
    """FINAL waits for T_ans + T_ref more"""
    open_asks: int = 0
    """without an answer; FINAL waits for them"""


@dataclass(frozen=True)
class SeatView(AbiRecord):
    """Facts of a seat; `claimed` and `penalty_taken` are sums over all its holders."""

    signer: str = ZERO_ADDRESS
    payout: str = ZERO_ADDRESS
    stake: int = 0
    joined: int = 0
    last_sealed: int = 0
    first_round: int = 0
    missed: bool = False
    claimed: int = 0
    penalty_taken: int = 0


@dataclass(frozen=True)
class AggregatorView(AbiRecord):
    """Facts of a poster: one pool of bonds per project."""

    bond: int = 0
    locked: int = 0
    banned: bool = False
