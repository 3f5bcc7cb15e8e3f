"""Tables that say what happened when, and in which transaction; part of `market.index.schema`."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Index
from sqlalchemy.orm import Mapped, mapped_column

from market.index.columns import Amount, Base, Json, amount, key
from market.records import Post


class SeatRound(Base):
    """A seal and its reveal. `tenure`: holders that the seat had before."""

    __tablename__ = "seat_rounds"
    project: Mapped[int] = key()
    round: Mapped[int] = key()
    seat: Mapped[int] = key()
    trainer: Mapped[str]
    tenure: Mapped[int]
    seal: Mapped[bytes]
    sealed_number: Mapped[int]
    sealed_tx: Mapped[bytes]
    root: Mapped[bytes | None]
    salt: Mapped[bytes | None]
    file_digest: Mapped[bytes | None]
    revealed_number: Mapped[int | None]
    revealed_tx: Mapped[bytes | None]
    __table_args__ = (Index("ix_seat_rounds_seat", "project", "seat", "round"),)


class ResultRowDb(Base):
    """A post. `ended`: replaced, convicted, cleared or displaced; NULL while it is the last of its round.

    `document` and what follows it come from the store, not from the chain.
    """

    __tablename__ = "results"
    project: Mapped[int] = key()
    round: Mapped[int] = key()
    attempt: Mapped[int] = key()
    number: Mapped[int] = mapped_column(index=True)
    tx: Mapped[bytes]
    poster: Mapped[str] = mapped_column(index=True)
    commitment: Mapped[bytes]
    stands_at: Mapped[int]
    merged: Mapped[bool]
    post: Mapped[Any] = mapped_column(Json(Post))
    ended: Mapped[str | None]
    ended_number: Mapped[int | None] = mapped_column(index=True)
    ended_tx: Mapped[bytes | None]
    document: Mapped[str] = mapped_column(index=True)
    problem: Mapped[str]
    step_squared: Mapped[int | None] = mapped_column(Amount)
    mean_agreement: Mapped[int | None] = mapped_column(Amount)


class ResultSeat(Base):
    """What a checked result document says about a seat, and the seat's leaf of the accounts tree."""

    __tablename__ = "result_seats"
    project: Mapped[int] = key()
    round: Mapped[int] = key()
    attempt: Mapped[int] = key()
    seat: Mapped[int] = key()
    verdict: Mapped[str]
    reason: Mapped[str]
    weight: Mapped[int]
    agreement: Mapped[int] = amount()
    novelty: Mapped[int] = amount()
    score: Mapped[int] = amount()
    pay: Mapped[int] = amount()
    penalty: Mapped[int] = amount()
    account_reputation: Mapped[int]
    account_pay: Mapped[int] = amount()
    account_penalty: Mapped[int] = amount()


class ResultAccounts(Base):
    """Every leaf of a checked result's accounts tree, by seat, 40 bytes each: what a claim is proved with."""

    __tablename__ = "result_accounts"
    project: Mapped[int] = key()
    round: Mapped[int] = key()
    attempt: Mapped[int] = key()
    leaves: Mapped[bytes]


class TokenRow(Base):
    """An ERC-20 token as it named itself in the block of the first project that pays in it; see `market.tokens`.

    `decimals` is NULL where the token gives none that is believed.
    """

    __tablename__ = "tokens"
    token: Mapped[str] = key()
    number: Mapped[int] = mapped_column(index=True)
    symbol: Mapped[str]
    decimals: Mapped[int | None]


class DescriptionRow(Base):
    """The owner's description; `document` is NULL until a store served it and it proved right."""

    __tablename__ = "descriptions"
    project: Mapped[int] = key()
    number: Mapped[int] = mapped_column(index=True)
    state: Mapped[str] = mapped_column(index=True)
    problem: Mapped[str]
    title: Mapped[str]
    document: Mapped[str | None]


class Tenure(Base):
    """An address in a seat, from registration to leaving."""

    __tablename__ = "tenures"
    project: Mapped[int] = key()
    seat: Mapped[int] = key()
    tenure: Mapped[int] = key()
    signer: Mapped[str] = mapped_column(index=True)
    payout: Mapped[str]
    joined_number: Mapped[int] = mapped_column(index=True)
    joined_tx: Mapped[bytes]
    left_number: Mapped[int | None] = mapped_column(index=True)
    left_tx: Mapped[bytes | None]
    evicted: Mapped[bool]


class Movement(Base):
    """Money of one event. `kind` as in `market.index.movements`; project 0 for withdrawals, which belong to none."""

    __tablename__ = "movements"
    number: Mapped[int] = key()
    log_index: Mapped[int] = key()
    part: Mapped[int] = key()
    project: Mapped[int]
    kind: Mapped[str]
    token: Mapped[str]
    account: Mapped[str] = mapped_column(index=True)
    seat: Mapped[int | None]
    round: Mapped[int | None]
    amount: Mapped[int] = amount()
    __table_args__ = (Index("ix_movements_project", "project", "number", "log_index"),)


class Conviction(Base):
    """A refutation that checked."""

    __tablename__ = "convictions"
    number: Mapped[int] = key()
    log_index: Mapped[int] = key()
    project: Mapped[int] = mapped_column(index=True)
    round: Mapped[int]
    tx: Mapped[bytes]
    cause: Mapped[str]
    poster: Mapped[str]
    refuter: Mapped[str]
    to_refuter: Mapped[int] = amount()
    to_pot: Mapped[int] = amount()
    to_escrow: Mapped[int] = amount()


class AskRow(Base):
    """A question to a poster. `attempt`: which post of the round it is about; `ended`: answered or settled.

    Amounts in wei: `price` goes to whoever answers, or back.
    """

    __tablename__ = "asks"
    id: Mapped[int] = key()
    project: Mapped[int] = mapped_column(index=True)
    round: Mapped[int]
    attempt: Mapped[int]
    number: Mapped[int] = mapped_column(index=True)
    tx: Mapped[bytes]
    asker: Mapped[str]
    tree: Mapped[int]
    row: Mapped[int]
    level: Mapped[int]
    node: Mapped[int]
    root: Mapped[bytes]
    answer_bytes: Mapped[int]
    price: Mapped[int] = amount()
    burned: Mapped[int] = amount()
    returned: Mapped[int] = amount()
    due: Mapped[int]
    ended: Mapped[str | None]
    ended_number: Mapped[int | None] = mapped_column(index=True)
    ended_tx: Mapped[bytes | None]
    answerer: Mapped[str]
