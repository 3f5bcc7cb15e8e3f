"""The tables against the contract's own getters, at the same block: what a node kept back shows here.

Every project that a stretch touched is compared whole, and its rounds by their counters and sum of reveals. Others
take turns, so that an event which some node never mentioned does not stay unnoticed. Nodes that have forgotten the
state of a block are not asked about it; the projects wait for their turn.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

from sqlalchemy import Connection, select

from market.index import schema
from market.index.fold import Fold
from market.index.following import PartialError
from market.index.logs import UNREADABLE
from market.index.port import BlockSource
from market.seals import is_revealed
from market.units import ZERO32

IN_TURN = 4
"""Projects that were not touched and are compared at each step."""


class Audit:
    """Which projects wait to be compared, and which cannot be, since an event of theirs could not be read."""

    def __init__(self, source: BlockSource) -> None:
        self._source = source
        self._waiting: dict[int, None] = {}
        self._given_up: set[int | None] = set()
        self._started = False

    def give_up(self, project: int | None) -> None:
        """An event of the project (None: of any) cannot be read, so tables and contract will differ."""
        self._given_up.add(project)

    def given_up(self, project: int | None) -> bool:
        """Whether the project's tables may lack events that this version cannot read."""
        return None in self._given_up or project in self._given_up

    def start(self, connection: Connection, fold: Fold) -> None:
        """What earlier runs left: events that could not be read, and every project once."""
        if not self._started:
            events = schema.EventRow
            odd = select(events.project).where(events.listed == UNREADABLE).distinct()
            self._given_up |= {project for (project,) in connection.execute(odd)}
            self._waiting = dict.fromkeys(range(1, fold.project_count + 1))
            self._started = True

    def check(
        self,
        connection: Connection,
        fold: Fold,
        block: int,
        touched: Mapping[int, Collection[int]],
        recent: bool,
    ) -> None:
        """PartialError where they differ. `touched`: rounds by project; `recent`: compare all of them now."""
        self._waiting |= dict.fromkeys(touched)
        if self.given_up(None) or (count := self._source.project_count(block)) is None:
            return
        if count != fold.project_count:
            raise PartialError(f"{fold.project_count} projects in the logs, {count} in the contract")
        # a stretch that was given up may have named projects that are not there yet
        others = [project for project in self._waiting if project not in touched and project <= count]
        for project in [*(touched if recent else ()), *others[:IN_TURN]]:
            if not self.given_up(project) and not self._compare(connection, fold, project, block):
                return
            for round_ in touched.get(project, ()):
                self._compare_round(connection, fold, project, round_, block)
            del self._waiting[project]

    def _compare(self, connection: Connection, fold: Fold, project: int, block: int) -> bool:
        """False if the node does not have the state."""
        there = self._source.project(project, block)
        if there is None:
            return False
        here = fold.project_view(connection, project)
        if here != there:
            raise PartialError(
                f"project {project} at block {block}: {here} from logs, {there} in the contract"
            )
        return True

    def _compare_round(
        self, connection: Connection, fold: Fold, project: int, round_: int, block: int
    ) -> None:
        there = self._source.round(project, round_, block) if round_ else None
        if there is None or self.given_up(project):
            return
        facts = fold.project(connection, project).rounds[round_]
        reference = (facts.reference != ZERO32, is_revealed(facts.reference))
        here = (facts.seal_count, facts.reveal_count, *reference, facts.reveal_sum)
        known = (there.seal_count, there.reveal_count, there.reference_sealed, there.reference_revealed)
        if here != (*known, there.reveal_sum):
            where = f"round {project}/{round_} at block {block}"
            raise PartialError(
                f"{where}: {here[:4]} seals, reveals and reference in logs, {known} in the contract"
            )
