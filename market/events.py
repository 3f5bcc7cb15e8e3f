"""One frozen dataclass per event of the market, fields in the order of `IMarket.sol`, names in snake_case.

Together they are enough to rebuild every getter (I-47, `market/replay.py`). Amounts in smallest units.
"""

from __future__ import annotations

from dataclasses import dataclass

from market.abi import AbiRecord
from market.params import Content, Params
from market.records import Post
from market.refutation import Check, Tree


@dataclass(frozen=True)
class Event(AbiRecord):
    """Base of all events."""


@dataclass(frozen=True)
class ProjectCreated(Event):
    """A project exists; result 0, the start, is FINAL."""

    project: int
    owner: str
    params: Params
    content: Content


@dataclass(frozen=True)
class ProjectFunded(Event):
    """The escrow grew; `from_` is anybody."""

    project: int
    from_: str
    amount: int


@dataclass(frozen=True)
class ProjectStopped(Event):
    """No further round opens."""

    project: int


@dataclass(frozen=True)
class ProjectRefunded(Event):
    """What was left became credit: the escrow of the owner, the penalty pool of 0x...dEaD."""

    project: int
    owner: str
    escrow: int
    burned: int


@dataclass(frozen=True)
class TrainerRegistered(Event):
    """A seat has a holder."""

    project: int
    seat: int
    signer: str
    payout: str
    stake: int


@dataclass(frozen=True)
class StakeAdded(Event):
    """A seat's stake grew."""

    project: int
    seat: int
    amount: int


@dataclass(frozen=True)
class TrainerLeft(Event):
    """A seat is free; pay and stake less penalty became credit of the payout address.

    `claimed`, `penalty_taken`: the seat's cumulative sums from now on, also where bucket or stake held less.
    """

    project: int
    seat: int
    payout: str
    evicted: bool
    pay: int
    stake_returned: int
    penalty: int
    claimed: int
    penalty_taken: int


@dataclass(frozen=True)
class BondAdded(Event):
    """An aggregator's pool grew."""

    project: int
    aggregator: str
    amount: int


@dataclass(frozen=True)
class BondRemoved(Event):
    """A free part of an aggregator's pool became its credit."""

    project: int
    aggregator: str
    amount: int


@dataclass(frozen=True)
class RoundOpened(Event):
    """COMMIT runs; emitted again when a head without seals is opened again on another base."""

    project: int
    round: int
    base_root: bytes
    pot: int
    commit_end: int
    reveal_end: int


@dataclass(frozen=True)
class Sealed(Event):
    """A seat committed to its update."""

    project: int
    round_seat: int
    """round << 16 | seat"""
    seal: bytes


@dataclass(frozen=True)
class Revealed(Event):
    """A seat opened its seal; the file is public under the digest's CID."""

    project: int
    round_seat: int
    """round << 16 | seat"""
    update_root: bytes
    salt: bytes
    file_digest: bytes


@dataclass(frozen=True)
class ReferenceSealed(Event):
    """The owner's reference committed to its update."""

    project: int
    round: int
    seal: bytes


@dataclass(frozen=True)
class ReferenceRevealed(Event):
    """The owner's reference opened its seal; the file is public under the digest's CID."""

    project: int
    round: int
    update_root: bytes
    salt: bytes
    file_digest: bytes


@dataclass(frozen=True)
class ResultPosted(Event):
    """A result counts for its round; it stands from `stands_at`."""

    project: int
    round: int
    poster: str
    commitment: bytes
    stands_at: int
    merged: bool
    post: Post


@dataclass(frozen=True)
class RoundVoided(Event):
    """The pot of a VOID round is back in the escrow; what had joined it went to the penalty pool."""

    project: int
    round: int
    to_escrow: int


@dataclass(frozen=True)
class RoundFlattened(Event):
    """No result in time: each of `revealed` seats may take `share`."""

    project: int
    round: int
    share: int
    revealed: int


@dataclass(frozen=True)
class RoundSkipped(Event):
    """The tip, or the mark below which all is terminal, moved over a FLAT or VOID round."""

    project: int
    tip: int
    terminal_up_to: int


@dataclass(frozen=True)
class RoundFinalised(Event):
    """Pay of the round is claimable; fee and bond are free."""

    project: int
    round: int
    poster: str
    fee: int
    paid: int
    to_escrow: int


@dataclass(frozen=True)
class ResultConvicted(Event):
    """A poster lost its whole pool; its result and all above it no longer count."""

    project: int
    round: int
    poster: str
    refuter: str
    to_refuter: int
    to_pot: int
    to_escrow: int


@dataclass(frozen=True)
class ResultRefuted(Event):
    """A number of a result is wrong; `ResultConvicted` follows. Coordinates: see `market.refutation.Check`."""

    project: int
    round: int
    refuter: str
    check: Check
    a: int
    b: int
    c: int


@dataclass(frozen=True)
class Asked(Event):
    """A question to the poster of a result. Amounts in wei; `returned` became credit of the asker."""

    project: int
    round: int
    id: int
    asker: str
    tree: Tree
    row: int
    level: int
    index: int
    root: bytes
    answer_bytes: int
    price: int
    burned: int
    returned: int
    due: int


@dataclass(frozen=True)
class Answered(Event):
    """An ask has its answer, and the answerer its price."""

    project: int
    round: int
    id: int
    answerer: str
    price: int
    answer: bytes


@dataclass(frozen=True)
class AskSettled(Event):
    """An ask ended without an answer; its price became credit of the asker."""

    project: int
    round: int
    id: int
    asker: str
    price: int


@dataclass(frozen=True)
class ResultCleared(Event):
    """A result of a banned poster, and all above it, no longer count."""

    project: int
    round: int
    poster: str


@dataclass(frozen=True)
class BondReleased(Event):
    """The lock of a result that no longer counts is free."""

    project: int
    round: int
    poster: str


@dataclass(frozen=True)
class MissDebited(Event):
    """A seat paid for a reveal that it missed in `round`."""

    project: int
    seat: int
    round: int
    unit: int


@dataclass(frozen=True)
class Claimed(Event):
    """Pay became credit of the seat's payout address."""

    project: int
    seat: int
    payout: str
    amount: int


@dataclass(frozen=True)
class FlatClaimed(Event):
    """A share of a FLAT round became credit."""

    project: int
    round: int
    seat: int
    payout: str
    amount: int


@dataclass(frozen=True)
class Withdrawn(Event):
    """A credit left the market."""

    token: str
    account: str
    to: str
    amount: int


EVENTS: dict[str, type[Event]] = {cls.__name__: cls for cls in Event.__subclasses__()}
"""Every event by its name in the ABI."""


def round_seat(round_: int, seat: int) -> int:
    """The packed argument of Sealed and Revealed."""
    return round_ << 16 | seat


def split_round_seat(packed: int) -> tuple[int, int]:
    """(round, seat) of the packed argument."""
    return packed >> 16, packed & 0xFFFF
