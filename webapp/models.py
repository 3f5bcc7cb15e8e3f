"""Page models: what each page shows. The same object becomes HTML and JSON, so neither can say more than the other.

Amounts are smallest units (decimal strings in JSON), times unix seconds, hashes and addresses 0x-text.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Annotated, Any, Generic, TypeVar

from pydantic import PlainSerializer

from webapp.charts import Chart
from webapp.text import Coin

T = TypeVar("T")
Units = Annotated[int, PlainSerializer(str, return_type=str)]
"""Smallest units of a project's token."""


@dataclass(frozen=True)
class Status:
    """How fresh the page is. `state`: empty, following, behind or halted; `now`: the chain's time."""

    state: str
    stale: bool
    problem: str
    block: int
    block_hash: str
    block_time: int
    head: int
    lag_blocks: int
    lag_s: int
    now: int
    chain_id: int
    network: str
    market: str
    version: str


@dataclass(frozen=True)
class Listing(Generic[T]):
    """A part of a list; `total` is the length of the whole."""

    items: list[T]
    total: int
    offset: int
    limit: int


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
class ProjectsPage:
    """Everything `/` shows."""

    status: Status
    projects: Listing[Card]


@dataclass(frozen=True)
class Step:
    """A step of the timeline. `place`: done, now, next or ended (another end was taken)."""

    phase: str
    title: str
    place: str
    at: int | None
    text: str


@dataclass(frozen=True)
class Progress:
    """Seals or reveals of a round beside what it needs."""

    count: int
    least: int
    total: int
    word: str
    sentence: str


@dataclass(frozen=True)
class Hero:
    """Where the newest round is, and what happens next."""

    round: int
    phase: str
    ends_at: int | None
    headline: str
    sentence: str
    steps: list[Step]
    progress: Progress | None


@dataclass(frozen=True)
class Part:
    """A term of the money equation; `help` says what counts into it."""

    name: str
    amount: Units
    help: str


@dataclass(frozen=True)
class Equation:
    """`entered == sum of parts`, to the smallest unit. `details`: every row that the contract keeps."""

    entered: Units
    parts: list[Part]
    balances: bool
    details: list[Part]


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


@dataclass(frozen=True)
class AggregatorLine:
    """A pool of bonds."""

    account: str
    bond: Units
    locked: Units
    banned: bool
    results: int


@dataclass(frozen=True)
class Term:
    """A frozen parameter: its value for people, exact in `title`, and what it means."""

    name: str
    value: str
    meaning: str


@dataclass(frozen=True)
class DueCall:
    """Something that anybody may send now."""

    call: str
    round: int | None
    text: str


@dataclass(frozen=True)
class ProjectDetail:
    """Everything `/projects/{project}` shows."""

    status: Status
    number: int
    title: str
    state: str
    owner: str
    coin: Coin
    created_at: int
    created_tx: str
    description: dict[str, Any] | None
    description_cid: str
    description_problem: str
    hero: Hero
    equation: Equation
    rounds_left: int
    accuracy: Chart
    agreement: Chart
    steps: Chart
    pay: Chart
    goal_ppm: int | None
    goal_reached: int | None
    rounds: list[RoundLine]
    rounds_total: int
    seats: list[SeatLine]
    aggregators: list[AggregatorLine]
    terms: list[Term]
    due: list[DueCall]
    stopped: bool
    refundable_now: bool
    escrow: Units


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
class RoundDetail:
    """Everything `/projects/{project}/rounds/{round}` shows."""

    status: Status
    project: int
    number: int
    coin: Coin
    hero: Hero
    base_root: str
    pot: Units
    paid: Units
    fee: Units
    opened_at: int
    opened_tx: str
    updates: list[UpdateLine]
    results: list[ResultLine]
    asks: list[AskLine]
    events: list[EventLine]
    pay: Chart
    has_older: bool
    has_newer: bool


@dataclass(frozen=True)
class SeatTenure:
    """An address in a seat, from when to when."""

    project: int
    seat: int
    payout: str
    joined_at: int
    left_at: int | None
    evicted: bool


@dataclass(frozen=True)
class CreditLine:
    """An amount of a token: what was paid, or what `account` may withdraw."""

    coin: Coin
    amount: Units
    account: str = ""


@dataclass(frozen=True)
class TrainerDetail:
    """Everything `/trainers/{address}` shows. `earned`: by claims so far."""

    status: Status
    address: str
    tenures: list[SeatTenure]
    updates: Listing[UpdateLine]
    reputation: Chart
    earnings: Chart
    earned: list[CreditLine]
    credits: list[CreditLine]
    advice: list[str]
    coin: Coin


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
class ModelsDetail:
    """Everything `/projects/{project}/models` shows. `code`: loads the newest one in PyTorch."""

    status: Status
    project: int
    title: str
    models: Listing[ModelLine]
    newest: ModelLine | None
    code: list[str]
    download: bool
    lsb_exponent: int | None


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


@dataclass(frozen=True)
class WatchDetail:
    """Everything `/watch` shows: open windows (first to end on top), asks (first due on top), convictions."""

    status: Status
    open: list[ResultLine]
    asks: list[AskLine]
    convictions: Listing[Conviction]
    other: list[EventLine] = field(default_factory=list)


@dataclass(frozen=True)
class Failure:
    """The one shape of an error, also as a page."""

    error: str
    code: str
    status: int
    ok: bool = False
