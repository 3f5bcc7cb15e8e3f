"""State of a market and the questions that every call asks of it.

Plain data: time, caller and value are arguments, nothing here reads a clock or a chain. Where the contract
counts (active seats, units of missed reveals), this model derives by definition, so that comparing the two
checks the counting.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol

from market.errors import RefusedError
from market.events import Asked
from market.merkle import depth_for
from market.params import Content, Limits, Params
from market.phases import ALLOWED, Phase, PhaseFacts, phase_at
from market.refutation import Ask, Refutation, Tree
from market.seals import is_revealed, is_sealed
from market.units import ZERO32, ZERO_ADDRESS

ACCOUNT_BYTES = 40


@dataclass(frozen=True)
class Call:
    """Who calls, when, and how many native coins come along. `now` is the block's timestamp."""

    caller: str
    now: int
    value: int = 0
    base_fee: int = 0
    """of the block, wei per gas"""


@dataclass
class Round:
    """Facts of a round; never undone. `pot` is what is stored, see `effective_pot`."""

    number: int
    base_root: bytes
    pot: int
    commit_end: int
    reveal_end: int
    active_left: int
    seal_count: int = 0
    reveal_count: int = 0
    reveal_sum: int = 0
    proposed_at: int = 0
    slots: dict[int, bytes] = field(default_factory=dict)
    reference: bytes = ZERO32
    """slot of the owner's reference, which is no seat and which no count includes"""
    charged: bool = False
    """the units of missed reveals are in `pot` (from the first post or `flatten` on)"""
    final: bool = False
    flat: bool = False
    voided: bool = False
    flat_share: int = 0
    flat_taken: set[int] = field(default_factory=set)


@dataclass
class Result:
    """What was posted for a round; it counts iff round <= tip. `depth`: results of the chain below it."""

    commitment: bytes
    model_root: bytes
    poster: str = ZERO_ADDRESS
    stands_at: int = 0
    included_count: int = 0
    row_count: int = 0
    paid: int = 0
    prev: int = 0
    merged: bool = False
    depth: int = 0
    asked: bool = False
    """somebody has asked about it: FINAL comes later"""


@dataclass(frozen=True)
class Tenure:
    """A past holder of a seat: rounds from its first reveal (0 = none) to its last seal."""

    payout: str
    first_round: int
    last_round: int


@dataclass
class Seat:
    """A seat; `signer` zero = free. `claimed` and `penalty_taken` outlive their holders."""

    signer: str = ZERO_ADDRESS
    payout: str = ZERO_ADDRESS
    stake: int = 0
    joined: int = 0
    last_sealed: int = 0
    first_round: int = 0
    claimed: int = 0
    penalty_taken: int = 0
    tenures: list[Tenure] = field(default_factory=list)

    def active_for(self, round_: int) -> bool:
        """Whether COMMIT of `round_` waits for this seat: it sealed in the round before or came then."""
        if self.signer == ZERO_ADDRESS:
            return False
        return (self.last_sealed or self.joined) == round_ - 1


@dataclass
class Aggregator:
    """A pool of bonds in one project."""

    bond: int = 0
    locked: int = 0
    banned: bool = False


@dataclass
class Project:
    """One project with everything in it."""

    owner: str
    params: Params
    content: Content
    results: dict[int, Result]
    stopped: bool = False
    refunded: bool = False
    head: int = 0
    tip: int = 0
    last_result: int = 0
    last_final: int = 0
    terminal_up_to: int = 0
    cleared_at: int = 0
    last_event_at: int = 0
    escrow: int = 0
    bucket: int = 0
    penalty_pool: int = 0
    rounds: dict[int, Round] = field(default_factory=dict)
    seats: dict[int, Seat] = field(default_factory=dict)
    aggregators: dict[str, Aggregator] = field(default_factory=dict)

    @property
    def open_count(self) -> int:
        """Rounds whose pot is still reserved."""
        return sum(not (r.final or r.flat or r.voided) for r in self.rounds.values())

    @property
    def active_next(self) -> int:
        """Seats for which COMMIT of the next round will wait."""
        return sum(seat.active_for(self.head + 1) for seat in self.seats.values())

    def seat(self, seat: int) -> Seat:
        """Facts of a seat, free if nobody ever held it."""
        return self.seats.setdefault(seat, Seat())

    def aggregator(self, account: str) -> Aggregator:
        """Pool of an account, empty if it never paid in."""
        return self.aggregators.get(account, Aggregator())


