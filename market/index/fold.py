"""Events in, rows out: the fold of `market.replay` over records that are read from the tables when first needed.

After each flush the database holds exactly what memory holds, so memory may be dropped at any moment (`Fold` is made
anew after an error or a rewind) and only what was touched is compared and written.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, TypeVar

from sqlalchemy import Connection, Table, delete, select

from market import events as ev
from market.chain.deployment import Deployment
from market.index import schema
from market.index.columns import table_of
from market.index.database import insert, upsert
from market.index.details import Details, Spot
from market.index.mirror import Key, Row, forget_slots, load_asks, load_project, rows_of
from market.index.movements import movements
from market.index.undo import undo_rows
from market.records import ProjectView
from market.replay import Replay
from market.spec import views
from market.spec.state import Project
from market.units import ZERO_ADDRESS

CREDITS, HELD, TOTALS = table_of(schema.Credit), table_of(schema.Held), table_of(schema.Total)
PROJECTS = table_of(schema.ProjectState)
MAX_LOADED = 512
_NOT_LOADED = Project.__new__(Project)
Change = tuple[Table, Key, Row | None, Row | None]
"""Table, primary key, the row before and after; None: there is none."""
K = TypeVar("K")


class Watched(dict[K, int]):
    """Amounts that remember what they were since `changes` was asked last."""

    def __init__(self, start: Mapping[K, int]) -> None:
        super().__init__(start)
        self._before: dict[K, int | None] = {}

    def __setitem__(self, place: K, value: int) -> None:
        self._before.setdefault(place, self.get(place))
        super().__setitem__(place, value)

    def __delitem__(self, place: K) -> None:
        self._before.setdefault(place, self.get(place))
        super().__delitem__(place)

    def pop(self, place: K, *default: Any) -> Any:
        """As of dict."""
        self._before.setdefault(place, self.get(place))
        return super().pop(place, *default)

    def changes(self) -> list[tuple[K, int | None, int | None]]:
        """(key, before, after) of what changed; None: absent."""
        noted, self._before = self._before, {}
        found = [(place, before, self.get(place)) for place, before in noted.items()]
        return [change for change in found if change[1] != change[2]]


class InconsistentError(Exception):
    """An event does not fit what came before: the node kept something back, or a bug."""


class Fold:
    """State of the market up to the cursor, as far as it was needed since it was made."""

    def __init__(self, connection: Connection, deployment: Deployment) -> None:
        self._replay = Replay(deployment.chain_id, deployment.market, deployment.limits)
        self._details = Details()
        self._rows: dict[int, dict[tuple[str, Key], Row]] = {}
        self._touched: dict[int, None] = {}
        self._totals: dict[int, dict[str, int]] = {}
        state = self._replay.state
        count = len(list(connection.execute(select(PROJECTS.c.project))))
        state.projects = [_NOT_LOADED] * count
        credits, held = (
            connection.execute(select(CREDITS)).mappings(),
            connection.execute(select(HELD)).mappings(),
        )
        self._credits: Watched[tuple[str, str]] = Watched(
            {(r["token"], r["account"]): r["amount"] for r in credits}
        )
        self._held: Watched[str] = Watched({row["token"]: row["amount"] for row in held})
        state.credits, state.held = self._credits, self._held

    @property
    def touched(self) -> list[int]:
        """Projects changed since the last flush."""
        return list(self._touched)

    @property
    def project_count(self) -> int:
        """Projects created so far."""
        return len(self._replay.state.projects)

    def project(self, connection: Connection, number: int) -> Project:
        """A project, from memory or tables; InconsistentError if it was never created."""
        projects = self._replay.state.projects
        if not 1 <= number <= len(projects):
            raise InconsistentError(f"project {number} of {len(projects)} was not created in the logs read")
        if projects[number - 1] is _NOT_LOADED:
            self._load(connection, number)
        return projects[number - 1]

    def project_view(self, connection: Connection, number: int) -> ProjectView:
        """What the market's getter says of a project now."""
        self.project(connection, number)
        return views.project_of(self._replay.state, number)

    def apply(self, connection: Connection, event: ev.Event, at: int, spot: Spot) -> bool:
        """Folds an event of a block of time `at` in; False if this version does not know what it means.

        InconsistentError where it does not fit what came before.
        """
        try:
            return self._apply(connection, event, at, spot)
        except KeyError as error:
            if error.args == (type(event),):
                return False
            raise InconsistentError(f"{type(event).__name__} in block {spot.number}: no {error}") from error
        except (IndexError, AttributeError, TypeError, ValueError) as error:
            raise InconsistentError(f"{type(event).__name__} in block {spot.number}: {error}") from error

    def flush(self, connection: Connection, undo_number: int | None) -> None:
        """Writes what changed. `undo_number`: block that the changes are noted under, None if it cannot go away."""
        changed: list[Change] = []
        for number in self._touched:
            changed += self._project_changes(number)
        changed += self._shared_changes()
        if undo_number is not None:
            insert(connection, table_of(schema.Undo), undo_rows(undo_number, changed))
        by_table: dict[Table, list[Row]] = {}
        for table, place, _, new in changed:
            if new is None:
                keys = table.primary_key.columns
                connection.execute(delete(table).where(*(c == v for c, v in zip(keys, place, strict=True))))
            else:
                by_table.setdefault(table, []).append(new)
        for table, rows in by_table.items():
            upsert(connection, table, rows)
        self._details.flush(connection)
        for number in self._touched:
            forget_slots(self._replay.state.projects[number - 1])
        self._touched.clear()
        self._evict()

    # ----- inside -----

    def _apply(self, connection: Connection, event: ev.Event, at: int, spot: Spot) -> bool:
        if isinstance(event, ev.Withdrawn):
            self._replay.apply(event, at)
            self._details.withdrawn(event, spot)
            return True
        number: int = getattr(event, "project")  # noqa: B009
        if isinstance(event, ev.ProjectCreated):
            if number != self.project_count + 1:
                raise InconsistentError(f"project {number} created after {self.project_count} projects")
            self._replay.apply(event, at)
            self._rows[number], self._totals[number] = {}, {}
            it = self._replay.state.projects[number - 1]
        else:
            it = self.project(connection, number)
            signer = it.seat(event.seat).signer if isinstance(event, ev.StakeAdded) else ZERO_ADDRESS
            self._details.before(connection, it, event, spot)
            self._replay.apply(event, at)
            self._add_totals(number, event, signer)
        self._details.after(connection, it, event, spot)
        self._touched.pop(number, None)
        self._touched[number] = None
        return True

    def _add_totals(self, number: int, event: ev.Event, signer: str) -> None:
        totals = self._totals[number]
        for moved in movements(event, signer):
            if moved.native:
                continue
            totals[moved.kind] = totals.get(moved.kind, 0) + moved.amount

    def _load(self, connection: Connection, number: int) -> None:
        project = load_project(connection, number)
        if project is None:
            raise InconsistentError(f"project {number} is missing in the tables")
        self._replay.state.projects[number - 1] = project
        of_mine = select(TOTALS).where(TOTALS.c.project == number)
        self._totals[number] = {row["kind"]: row["amount"] for row in connection.execute(of_mine).mappings()}
        self._replay.state.asks |= load_asks(connection, number, project)
        self._rows[number] = dict(self._rows_of(number, project))

    def _rows_of(self, number: int, project: Project) -> Iterable[tuple[tuple[str, Key], Row]]:
        for mirror, place, row in rows_of(number, project):
            yield (mirror.table.name, place), row
        for kind, amount in self._totals[number].items():
            yield (TOTALS.name, (number, kind)), {"project": number, "kind": kind, "amount": amount}

    def _project_changes(self, number: int) -> list[Change]:
        old = self._rows[number]
        new = dict(self._rows_of(number, self._replay.state.projects[number - 1]))
        self._rows[number] = new
        return _changes(old, new)

    def _shared_changes(self) -> Iterable[Change]:
        for (token, account), before, after in self._credits.changes():
            place: Row = {"token": token, "account": account}
            yield CREDITS, (token, account), _with(place, before), _with(place, after)
        for token, before, after in self._held.changes():
            yield HELD, (token,), _with({"token": token}, before), _with({"token": token}, after)

    def _evict(self) -> None:
        while len(self._rows) > MAX_LOADED:
            number = next(iter(self._rows))
            del self._rows[number]
            state = self._replay.state
            state.projects[number - 1] = _NOT_LOADED
            state.asks = {id_: ask for id_, ask in state.asks.items() if ask.event.project != number}
            del self._totals[number]


def _with(place: Row, amount: int | None) -> Row | None:
    return None if amount is None else {**place, "amount": amount}


def _changes(old: dict[tuple[str, Key], Row], new: dict[tuple[str, Key], Row]) -> list[Change]:
    tables = schema.TABLES
    changed: list[Change] = []
    for place, row in new.items():
        before = old.get(place)
        if before != row:
            changed.append((tables[place[0]], place[1], before, row))
    for place in old.keys() - new.keys():
        changed.append((tables[place[0]], place[1], old[place], None))
    return changed
