"""Tables of the index, as typed mapped classes.

Three kinds: what the chain said (`blocks`, `events`), what follows from it (all others, rebuilt at will), and what it
does not know (`status`, `measurements`). Amounts and other integers without a bound are decimal text, hashes are bytes.
State tables (`projects` to `held`) mirror `market.spec.state` field by field; fields without a column stand in `rest`.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import Index
from sqlalchemy.orm import Mapped, mapped_column

from market.index.columns import Base, Json, Rest, amount, key, where
from market.index.history_tables import (
    AskRow,
    Conviction,
    DescriptionRow,
    Movement,
    ResultAccounts,
    ResultRowDb,
    ResultSeat,
    SeatRound,
    Tenure,
    TokenRow,
)
from market.params import Content, Limits, Params

# ----- the index itself -----


class Meta(Base):
    """Which market this is the index of; one row."""

    __tablename__ = "meta"
    id: Mapped[int] = key()
    chain_id: Mapped[int]
    genesis: Mapped[bytes]
    market: Mapped[str]
    first_block: Mapped[int]
    limits: Mapped[Any] = mapped_column(Json(Limits))


class Cursor(Base):
    """The last block that everything here includes; one row, moved in the transaction that brings the rows.

    `noted_from`: the lowest block that can be taken back.
    """

    __tablename__ = "cursor"
    id: Mapped[int] = key()
    number: Mapped[int]
    hash: Mapped[bytes]
    time: Mapped[int]
    noted_from: Mapped[int]


class Status(Base):
    """What the indexer said last, not part of what is rebuilt. `looked_at`: this machine's clock at its last success,
    `chain_time`: time of the chain's pending block then."""

    __tablename__ = "status"
    id: Mapped[int] = key()
    head: Mapped[int]
    looked_at: Mapped[int]
    chain_time: Mapped[int]
    state: Mapped[str]
    problem: Mapped[str]


class Undo(Base):
    """What a row was before a block changed it (`old` None: it was not there), for blocks that may still go away."""

    __tablename__ = "undo"
    number: Mapped[int] = key()
    seq: Mapped[int] = key()
    table: Mapped[str]
    place: Mapped[str]
    old: Mapped[str | None]


# ----- what the chain said -----


ODD = "coalesce(listed, 0) > 1"
"""Events without a table of their own, or unread. In these words no other index answers for them: there are few, and a
planner that takes the index of all listed events reads them all."""


class Block(Base):
    """Blocks with events, and all of the last ones."""

    __tablename__ = "blocks"
    number: Mapped[int] = key()
    hash: Mapped[bytes]
    parent: Mapped[bytes]
    time: Mapped[int]


class EventRow(Base):
    """A log of the market, raw. `project`, `round`: where the event names them.

    `listed`: NULL for seals and reveals (the bulk of all events, which `seat_rounds` lists), 1 for other kinds that
    this version knows, 2 for those that have no table of their own, 3 for those that it cannot read.
    """

    __tablename__ = "events"
    block_hash: Mapped[bytes] = key()
    log_index: Mapped[int] = key()
    number: Mapped[int]
    tx: Mapped[bytes]
    topics: Mapped[bytes]
    data: Mapped[bytes]
    name: Mapped[str]
    project: Mapped[int | None]
    round: Mapped[int | None]
    listed: Mapped[int | None]
    __table_args__ = (
        Index("ix_events_number", "number", "log_index"),
        Index("ix_events_listed", "project", "number", "log_index", **where("listed IS NOT NULL")),
        Index("ix_events_odd", "number", "log_index", **where(ODD)),
    )


# ----- state: mirrors of market.spec.state -----


class ProjectState(Base):
    """`Project` without its rounds, seats, results and pools."""

    __tablename__ = "projects"
    project: Mapped[int] = key()
    owner: Mapped[str]
    params: Mapped[Any] = mapped_column(Json(Params))
    content: Mapped[Any] = mapped_column(Json(Content))
    stopped: Mapped[bool]
    refunded: Mapped[bool]
    head: Mapped[int]
    tip: Mapped[int]
    last_result: Mapped[int]
    last_final: Mapped[int]
    terminal_up_to: Mapped[int]
    cleared_at: Mapped[int]
    last_event_at: Mapped[int]
    escrow: Mapped[int] = amount()
    bucket: Mapped[int] = amount()
    penalty_pool: Mapped[int] = amount()
    rest: Mapped[Any] = mapped_column(Rest)


