"""Lines of tables: one row each, as pages and their JSON twins show it.

Amounts are smallest units (decimal strings in JSON), times unix seconds, hashes and addresses 0x-text.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Annotated

from pydantic import PlainSerializer

from webapp.text import Coin

Units = Annotated[int, PlainSerializer(str, return_type=str)]
"""Smallest units of a project's token."""


@dataclass(frozen=True)
class Card:
    """A project in the list. `state`: running, stopped, over or refunded; `phase` of its newest round."""

    number: int
    title: str
    owner: str
    state: str
    coin: Coin
    created_at: int
    round: int
    phase: str
    ends_at: int | None
    sealed: int
    revealed: int
    least: int
    held: int
    seats: int
    pot: Units
    escrow: Units
    rounds_left: int
    """that the escrow still pays"""


@dataclass(frozen=True)
class RoundLine:
    """A round in a table."""

    number: int
    phase: str
    ends_at: int | None
    opened_at: int
    sealed: int
    revealed: int
    included: int
    pot: Units
    paid: Units
    fee: Units
    agreement: int | None
    merged: bool | None
    poster: str


@dataclass(frozen=True)
class SeatLine:
    """A held seat. `misses`: whether it owes for a reveal; `earned`: cumulative pay in the last checked accounts."""

    number: int
    signer: str
    payout: str
    stake: Units
    joined_at: int
    last_sealed: int
    reputation: int | None
    earned: Units | None
    claimed: Units
    penalty: Units | None
    verdict: str
    missed: bool
    claimable: Units | None
    """pay of final rounds that anybody may have credited now"""
    evictable: bool


@dataclass(frozen=True)
class AggregatorLine:
    """A pool of bonds."""

    account: str
    bond: Units
    locked: Units
    banned: bool
    results: int


@dataclass(frozen=True)
class UpdateLine:
    """One seat in one round, with the evidence for it. `why` says in words what happened to it."""

    seat: int
    trainer: str
    sealed_at: int
    seal: str
    seal_tx: str
    revealed_at: int | None
    reveal_tx: str
    root: str
    cid: str
    included: bool | None
    verdict: str
    weight: int | None
    agreement: int | None
    novelty: int | None
    pay: Units | None
    penalty: Units | None
    reputation: int | None
    why: str
    hints: list[str]
    document: str
    project: int = 0
    round: int = 0
    phase: str = ""
    coin: Coin = field(default_factory=Coin)
    flat_open: bool = False
    """its share of a round without a result can be taken"""


@dataclass(frozen=True)
class ReferenceLine:
    """The owner's reference in one round. `state`: waiting, sealed, revealed or absent (COMMIT ended without it);
    `included`: whether the newest result counts it; `why` says in words what that means."""

    key: str
    state: str
    sealed_at: int | None
    seal: str
    seal_tx: str
    revealed_at: int | None
    reveal_tx: str
    root: str
    cid: str
    included: bool | None
    why: str


@dataclass(frozen=True)
class ResultLine:
    """One post of a result; its window ends at `final_from`."""

    project: int
    round: int
    attempt: int
    poster: str
    commitment: str
    state: str
    posted_at: int
    posted_tx: str
    stands_at: int
    final_from: int | None
    included: int
    revealed: int
    paid: Units
    merged: bool
    model_root: str
    model_cid: str
    delta_cid: str
    document_cid: str
    document: str
    problem: str


@dataclass(frozen=True)
class EventLine:
    """An event as it stands in the chain; `args` by name, long integers as text."""

    name: str
    known: bool
    block: int
    at: int
    tx: str
    args: dict[str, str]


@dataclass(frozen=True)
class AskLine:
    """A question to a poster: open, answered or settled. `price` in wei; `due`: without an answer until then the
    poster is convicted. `place`: which leaf or node of which tree."""

    id: int
    project: int
    round: int
    state: str
    asker: str
    answerer: str
    place: str
    answer_bytes: int
    price: Units
    due: int
    asked_at: int
    asked_tx: str
    ended_at: int | None
    ended_tx: str


@dataclass(frozen=True)
class SeatTenure:
    """An address in a seat, from when to when."""

    project: int
    seat: int
    payout: str
    joined_at: int
    left_at: int | None
    evicted: bool
    coin: Coin
    claimable: Units | None
    may_leave: bool


@dataclass(frozen=True)
class CreditLine:
    """An amount of a token: what was paid, or what `account` may withdraw."""

    coin: Coin
    amount: Units
    account: str = ""


@dataclass(frozen=True)
class ModelLine:
    """A model to download; round 0 is the first. `stands`: nobody can clear it any more, or its window runs."""

    round: int
    phase: str
    root: str
    cid: str
    size: int
    stands: bool
    merged: bool


@dataclass(frozen=True)
class Conviction:
    """A refutation that was right; amounts are thirds of the poster's pool."""

    project: int
    round: int
    cause: str
    poster: str
    refuter: str
    to_refuter: Units
    to_pot: Units
    to_escrow: Units
    at: int
    tx: str
    coin: Coin
