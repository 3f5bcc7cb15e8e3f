"""Parts of the index's answers that several pages share: see `market.index.views`, which has them all."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Generic, TypeVar

from market.phases import Phase
from market.tokens import TokenFacts

T = TypeVar("T")


@dataclass(frozen=True)
class Page(Generic[T]):
    """A part of a list. `total`: length of the whole list."""

    items: Sequence[T]
    total: int
    offset: int
    limit: int


@dataclass(frozen=True)
class Health:
    """How far the index is. `now`: estimated time of the chain's pending block.

    `state`: empty (nothing indexed yet), following, behind (catching up), halted. `problem`: why it does not move on.
    `stale`: nothing was heard from the indexer for longer than the limit, or it halted.
    """

    chain_id: int
    market: str
    block: int
    block_hash: str
    block_time: int
    head: int
    """latest block of the chain when the indexer looked last"""
    lag_blocks: int
    lag_s: int
    """seconds since the indexer looked last with success"""
    now: int
    state: str
    problem: str
    stale: bool
    unknown_events: int
    """events stored raw, because this version cannot read them; after an upgrade: `fairtrain index rebuild`"""
    pending_documents: int
    """result documents and descriptions that no store has served yet"""
    may_change_from: int = 0
    """what stands in this block or a later one may still be taken back by a reorganisation that the index follows"""


@dataclass(frozen=True)
class Money:
    """The money equation of one project: what entered is what went out as credits plus what is inside.

    `entered == credited + inside` to the smallest unit, always. Entered: `funded + stakes_in + bonds_in`. Credited:
    `pay + flat_pay + fees + stakes_back + bonds_back + refuter_rewards + refunded + burned`. Inside: `escrow + reserved
    + flat_open + bucket + penalty_pool + stakes + bonds - misses_owed` (owed units stand in a pot and in a stake).
    """

    funded: int
    stakes_in: int
    bonds_in: int
    pay: int
    """claimed, also when a seat left"""
    flat_pay: int
    fees: int
    stakes_back: int
    bonds_back: int
    refuter_rewards: int
    refunded: int
    """to the owner"""
    burned: int
    other_credited: int
    """credits of kinds that this version does not name"""
    escrow: int
    reserved: int
    """pots of rounds that are not FLAT"""
    flat_open: int
    """shares of FLAT rounds not yet taken"""
    bucket: int
    """pay of FINAL rounds not yet claimed, and its dust"""
    penalty_pool: int
    stakes: int
    bonds: int
    misses_owed: int

    @property
    def entered(self) -> int:
        """Everything that anybody paid into the project."""
        return self.funded + self.stakes_in + self.bonds_in

    @property
    def credited(self) -> int:
        """Everything that became somebody's credit."""
        paid = self.pay + self.flat_pay + self.fees + self.refuter_rewards + self.other_credited
        return paid + self.stakes_back + self.bonds_back + self.refunded + self.burned

    @property
    def inside(self) -> int:
        """What the project holds now."""
        held = self.escrow + self.reserved + self.flat_open + self.bucket + self.penalty_pool
        return held + self.stakes + self.bonds - self.misses_owed

    @property
    def balances(self) -> bool:
        """Whether the equation holds; False is a bug of the index or of the node that it read."""
        return self.entered == self.credited + self.inside


class ResultState(StrEnum):
    """What became of a posted result."""

    PROPOSED = "proposed"
    STANDING = "standing"
    FINAL = "final"
    REPLACED = "replaced"
    """by a post with more seats or rows"""
    CONVICTED = "convicted"
    CLEARED = "cleared"
    """its poster was convicted for another result"""
    DISPLACED = "displaced"
    """a result below it was cleared; its round needs a new one on what stands there now"""


class Document(StrEnum):
    """Whether the published result document is what the chain committed to."""

    PENDING = "pending"
    """no store has served it yet: nothing of it is shown"""
    CHECKED = "checked"
    """digest and accounts tree are those posted; verdicts and weights are the poster's word until the window closes"""
    WRONG = "wrong"
    """something else was published than was committed to; `problem` says what"""


@dataclass(frozen=True)
class ResultRow:
    """One post of a result. `attempt` counts a round's posts from 1; `final_from`: when `finalise` may be called."""

    project: int
    round: int
    attempt: int
    poster: str
    commitment: str
    state: ResultState
    posted_at: int
    posted_tx: str
    stands_at: int
    final_from: int | None
    ended_at: int | None
    ended_tx: str
    merged: bool
    included: tuple[int, ...]
    """seats"""
    reveal_count: int
    row_count: int
    paid: int
    prev_commitment: str
    model_root: str
    model_cid: str
    delta_root: str
    delta_cid: str
    accounts_root: str
    document_cid: str
    document: Document
    problem: str
    step_squared: int | None
    """sum of the squared coefficients of the delta (LSB 2^-e each), where the file was read and its root checked"""


@dataclass(frozen=True)
class UpdateRow:
    """A seat in a round: its seal, its reveal, and what the result that counts (or counted last) says about it.

    The figures of the judgement are None until a checked document of that result is in the index. `pay`, `penalty`: of
    this round, as the document says; `account_*`: cumulative sums under the posted accounts root.
    """

    project: int
    round: int
    seat: int
    trainer: str
    tenure: int
    """how many holders the seat had before"""
    sealed_at: int
    seal: str
    seal_tx: str
    revealed_at: int | None
    reveal_tx: str
    root: str
    salt: str
    cid: str
    included: bool | None
    verdict: str
    reason: str
    weight: int | None
    agreement: int | None
    novelty: int | None
    score: int | None
    pay: int | None
    penalty: int | None
    account_reputation: int | None
    account_pay: int | None
    account_penalty: int | None
    flat_share: int | None
    """what the seat may take, or took, where the round is FLAT"""
    flat_taken: bool
    phase: Phase
    """of the round"""
    document: Document


@dataclass(frozen=True)
class ReferenceRow:
    """The owner's reference in a round, which is no seat. Times are None and texts empty for what it has not done.

    `included`: whether the newest post of the round has its row; None while nothing is posted.
    """

    key: str
    """address that signs it"""
    sealed_at: int | None
    seal: str
    seal_tx: str
    revealed_at: int | None
    reveal_tx: str
    root: str
    salt: str
    cid: str
    included: bool | None


@dataclass(frozen=True)
class TimelineRow:
    """One event of a project as it stands in the chain. `args`: by name; integers as such, bytes as 0x-text."""

    name: str
    known: bool
    project: int | None
    round: int | None
    seat: int | None
    block: int
    log_index: int
    at: int
    tx: str
    args: dict[str, Any]


@dataclass(frozen=True)
class AskRow:
    """A question to a poster about its result. `state`: open, answered, settled (its result no longer counts, or its
    poster was convicted for silence). Amounts in wei; `tree`: name as in `market.refutation.Tree`."""

    id: int
    project: int
    round: int
    attempt: int
    """which post of the round it is about"""
    state: str
    asker: str
    answerer: str
    tree: str
    row: int
    level: int
    index: int
    answer_bytes: int
    price: int
    due: int
    asked_at: int
    asked_tx: str
    ended_at: int | None
    ended_tx: str


@dataclass(frozen=True)
class ConvictionRow:
    """A refutation that checked, or silence. Amounts are thirds of the poster's whole pool.

    `cause`: the check and its coordinates (`market.refutation.Check`), or which ask had no answer.
    """

    project: int
    round: int
    cause: str
    poster: str
    refuter: str
    to_refuter: int
    to_pot: int
    to_escrow: int
    at: int
    tx: str
    token: TokenFacts
    """of the project"""
