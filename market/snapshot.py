"""What a daemon knows of a project at one moment: the input of `market.duties`, read by getters alone."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Protocol

from market.params import Content, Params
from market.phases import TERMINAL, Phase
from market.records import AggregatorView, ProjectView, ResultView, RoundView, SeatView
from market.refutation import AskView
from market.units import ZERO_ADDRESS


@dataclass(frozen=True)
class ProjectSnapshot:
    """Facts at time `now` (unix seconds; phases are those of `now`).

    `rounds`: at least every round that is not settled, and the head. `results`: those that count among them,
    the newest one that counts, and 0. `slots`: my seat's slot by round, or the reference's where I sign for it. The
    three fields after `seat` and `slots` come from events and result documents, and may be left empty, as may `asks`.
    """

    number: int
    now: int
    params: Params
    project: ProjectView
    rounds: Mapping[int, RoundView]
    results: Mapping[int, ResultView]
    aggregators: Mapping[str, AggregatorView] = field(default_factory=dict)
    me: str = ZERO_ADDRESS
    seat_number: int | None = None
    seat: SeatView | None = None
    slots: Mapping[int, bytes] = field(default_factory=dict)
    stale: frozenset[int] = frozenset()
    """rounds whose stored result no longer counts and still locks a bond"""
    flat_due: frozenset[int] = frozenset()
    """FLAT rounds whose share my seat has not taken"""
    earned: int = 0
    """my seat's cumulative pay under result `last_final`, smallest units"""
    asks: Mapping[int, AskView] = field(default_factory=dict)
    """asks of the project without an answer, by number"""

    def phase(self, round_: int) -> Phase:
        """Phase of a round; one that was not read is settled (FINAL stands for it)."""
        if round_ in self.rounds:
            return self.rounds[round_].phase
        return Phase.NONE if round_ > self.project.head else Phase.FINAL

    def settled(self, round_: int) -> bool:
        """Whether a round is terminal and its pot has been moved."""
        if round_ == 0 or round_ not in self.rounds:
            return round_ <= self.project.head
        view = self.rounds[round_]
        return view.phase in TERMINAL and (view.phase is not Phase.VOID or view.pot == 0)

    def stands(self, round_: int) -> bool:
        """Whether the result of `round_` is STANDING or FINAL; the start always is."""
        return round_ == 0 or self.phase(round_) in (Phase.STANDING, Phase.FINAL)

    def result(self, round_: int) -> ResultView:
        """The result that counts for a round, empty if none does."""
        return self.results.get(round_, ResultView())

    def aggregator(self, account: str) -> AggregatorView:
        """Pool of an account, empty if it was not read."""
        return self.aggregators.get(account, AggregatorView())


READ_ATTEMPTS = 3


class Getters(Protocol):
    """The market's getters as the gateway names them."""

    def params(self, project: int) -> tuple[Params, Content]: ...
    def project(self, project: int) -> ProjectView: ...
    def round(self, project: int, round_: int) -> RoundView: ...
    def result(self, project: int, round_: int) -> ResultView: ...
    def seat(self, project: int, seat: int) -> SeatView: ...
    def slot(self, project: int, round_: int, seat: int) -> bytes: ...
    def seat_index(self, project: int, signer: str) -> int | None: ...
    def aggregator(self, project: int, account: str) -> AggregatorView: ...
    def ask_view(self, id_: int) -> AskView: ...
    def now(self) -> int: ...


def take_snapshot(
    getters: Getters,
    number: int,
    me: str = ZERO_ADDRESS,
    *,
    stale: frozenset[int] = frozenset(),
    flat_due: frozenset[int] = frozenset(),
    earned: int = 0,
    asks: Iterable[int] = (),
) -> ProjectSnapshot:
    """Reads what `duties` needs: two or three calls for each round not settled, one for each of `asks`, a few more.

    Reads are no transaction: when the project changed meanwhile they are made again, at most twice.
    """
    params, content = getters.params(number)
    start = ResultView(model_root=content.model_root)
    for _ in range(READ_ATTEMPTS):
        project = getters.project(number)
        snapshot = _read(getters, number, me, params, start, project)
        if getters.project(number) == project:
            break
    views = {id_: getters.ask_view(id_) for id_ in asks}
    open_asks = {id_: view for id_, view in views.items() if view.due}
    return replace(snapshot, stale=stale, flat_due=flat_due, earned=earned, asks=open_asks)


def _read(
    getters: Getters, number: int, me: str, params: Params, start: ResultView, project: ProjectView
) -> ProjectSnapshot:
    unsettled = range(project.terminal_up_to + 1, project.head + 1)
    rounds = {n: getters.round(number, n) for n in {*unsettled, project.head} - {0}}
    counting = (Phase.PROPOSED, Phase.STANDING, Phase.FINAL)
    wanted = {n for n, view in rounds.items() if view.phase in counting} | {project.last_result}
    results = {n: getters.result(number, n) for n in wanted - {0}} | {0: start}
    posters = {result.poster for result in results.values()} | {me}
    seat_number = None if me == ZERO_ADDRESS else getters.seat_index(number, me)
    # the key of the reference holds no seat
    is_reference = me != ZERO_ADDRESS and me == params.reference_key
    slot = params.seats if is_reference else seat_number
    return ProjectSnapshot(
        number=number,
        now=getters.now(),
        params=params,
        project=project,
        rounds=rounds,
        results=results,
        aggregators={p: getters.aggregator(number, p) for p in posters - {ZERO_ADDRESS}},
        me=me,
        seat_number=seat_number,
        seat=None if seat_number is None else getters.seat(number, seat_number),
        slots={} if slot is None else {n: getters.slot(number, n, slot) for n in rounds},
    )


__all__ = ["Getters", "ProjectSnapshot", "take_snapshot"]
