"""Everything that follows from the chain as canonical bytes: two indexes of the same chain give the same.

Left out: what hangs on when somebody looked (`status`, `undo`, blocks without events), what owners measured, and, on
request, what comes from a store, which may not serve everything to everybody.
"""

from __future__ import annotations

from collections.abc import Iterator

from sqlalchemy import Connection, Table, exists, select

from market.index import schema
from market.index.plain import to_text

LEFT_OUT = frozenset({"status", "undo", "measurements"})
FROM_STORE = frozenset({"result_seats", "result_accounts", "descriptions"})
STORE_COLUMNS = frozenset({"document", "problem", "step_squared", "mean_agreement", "noted_from"})


def dump(connection: Connection, documents: bool = True) -> bytes:
    """One line for each row, `table {json}`, tables by name and rows by primary key."""
    return b"".join(lines(connection, documents))


def lines(connection: Connection, documents: bool = True) -> Iterator[bytes]:
    """The same, line by line."""
    left_out = LEFT_OUT if documents else LEFT_OUT | FROM_STORE
    for name, table in sorted(schema.TABLES.items()):
        if name not in left_out:
            yield from _rows(connection, table, documents)


def _rows(connection: Connection, table: Table, documents: bool) -> Iterator[bytes]:
    statement = select(table).order_by(*table.primary_key.columns)
    if table.name == "blocks":
        events = schema.EventRow
        statement = statement.where(exists(select(events.number).where(events.number == table.c.number)))
    hidden = {"noted_from"} if documents else STORE_COLUMNS
    rows = connection.execute(statement, execution_options={"yield_per": 1_000}).mappings()
    for row in sorted(rows, key=lambda row: row["account"]) if "account" in table.columns else rows:
        values = {name: value for name, value in row.items() if name not in hidden}
        yield f"{table.name} {to_text(list(values.items()))}\n".encode()


__all__ = ["dump", "lines"]
