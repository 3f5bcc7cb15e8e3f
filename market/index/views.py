"""What the index answers: frozen dataclasses, one for each page or list, without any database in them.

Amounts are integers in the token's smallest unit, times unix seconds, hashes and addresses 0x-hexadecimal text
(addresses in EIP-55 form), empty text or None where there is nothing yet. Phases are derived at `now`, never stored.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from market.index.parts import (
    AskRow,
    ConvictionRow,
    Document,
    Health,
    Money,
    Page,
    ReferenceRow,
    ResultRow,
    ResultState,
    TimelineRow,
    UpdateRow,
)
from market.params import Content, Params
from market.phases import Phase
from market.records import ProjectView, ResultView, RoundView, SeatView
from market.tokens import TokenFacts


@dataclass(frozen=True)
class ProjectRow:
    """A project in a list. `state`: running, stopped, over or refunded. `title`: empty until its document is read."""

    number: int
    owner: str
    title: str
    state: str
    token: TokenFacts
    created_at: int
    created_tx: str
    head: int
    phase: Phase
    """of the head; NONE before the first round"""
    ends_at: int | None
    """when time alone moves the head on"""
    seal_count: int
    reveal_count: int
    seats_held: int
    seats: int
    min_seals: int
    pot: int
    escrow: int
    last_final: int


@dataclass(frozen=True)
class RoundRow:
    """A round in a list, with its result that counts, if any. `view` is what the market's getter says at `now`."""

    number: int
    phase: Phase
    view: RoundView
    result: ResultView
    ends_at: int | None
    opened_at: int
    opened_tx: str
    fee: int
    """the poster's, of a FINAL round"""
    step_squared: int | None
    mean_agreement: int | None
    """floor of the mean over included seats of a checked document (unit of `aggregator/rule.py`)"""


@dataclass(frozen=True)
class SeatRow:
    """A held seat now. Account figures come from the newest checked document that stands; `verdict`: of its round."""

    number: int
    view: SeatView
    tenure: int
    joined_at: int
    reputation: int | None
    earned: int | None
    penalty: int | None
    verdict: str
    claimable: int | None
    """pay under the last FINAL result that is not claimed; None until its accounts are known"""
    evictable: bool
    """anybody may free it"""


@dataclass(frozen=True)
class AggregatorRow:
    """A pool of bonds in one project."""

    account: str
    bond: int
    locked: int
    banned: bool
    results: int
    """posts, whatever became of them"""


@dataclass(frozen=True)
class Measurement:
    """What the owner measured with `project evaluate`: nobody else can check it, and nothing paid hangs on it."""

    project: int
    round: int
    accuracy_ppm: int
    samples: int
    measured_at: int


@dataclass(frozen=True)
class Due:
    """A call that anybody may send now. `call`: the contract's name; `ask`: number of the ask that it is about."""

    call: str
    round: int | None
    ask: int | None = None


@dataclass(frozen=True)
class ProjectPage:
    """Everything about one project; `rounds` are the newest, newest first, older ones by `Reader.rounds`."""

    number: int
    now: int
    state: str
    title: str
    description: dict[str, Any] | None
    """the owner's document, checked against its digest; None until a store served it, see `description_problem`"""
    description_cid: str
    description_problem: str
    model_cid: str
    """of the first model"""
    created_at: int
    created_tx: str
    params: Params
    token: TokenFacts
    content: Content
    view: ProjectView
    head: RoundRow | None
    rounds: Sequence[RoundRow]
    seats: Sequence[SeatRow]
    aggregators: Sequence[AggregatorRow]
    money: Money
    measurements: Sequence[Measurement]
    due: Sequence[Due]


@dataclass(frozen=True)
class RoundPage:
    """Everything about one round. `results`: all posts, the newest first; `timeline` without seals and reveals."""

    project: int
    params: Params
    token: TokenFacts
    now: int
    row: RoundRow
    updates: Sequence[UpdateRow]
    results: Sequence[ResultRow]
    asks: Sequence[AskRow]
    timeline: Sequence[TimelineRow]
    reference: ReferenceRow | None = None
    """None in a project without one"""


@dataclass(frozen=True)
class TenureRow:
    """An address in a seat. `left_at` is None while it holds it; then sums are those of the seat now."""

    project: int
    seat: int
    tenure: int
    signer: str
    payout: str
    joined_at: int
    joined_tx: str
    left_at: int | None
    left_tx: str
    evicted: bool
    token: TokenFacts
    """of the project"""
    claimable: int | None
    """as of `SeatRow`, for the holder of now"""
    may_leave: bool
    """every round that it sealed is settled"""


@dataclass(frozen=True)
class CreditRow:
    """What an account may withdraw now."""

    account: str
    token: TokenFacts
    amount: int


@dataclass(frozen=True)
class TrainerPage:
    """An address that trains. `credits`: its own and those of its payout addresses, whatever they are for.

    `claimed`: by token, pay that became credits of its seats; `rounds`: newest first, at most the limit asked for.
    """

    address: str
    now: int
    tenures: Sequence[TenureRow]
    rounds: Page[UpdateRow]
    claimed: Sequence[tuple[TokenFacts, int]]
    credits: Sequence[CreditRow]


@dataclass(frozen=True)
class WatchPage:
    """What watchers look at: results that may still be refuted (those that stand longest first), asks that wait for an
    answer (those due first on top), past convictions.

    `other`: newest events that have no list of their own, or that this version cannot read.
    """

    now: int
    open: Page[ResultRow]
    asks: Sequence[AskRow]
    convictions: Page[ConvictionRow]
    other: Sequence[TimelineRow]


@dataclass(frozen=True)
class ModelRow:
    """A model that can be downloaded: round 0 is the first one. `stands`: its result is STANDING or FINAL."""

    project: int
    round: int
    phase: Phase
    root: str
    cid: str
    size_bytes: int
    stands: bool
    merged: bool


__all__ = [
    "AggregatorRow",
    "AskRow",
    "ConvictionRow",
    "CreditRow",
    "Document",
    "Due",
    "Health",
    "Measurement",
    "ModelRow",
    "Money",
    "Page",
    "ProjectPage",
    "ProjectRow",
    "ReferenceRow",
    "ResultRow",
    "ResultState",
    "RoundPage",
    "RoundRow",
    "SeatRow",
    "TenureRow",
    "TimelineRow",
    "TrainerPage",
    "UpdateRow",
    "WatchPage",
]
