"""State of a market and the questions that every call asks of it.

Plain data: time, caller and value are arguments, nothing here reads a clock or a chain. Where the contract counts
(active seats, units of missed reveals), this model derives by definition, so that counting is checked by comparing.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from market.errors import RefusedError
from market.params import Content, Limits, Params
from market.phases import ALLOWED, Phase, PhaseFacts, phase_at
from market.seals import is_sealed
from market.units import ZERO32, ZERO_ADDRESS


@dataclass(frozen=True)
class Call:
    """Who calls, when, and how many native coins come along. `now` is the block's timestamp."""

    caller: str
    now: int
    value: int = 0


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
    debited: int = 0
    """units of missed reveals that seats have paid into `pot` before the round was settled"""
    final: bool = False
    flat: bool = False
    voided: bool = False
    flat_share: int = 0
    flat_taken: set[int] = field(default_factory=set)


@dataclass
class Result:
    """What was posted for a round; it counts iff its round is at or below the tip. `depth`: results below it."""

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
    lock: int = 0


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
        """Whether COMMIT of `round_` waits for this seat: it sealed in the round before, or came during it."""
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
class State:
    """A market: limits, projects from 1 up, credits and what is held, by token."""

    chain_id: int
    market: str
    limits: Limits
    projects: list[Project] = field(default_factory=list)
    credits: dict[tuple[str, str], int] = field(default_factory=dict)
    held: dict[str, int] = field(default_factory=dict)

    def add_credit(self, token: str, account: str, amount: int) -> None:
        """Pull payment: `account` may withdraw `amount` more."""
        if amount:
            self.credits[token, account] = self.credits.get((token, account), 0) + amount


def refuse(name: str, **args: object) -> RefusedError:
    """The contract's error `name` with its arguments."""
    return RefusedError(name, args)


def project_at(state: State, project: int) -> Project:
    """The project, or MarketNoProject."""
    if not 1 <= project <= len(state.projects):
        raise refuse("MarketNoProject", project=project)
    return state.projects[project - 1]


def reveal_over(round_: Round, now: int) -> bool:
    """Whether REVEAL has ended (which it does by its deadline or with the last reveal)."""
    return now >= round_.reveal_end


def owes_misses(round_: Round, now: int) -> bool:
    """Whether missed reveals of this round cost a unit: REVEAL over, at least half revealed, not VOID."""
    return reveal_over(round_, now) and round_.reveal_count > 0 and 2 * round_.reveal_count >= round_.seal_count


def misses_open(project: Project, round_: Round, now: int) -> int:
    """Units (smallest units of the token) that belong to the round's pot and are still in seats' stakes."""
    if not owes_misses(round_, now) or phase_of(project, round_.number, now) is Phase.VOID:
        return 0
    return (round_.seal_count - round_.reveal_count - round_.debited) * project.params.unit


def effective_pot(project: Project, round_: Round, now: int) -> int:
    """Stored pot and the units of missed reveals, once REVEAL has ended; 0 for a settled round."""
    if round_.final or round_.flat or round_.voided:
        return 0
    return round_.pot + misses_open(project, round_, now)


def phase_of(project: Project, round_: int, now: int) -> Phase:
    """Phase of a round at `now`."""
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
            voided=facts.voided,
        ),
        now,
    )


def require_phase(project: Project, round_: int, call: str, now: int) -> Round:
    """The round if its phase allows `call`, else MarketWrongPhase."""
    phase = phase_of(project, round_, now)
    allowed = ALLOWED[call]
    if phase not in allowed:
        raise refuse("MarketWrongPhase", round=round_, actual=phase, allowed=sum(1 << p for p in allowed))
    return project.rounds[round_]


def is_terminal(project: Project, round_: int) -> bool:
    """Whether a round is settled for good: FINAL, FLAT, or VOID with its pot moved. The start is."""
    facts = project.rounds.get(round_)
    return round_ == 0 or (facts is not None and (facts.final or facts.flat or facts.voided))


def stands(project: Project, round_: int, now: int) -> bool:
    """Whether the result of `round_` counts and is STANDING or FINAL at `now`; the start always is."""
    if round_ == 0:
        return True
    return phase_of(project, round_, now) in (Phase.STANDING, Phase.FINAL)


def miss_due(project: Project, seat: Seat, seat_id: int, now: int) -> bool:
    """Whether a seat owes a unit for the round it sealed last."""
    if not seat.last_sealed:
        return False
    round_ = project.rounds[seat.last_sealed]
    if not is_sealed(round_.slots.get(seat_id, ZERO32)) or not owes_misses(round_, now):
        return False
    return phase_of(project, round_.number, now) is not Phase.VOID


def missing_stake(project: Project, now: int) -> int:
    """Units that pots count as theirs and seats have not been debited for, over all rounds."""
    return sum(
        project.params.unit
        for seat_id, seat in project.seats.items()
        if seat.signer != ZERO_ADDRESS and miss_due(project, seat, seat_id, now)
    )
