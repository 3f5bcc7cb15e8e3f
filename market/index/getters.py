"""The market's getters, answered from tables: names and records of the gateway's, at a time of the caller's choice.

They are those of `market.spec.views` over records that are read once for each project, so that pages, snapshots and
duties come from the code that the daemons use too.
"""

from __future__ import annotations

from sqlalchemy import Connection, select

from market.errors import ChainError
from market.index import schema
from market.index.columns import table_of
from market.index.mirror import load_asks, load_project
from market.params import Content, Params
from market.records import AggregatorView, ProjectView, ResultView, RoundView, SeatView
from market.refutation import AskView
from market.snapshot import ProjectSnapshot, take_snapshot
from market.spec import views
from market.spec.state import Project, State
from market.units import ZERO32

META, SEAT_ROUNDS = table_of(schema.Meta), table_of(schema.SeatRound)
CREDITS, HELD = table_of(schema.Credit), table_of(schema.Held)


class Getters:
    """Answers at `at` (unix seconds). One instance belongs to one read transaction."""

    def __init__(self, connection: Connection, at: int) -> None:
        self._connection = connection
        self._at = at
        self._states: dict[int, State] = {}

    def record(self, project: int) -> Project:
        """The project's record; ChainError E205 if there is none."""
        return self._state(project).projects[project - 1]

    def params(self, project: int) -> tuple[Params, Content]:
        """What it fixed at creation."""
        it = self.record(project)
        return it.params, it.content

    def project(self, project: int) -> ProjectView:
        """Facts of a project."""
        return views.project_of(self._state(project), project)

    def round(self, project: int, round_: int) -> RoundView:
        """Facts of a round."""
        return views.round_of(self._state(project), project, round_, self._at)

    def result(self, project: int, round_: int) -> ResultView:
        """The result that counts."""
        return views.result_of(self._state(project), project, round_, self._at)

    def seat(self, project: int, seat: int) -> SeatView:
        """Facts of a seat."""
        return views.seat_of(self._state(project), project, seat)

    def seat_index(self, project: int, signer: str) -> int | None:
        """The seat that `signer` holds."""
        held, seat = views.seat_index_of(self._state(project), project, signer)
        return seat if held else None

    def aggregator(self, project: int, account: str) -> AggregatorView:
        """A pool of bonds."""
        return views.aggregator_of(self._state(project), project, account)

    def ask_view(self, id_: int) -> AskView:
        """An ask without an answer; empty for others."""
        asks = table_of(schema.AskRow)
        project = self._connection.execute(select(asks.c.project).where(asks.c.id == id_)).scalar()
        return AskView() if project is None else views.ask_of(self._state(project), id_, self._at)

    def slot(self, project: int, round_: int, seat: int) -> bytes:
        """32 bytes: zero empty, a seal, or the revealed root; at the seat limit the reference's."""
        it = self.record(project)
        if seat == it.params.seats:
            return it.rounds[round_].reference if round_ in it.rounds else ZERO32
        mine = select(SEAT_ROUNDS.c.seal, SEAT_ROUNDS.c.root).where(
            SEAT_ROUNDS.c.project == project, SEAT_ROUNDS.c.round == round_, SEAT_ROUNDS.c.seat == seat
        )
        row = self._connection.execute(mine).first()
        return ZERO32 if row is None else bytes(row.root or row.seal)

    def credit(self, token: str, account: str) -> int:
        """What an account may withdraw."""
        mine = select(CREDITS.c.amount).where(CREDITS.c.token == token, CREDITS.c.account == account)
        return self._connection.execute(mine).scalar() or 0

    def held(self, token: str) -> int:
        """What entered less what left."""
        return self._connection.execute(select(HELD.c.amount).where(HELD.c.token == token)).scalar() or 0

    def now(self) -> int:
        """The time that everything here is answered at."""
        return self._at

    def snapshot(self, project: int) -> ProjectSnapshot:
        """What a daemon would see."""
        it = self.record(project)
        stale = frozenset(number for number in it.results if number > it.tip)
        return take_snapshot(self, project, stale=stale, asks=sorted(self._state(project).asks))

    def _state(self, number: int) -> State:
        if number not in self._states:
            meta = self._connection.execute(select(META)).mappings().first()
            it = load_project(self._connection, number)
            if meta is None or it is None:
                raise ChainError(
                    "E205", f"project {number} is not in the index; see `fairtrain project list`"
                )
            state = State(meta["chain_id"], meta["market"], meta["limits"])
            state.projects = [it] * number  # views ask for this one alone
            state.asks = load_asks(self._connection, number, it)
            self._states[number] = state
        return self._states[number]