class RoundState(Base):
    """`Round` without its slots, which `seat_rounds` has."""

    __tablename__ = "rounds"
    project: Mapped[int] = key()
    number: Mapped[int] = key()
    base_root: Mapped[bytes]
    pot: Mapped[int] = amount()
    commit_end: Mapped[int]
    reveal_end: Mapped[int]
    active_left: Mapped[int]
    seal_count: Mapped[int]
    reveal_count: Mapped[int]
    reveal_sum: Mapped[int] = amount()
    proposed_at: Mapped[int]
    charged: Mapped[bool]
    final: Mapped[bool]
    flat: Mapped[bool]
    voided: Mapped[bool]
    flat_share: Mapped[int] = amount()
    rest: Mapped[Any] = mapped_column(Rest)


class SeatState(Base):
    """`Seat`."""

    __tablename__ = "seats"
    project: Mapped[int] = key()
    seat: Mapped[int] = key()
    signer: Mapped[str] = mapped_column(index=True)
    payout: Mapped[str]
    stake: Mapped[int] = amount()
    joined: Mapped[int]
    last_sealed: Mapped[int]
    first_round: Mapped[int]
    claimed: Mapped[int] = amount()
    penalty_taken: Mapped[int] = amount()
    rest: Mapped[Any] = mapped_column(Rest)


class StoredResult(Base):
    """`Result`: what is stored for a round, whether it counts or no longer does."""

    __tablename__ = "stored_results"
    project: Mapped[int] = key()
    round: Mapped[int] = key()
    commitment: Mapped[bytes]
    model_root: Mapped[bytes]
    poster: Mapped[str]
    stands_at: Mapped[int]
    included_count: Mapped[int]
    row_count: Mapped[int]
    paid: Mapped[int] = amount()
    prev: Mapped[int]
    merged: Mapped[bool]
    depth: Mapped[int]
    asked: Mapped[bool]
    rest: Mapped[Any] = mapped_column(Rest)


class Pool(Base):
    """`Aggregator`: a pool of bonds."""

    __tablename__ = "aggregators"
    project: Mapped[int] = key()
    account: Mapped[str] = key()
    bond: Mapped[int] = amount()
    locked: Mapped[int] = amount()
    banned: Mapped[bool]
    rest: Mapped[Any] = mapped_column(Rest)


class Credit(Base):
    """What an account may withdraw."""

    __tablename__ = "credits"
    token: Mapped[str] = key()
    account: Mapped[str] = key()
    amount: Mapped[int] = amount()


class Held(Base):
    """What entered the market less what left it."""

    __tablename__ = "held"
    token: Mapped[str] = key()
    amount: Mapped[int] = amount()


class Total(Base):
    """Sum of a project's movements of one kind."""

    __tablename__ = "totals"
    project: Mapped[int] = key()
    kind: Mapped[str] = key()
    amount: Mapped[int] = amount()


# ----- what the chain does not know -----


class MeasurementRow(Base):
    """An owner's own figure, see `market.index.measurements`."""

    __tablename__ = "measurements"
    project: Mapped[int] = key()
    round: Mapped[int] = key()
    accuracy_ppm: Mapped[int]
    samples: Mapped[int]
    measured_at: Mapped[int]


TABLES = Base.metadata.tables
"""Every table by name."""

__all__ = [
    "TABLES",
    "AskRow",
    "Base",
    "Block",
    "Conviction",
    "Credit",
    "Cursor",
    "DescriptionRow",
    "EventRow",
    "Held",
    "MeasurementRow",
    "Meta",
    "Movement",
    "Pool",
    "ProjectState",
    "ResultAccounts",
    "ResultRowDb",
    "ResultSeat",
    "RoundState",
    "SeatRound",
    "SeatState",
    "Status",
    "StoredResult",
    "Tenure",
    "TokenRow",
    "Total",
    "Undo",
]
