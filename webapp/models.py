"""Page models: what each page shows. The same object becomes HTML and JSON, so neither can say more than the other.

Amounts are smallest units (decimal strings in JSON), times unix seconds, hashes and addresses 0x-text.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from webapp.charts import Chart
from webapp.lines import (
    AggregatorLine,
    AskLine,
    Card,
    Conviction,
    CreditLine,
    EventLine,
    ModelLine,
    ReferenceLine,
    ResultLine,
    RoundLine,
    SeatLine,
    SeatTenure,
    Units,
    UpdateLine,
)
from webapp.text import Coin

T = TypeVar("T")


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
    ask: int | None = None


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
    pot: Units


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
    reference: ReferenceLine | None = None
    """None in a project without one"""


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
class WatchDetail:
    """Everything `/watch` shows: open windows (first to end on top), asks (first due on top), convictions."""

    status: Status
    open: Listing[ResultLine]
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
