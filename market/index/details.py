"""Rows that say what happened when: seals and reveals, posts, holders of seats, money, convictions.

`Details` collects them while events are folded and writes them in bulk. Everything here carries the number of its
block, so a rewind deletes what came later and unsets what was added later; nothing else has to be remembered.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, bindparam, func, select, update

from market import events as ev
from market.index import schema
from market.index.columns import table_of
from market.index.database import insert
from market.index.mirror import Key, Row
from market.index.movements import movements
from market.spec.state import Project
from market.units import NATIVE, ZERO_ADDRESS

SEAT_ROUNDS, RESULTS = table_of(schema.SeatRound), table_of(schema.ResultRowDb)
TENURES, MOVEMENTS = table_of(schema.Tenure), table_of(schema.Movement)
CONVICTIONS, DESCRIPTIONS = table_of(schema.Conviction), table_of(schema.DescriptionRow)
ASKS = table_of(schema.AskRow)
PENDING = "pending"


@dataclass(frozen=True)
class Spot:
    """Where an event stands: block number, position in the block, transaction."""

    number: int
    index: int
    tx: bytes


class Details:
    """Pending rows. `attempts`: how often a result was posted, by (project, round), read when first needed."""

    def __init__(self) -> None:
        self._new: dict[str, dict[Key, Row]] = {}
        self._changes: dict[str, list[Row]] = {}
        self._plain: dict[str, list[Row]] = {}
        self._attempts: dict[Key, int] = {}
        self._cause = b"", ""

    def before(self, connection: Connection, it: Project, event: ev.Event, spot: Spot) -> None:
        """What has to be noted before the fold changes the project."""
        match event:
            case ev.ResultPosted():
                ended = "replaced" if event.round <= it.tip else "displaced"
                self._end(connection, event.project, event.round, ended, spot)
            case ev.ResultConvicted() | ev.ResultCleared():
                ended = "convicted" if isinstance(event, ev.ResultConvicted) else "cleared"
                self._end(connection, event.project, event.round, ended, spot)
            case ev.BondReleased() | ev.RoundFlattened():
                self._end(connection, event.project, event.round, "displaced", spot)
            case ev.TrainerLeft():
                self._left(it, event, spot)
            case ev.StakeAdded():
                self._money(event, it.params.token, spot, it.seat(event.seat).signer)
                return
            case _:
                pass
        self._money(event, it.params.token, spot)

    def after(self, connection: Connection, it: Project, event: ev.Event, spot: Spot) -> None:
        """What follows from the project as the event left it."""
        match event:
            case ev.Sealed():
                self._sealed(it, event, spot)
            case ev.Revealed():
                self._revealed(event, spot)
            case ev.ResultPosted():
                self._posted(connection, event, spot)
            case ev.TrainerRegistered():
                self._registered(it, event, spot)
            case ev.ResultConvicted():
                self._convicted(event, spot)
            case ev.Asked():
                self._asked(connection, event, spot)
            case ev.Answered():
                self._ask_ended(event.id, "answered", event.answerer, spot)
            case ev.AskSettled():
                self._ask_ended(event.id, "settled", "", spot)
                self._cause = spot.tx, f"ask {event.id} without an answer"
            case ev.ResultRefuted():
                self._cause = spot.tx, f"{event.check.name} {event.a} {event.b} {event.c}"
            case ev.ProjectCreated():
                row = {"project": event.project, "number": spot.number, "state": PENDING}
                self._add(DESCRIPTIONS.name, row | {"problem": "", "title": "", "document": None})
            case _:
                pass

    def withdrawn(self, event: ev.Withdrawn, spot: Spot) -> None:
        """A withdrawal belongs to no project."""
        self._money(event, event.token, spot)

    def flush(self, connection: Connection) -> None:
        """Writes everything collected; new rows before changes of older ones."""
        for table in (SEAT_ROUNDS, RESULTS, TENURES, ASKS):
            insert(connection, table, list(self._new.pop(table.name, {}).values()))
            if changes := self._changes.pop(table.name, []):
                _update(connection, table, changes)
        for table in (MOVEMENTS, CONVICTIONS, DESCRIPTIONS):
            insert(connection, table, self._plain.pop(table.name, []))

    # ----- one kind each -----

    def _sealed(self, it: Project, event: ev.Sealed, spot: Spot) -> None:
        number, seat = ev.split_round_seat(event.round_seat)
        place = it.seats[seat]
        empty = dict.fromkeys(("root", "salt", "file_digest", "revealed_number", "revealed_tx"))
        row: Row = {"project": event.project, "round": number, "seat": seat, **empty}
        row |= {"trainer": place.signer, "tenure": len(place.tenures), "seal": event.seal}
        row |= {"sealed_number": spot.number, "sealed_tx": spot.tx}
        self._new.setdefault(SEAT_ROUNDS.name, {})[event.project, number, seat] = row

    def _revealed(self, event: ev.Revealed, spot: Spot) -> None:
        number, seat = ev.split_round_seat(event.round_seat)
        opened: Row = {"root": event.update_root, "salt": event.salt, "file_digest": event.file_digest}
        opened |= {"revealed_number": spot.number, "revealed_tx": spot.tx}
        self._change(SEAT_ROUNDS.name, {"project": event.project, "round": number, "seat": seat}, opened)

    def _posted(self, connection: Connection, event: ev.ResultPosted, spot: Spot) -> None:
        place = (event.project, event.round)
        attempt = self._attempts[place] = self._attempt(connection, *place) + 1
        row: Row = {"project": event.project, "round": event.round, "attempt": attempt}
        row |= {"number": spot.number, "tx": spot.tx, "poster": event.poster, "post": event.post}
        row |= {"commitment": event.commitment, "stands_at": event.stands_at, "merged": event.merged}
        row |= {"ended": None, "ended_number": None, "ended_tx": None}
        row |= {"document": PENDING, "problem": "", "step_squared": None, "mean_agreement": None}
        self._new.setdefault(RESULTS.name, {})[*place, attempt] = row

    def _end(self, connection: Connection, project: int, round_: int, ended: str, spot: Spot) -> None:
        if attempt := self._attempt(connection, project, round_):
            place = {"project": project, "round": round_, "attempt": attempt}
            change = {"ended": ended, "ended_number": spot.number, "ended_tx": spot.tx}
            self._change(RESULTS.name, place, change, once="ended")

    def _attempt(self, connection: Connection, project: int, round_: int) -> int:
        """The newest attempt of a round, 0 if nothing was ever posted."""
        if (project, round_) not in self._attempts:
            newest = select(func.max(RESULTS.c.attempt)).where(
                RESULTS.c.project == project, RESULTS.c.round == round_
            )
            self._attempts[project, round_] = connection.execute(newest).scalar() or 0
        return self._attempts[project, round_]

    def _registered(self, it: Project, event: ev.TrainerRegistered, spot: Spot) -> None:
        tenure = len(it.seats[event.seat].tenures)
        row: Row = {"project": event.project, "seat": event.seat, "tenure": tenure, "signer": event.signer}
        row |= {"payout": event.payout, "joined_number": spot.number, "joined_tx": spot.tx}
        row |= {"left_number": None, "left_tx": None, "evicted": False}
        self._new.setdefault(TENURES.name, {})[event.project, event.seat, tenure] = row

    def _left(self, it: Project, event: ev.TrainerLeft, spot: Spot) -> None:
        tenure = len(it.seats[event.seat].tenures)
        place = {"project": event.project, "seat": event.seat, "tenure": tenure}
        change = {"left_number": spot.number, "left_tx": spot.tx, "evicted": event.evicted}
        self._change(TENURES.name, place, change)

    def _convicted(self, event: ev.ResultConvicted, spot: Spot) -> None:
        row: Row = {"number": spot.number, "log_index": spot.index, "tx": spot.tx}
        row |= {"project": event.project, "round": event.round, "poster": event.poster}
        row["cause"] = self._cause[1] if self._cause[0] == spot.tx else ""
        row |= {"refuter": event.refuter, "to_refuter": event.to_refuter}
        self._add(CONVICTIONS.name, row | {"to_pot": event.to_pot, "to_escrow": event.to_escrow})

    def _asked(self, connection: Connection, event: ev.Asked, spot: Spot) -> None:
        attempt = self._attempt(connection, event.project, event.round)
        row: Row = {"id": event.id, "project": event.project, "round": event.round, "attempt": attempt}
        row |= {"number": spot.number, "tx": spot.tx, "asker": event.asker, "tree": int(event.tree)}
        row |= {"row": event.row, "level": event.level, "node": event.index, "root": event.root}
        row |= {"answer_bytes": event.answer_bytes, "price": event.price, "burned": event.burned}
        row |= {"returned": event.returned, "due": event.due, "answerer": ""}
        row |= {"ended": None, "ended_number": None, "ended_tx": None}
        self._new.setdefault(ASKS.name, {})[event.id,] = row

    def _ask_ended(self, id_: int, ended: str, answerer: str, spot: Spot) -> None:
        change: Row = {"ended": ended, "ended_number": spot.number, "ended_tx": spot.tx, "answerer": answerer}
        self._change(ASKS.name, {"id": id_}, change)

    def _money(self, event: ev.Event, token: str, spot: Spot, signer: str = ZERO_ADDRESS) -> None:
        project = getattr(event, "project", 0)
        for part, moved in enumerate(movements(event, signer)):
            row: Row = {"number": spot.number, "log_index": spot.index, "part": part, "project": project}
            row |= {
                "kind": moved.kind,
                "token": NATIVE if moved.native else token,
                "account": moved.account,
                "amount": moved.amount,
            }
            self._add(MOVEMENTS.name, row | {"seat": moved.seat, "round": moved.round})

    # ----- pending rows -----

    def _add(self, table: str, row: Row) -> None:
        self._plain.setdefault(table, []).append(row)

    def _change(self, table: str, place: Row, change: Row, once: str = "") -> None:
        """Changes a pending row, or plans an update; with `once` only while that column is NULL."""
        pending = self._new.get(table, {}).get(tuple(place.values()))
        if pending is None:
            self._changes.setdefault(table, []).append({"place": place, "change": change, "once": once})
        elif not (once and pending[once] is not None):
            pending.update(change)


def _update(connection: Connection, table: Any, changes: list[Row]) -> None:
    """One statement for all changes of a table, which name the same columns."""
    first = changes[0]
    statement = update(table).values({name: bindparam(f"new_{name}") for name in first["change"]})
    for name in first["place"]:
        statement = statement.where(table.c[name] == bindparam(f"at_{name}"))
    if first["once"]:
        statement = statement.where(table.c[first["once"]].is_(None))
    connection.execute(
        statement,
        [
            {f"new_{k}": v for k, v in change["change"].items()}
            | {f"at_{k}": v for k, v in change["place"].items()}
            for change in changes
        ],
    )