@dataclass
class OpenAsk:
    """A question without an answer, about a result as it was posted then. `depth`: of the tree."""

    result: Result
    event: Asked
    depth: int = 0


class Oracle(Protocol):
    """What the market asks of its rule: the checks, and the layout of the trees."""

    def is_wrong(self, refutation: Refutation) -> bool:
        """Whether the number that a refutation names is wrong."""

    def depth(self, tree: Tree, params: Params) -> int:
        """Levels of a tree."""

    def leaf_size(self, tree: Tree, params: Params) -> int:
        """Bytes of its leaves as they are hashed behind the index."""

    def has_leaf(self, ask: Ask, params: Params) -> bool:
        """Whether honest results have the leaf that is asked for."""


@dataclass(frozen=True)
class NoOracle:
    """Finds no number wrong and knows no tree but that of the accounts."""

    def is_wrong(self, refutation: Refutation) -> bool:
        """Never."""
        return False

    def depth(self, tree: Tree, params: Params) -> int:
        """Levels of the accounts tree. ValueError for others: the layout of those is the aggregator's."""
        if tree is not Tree.Accounts:
            raise ValueError(
                f"no oracle knows the tree of {tree.name}; give the specification one: State(oracle=...)"
            )
        return depth_for(params.seats)

    def leaf_size(self, tree: Tree, params: Params) -> int:
        """Bytes of an account."""
        return ACCOUNT_BYTES

    def has_leaf(self, ask: Ask, params: Params) -> bool:
        """Every seat has an account."""
        return ask.index < params.seats


@dataclass
class State:
    """A market: limits, projects from 1 up, credits and what is held, by token."""

    chain_id: int
    market: str
    limits: Limits
    tokens: frozenset[str] = frozenset()
    """contracts that are tokens; the native coin needs none"""
    projects: list[Project] = field(default_factory=list)
    credits: dict[tuple[str, str], int] = field(default_factory=dict)
    held: dict[str, int] = field(default_factory=dict)
    ask_count: int = 0
    asks: dict[int, OpenAsk] = field(default_factory=dict)
    oracle: Oracle = field(default_factory=NoOracle)

    def add_credit(self, token: str, account: str, amount: int) -> None:
        """Pull payment: `account` may withdraw `amount` more."""
        if amount:
            self.credits[token, account] = self.credits.get((token, account), 0) + amount


def refuse(name: str, **args: object) -> RefusedError:
    """The contract's error `name` with its arguments."""
    return RefusedError(name, args)


def project_at(state: State, project: int) -> Project:
    """The project, or MarketUnknownProject."""
    if not 1 <= project <= len(state.projects):
        raise refuse("MarketUnknownProject", project=project, count=len(state.projects))
    return state.projects[project - 1]


def missed_reveals(round_: Round, min_seals: int) -> int:
    """Seals that cost their seats a unit once REVEAL has ended; none where fewer than half were revealed."""
    if 2 * round_.reveal_count < round_.seal_count or round_.seal_count < min_seals:
        return 0
    return round_.seal_count - round_.reveal_count


def uncharged(project: Project, round_: Round, now: int) -> int:
    """What missed reveals will add to the pot; 0 unless AGGREGATE waits for its first post."""
    if round_.charged or phase_of(project, round_.number, now) is not Phase.AGGREGATE:
        return 0
    return missed_reveals(round_, project.params.min_seals) * project.params.unit


def effective_pot(project: Project, round_: Round, now: int) -> int:
    """Stored pot and the units of missed reveals, once REVEAL has ended."""
    return round_.pot + uncharged(project, round_, now)


