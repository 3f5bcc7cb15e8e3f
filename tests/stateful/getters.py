"""The specification behind the getters that the gateway has."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from market.params import Content, Params
from market.records import AggregatorView, ProjectView, ResultView, RoundView, SeatView
from market.refutation import AskView
from market.spec import State, views


@dataclass
class SpecGetters:
    """The gateway's getters, answered by the specification."""

    state: State
    now_: Callable[[], int]

    def params(self, project: int) -> tuple[Params, Content]:
        it = self.state.projects[project - 1]
        return it.params, it.content

    def project(self, project: int) -> ProjectView:
        return views.project_of(self.state, project)

    def round(self, project: int, round_: int) -> RoundView:
        return views.round_of(self.state, project, round_, self.now_())

    def result(self, project: int, round_: int) -> ResultView:
        return views.result_of(self.state, project, round_, self.now_())

    def seat(self, project: int, seat: int) -> SeatView:
        return views.seat_of(self.state, project, seat)

    def slot(self, project: int, round_: int, seat: int) -> bytes:
        return views.slot_of(self.state, project, round_, seat)

    def seat_index(self, project: int, signer: str) -> int | None:
        held, seat = views.seat_index_of(self.state, project, signer)
        return seat if held else None

    def aggregator(self, project: int, account: str) -> AggregatorView:
        return views.aggregator_of(self.state, project, account)

    def ask_view(self, id_: int) -> AskView:
        return views.ask_of(self.state, id_, self.now_())

    def now(self) -> int:
        return self.now_()
