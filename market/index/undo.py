"""Taking blocks back: state rows from their noted images, detail rows by the number of their block."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from sqlalchemy import Connection, Table, delete, select, update

from market.index import schema
from market.index.columns import table_of
from market.index.database import upsert
from market.index.mirror import Key, Row

UNDO, EVENTS, BLOCKS = table_of(schema.Undo), table_of(schema.EventRow), table_of(schema.Block)
SEAT_ROUNDS, RESULTS = table_of(schema.SeatRound), table_of(schema.ResultRowDb)
RESULT_SEATS, TENURES = table_of(schema.ResultSeat), table_of(schema.Tenure)
ASKS = table_of(schema.AskRow)
ACCOUNTS = table_of(schema.ResultAccounts)
BY_NUMBER = (
    ASKS,
    table_of(schema.Movement),
    table_of(schema.Conviction),
    table_of(schema.DescriptionRow),
    table_of(schema.TokenRow),
)


def undo_rows(number: int, changed: Iterable[tuple[Table, Key, Row | None, Row | None]]) -> list[Row]:
    """What a block changed, as it was before."""
    return [
        {
            "number": number,
            "seq": seq,
            "table": table.name,
            "place": json.dumps(list(place)),
            "old": None if old is None else _to_text(table, old),
        }
        for seq, (table, place, old, _) in enumerate(changed)
    ]


def rewind(connection: Connection, number: int) -> None:
    """Takes all blocks above `number` back. The cursor is the caller's; all of it in the caller's transaction."""
    newest_first = (
        select(UNDO).where(UNDO.c.number > number).order_by(UNDO.c.number.desc(), UNDO.c.seq.desc())
    )
    # of several images of a row only the oldest counts: it is met last
    oldest = {(row["table"], row["place"]): row["old"] for row in connection.execute(newest_first).mappings()}
    for (name, place), old in oldest.items():
        table = schema.TABLES[name]
        if old is None:
            keys = zip(table.primary_key.columns, json.loads(place), strict=True)
            connection.execute(delete(table).where(*(column == value for column, value in keys)))
        else:
            upsert(connection, table, [_from_text(table, old, connection)])
    _details(connection, number)
    connection.execute(delete(UNDO).where(UNDO.c.number > number))
    connection.execute(delete(EVENTS).where(EVENTS.c.number > number))
    connection.execute(delete(BLOCKS).where(BLOCKS.c.number > number))


def _details(connection: Connection, number: int) -> None:
    later = select(RESULTS.c.project, RESULTS.c.round, RESULTS.c.attempt).where(RESULTS.c.number > number)
    for row in list(connection.execute(later)):
        for table in (ACCOUNTS, RESULT_SEATS, RESULTS):
            mine = (
                table.c.project == row.project,
                table.c.round == row.round,
                table.c.attempt == row.attempt,
            )
            connection.execute(delete(table).where(*mine))
    unset: Row = {"ended": None, "ended_number": None, "ended_tx": None}
    connection.execute(update(RESULTS).where(RESULTS.c.ended_number > number).values(unset))
    connection.execute(delete(TENURES).where(TENURES.c.joined_number > number))
    stays: Row = {"left_number": None, "left_tx": None, "evicted": False}
    connection.execute(update(TENURES).where(TENURES.c.left_number > number).values(stays))
    waits: Row = {"ended": None, "ended_number": None, "ended_tx": None, "answerer": ""}
    connection.execute(update(ASKS).where(ASKS.c.ended_number > number).values(waits))
    for table in BY_NUMBER:
        connection.execute(delete(table).where(table.c.number > number))
    _seat_rounds(connection, number)


def _seat_rounds(connection: Connection, number: int) -> None:
    """By the rounds that were touched: blocks are not worth an index over every seal ever made."""
    touched = select(EVENTS.c.project, EVENTS.c.round).where(
        EVENTS.c.number > number, EVENTS.c.listed.is_(None)
    )
    for project, round_ in list(connection.execute(touched.distinct())):
        mine = (SEAT_ROUNDS.c.project == project, SEAT_ROUNDS.c.round == round_)
        connection.execute(delete(SEAT_ROUNDS).where(*mine, SEAT_ROUNDS.c.sealed_number > number))
        empty: Row = dict.fromkeys(("root", "salt", "file_digest", "revealed_number", "revealed_tx"))
        later = update(SEAT_ROUNDS).where(*mine, SEAT_ROUNDS.c.revealed_number > number)
        connection.execute(later.values(empty))


def _to_text(table: Table, row: Row) -> str:
    """A row's values as the database stores them, bytes as hexadecimal."""
    stored = {}
    for column in table.columns:
        value = row[column.name]
        bind = getattr(column.type, "process_bind_param", None)
        stored[column.name] = bind(value, None) if bind else value
    return json.dumps({k: {"hex": v.hex()} if isinstance(v, bytes) else v for k, v in stored.items()})


def _from_text(table: Table, text: str, connection: Connection) -> Row:
    """The row again, ready to be bound."""
    row: Row = {}
    for name, value in json.loads(text).items():
        plain: Any = bytes.fromhex(value["hex"]) if isinstance(value, dict) else value
        result = getattr(table.columns[name].type, "process_result_value", None)
        row[name] = result(plain, connection.dialect) if result else plain
    return row