def charge(project: Project, round_: Round, now: int) -> None:
    """The units of missed reveals join the pot; their seats are debited when they seal again or leave."""
    round_.pot += uncharged(project, round_, now)
    round_.charged = True


def phase_of(project: Project, round_: int, now: int) -> Phase:
    """Phase of a round at `now`; the start is FINAL."""
    if round_ == 0:
        return Phase.FINAL
    facts = project.rounds.get(round_)
    if facts is None:
        return Phase.NONE
    result = project.results.get(round_)
    return phase_at(
        PhaseFacts(
            exists=True,
            commit_end=facts.commit_end,
            reveal_end=facts.reveal_end,
            seal_count=facts.seal_count,
            reveal_count=facts.reveal_count,
            min_seals=project.params.min_seals,
            covered=round_ <= project.tip,
            stands_at=result.stands_at if result else 0,
            final=facts.final,
            flat=facts.flat,
        ),
        now,
    )


def expect_phase(project: Project, number: int, round_: int, allowed: frozenset[Phase], now: int) -> None:
    """MarketWrongPhase unless the phase of `round_` of project `number` is allowed."""
    phase = phase_of(project, round_, now)
    if phase not in allowed:
        raise wrong_phase(number, round_, phase, allowed)


def wrong_phase(project: int, round_: int, phase: Phase, allowed: frozenset[Phase]) -> RefusedError:
    """The error that names the phase and, as a bitmap, those that would have done."""
    bits = sum(1 << p for p in allowed)
    return refuse("MarketWrongPhase", project=project, round=round_, current=int(phase), allowed=bits)


def round_in_phase(state: State, project: int, round_: int, call: str, now: int) -> tuple[Project, Round]:
    """Project and round if the round's phase allows `call`; a project that does not exist has no rounds."""
    if not 1 <= project <= len(state.projects):
        raise wrong_phase(project, round_, Phase.NONE, ALLOWED[call])
    it = state.projects[project - 1]
    expect_phase(it, project, round_, ALLOWED[call], now)
    return it, it.rounds.get(round_) or START_ROUND


START_ROUND = Round(number=0, base_root=ZERO32, pot=0, commit_end=0, reveal_end=0, active_left=0, final=True)
"""Stands in for the facts of round 0, which has none."""


def ended_without_result(project: Project, round_: int) -> bool:
    """Whether a round is FLAT, or VOID with its pot moved."""
    facts = project.rounds.get(round_)
    return facts is not None and (facts.flat or facts.voided)


def awaits_reference(project: Project, facts: Round) -> bool:
    """Whether COMMIT waits for the reference: in round 1, and as long as it revealed in the round before."""
    if project.params.reference_key == ZERO_ADDRESS or facts.reference != ZERO32:
        return False
    return facts.number == 1 or is_revealed(project.rounds[facts.number - 1].reference)


def is_settled(facts: Round) -> bool:
    """Whether a round is terminal for good: FINAL, FLAT, or VOID with its pot moved."""
    return facts.final or facts.flat or facts.voided


def check_seat(project: Project, seat: int) -> None:
    """MarketSeatOutOfRange past the seat limit."""
    if not 0 <= seat < project.params.seats:
        raise refuse("MarketSeatOutOfRange", seat=seat, seats=project.params.seats)


def miss_due(project: Project, seat: Seat, seat_id: int) -> bool:
    """Whether a seat owes a unit for the round it sealed last, whose pot has been charged."""
    if not seat.last_sealed:
        return False
    round_ = project.rounds[seat.last_sealed]
    return (
        round_.charged
        and missed_reveals(round_, project.params.min_seals) > 0
        and is_sealed(round_.slots[seat_id])
    )


def misses_owed(project: Project) -> int:
    """Units that pots have been given and seats have not been debited for yet."""
    return project.params.unit * sum(
        miss_due(project, seat, number) for number, seat in project.seats.items()
    )
