"""Kinds of columns, and the base of all tables. Integers without a bound are decimal text, records JSON text."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import BigInteger, ColumnElement, LargeBinary, Table, Text, and_, false, or_, text
from sqlalchemy.engine.interfaces import Dialect
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column
from sqlalchemy.types import TypeDecorator

from market.index.plain import from_text, to_text


class Amount(TypeDecorator[int]):
    """An integer of any size as decimal text: exact on every database."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: int | None, dialect: Dialect) -> str | None:
        """Decimal text."""
        return None if value is None else str(value)

    def process_result_value(self, value: Any | None, dialect: Dialect) -> int | None:
        """The integer."""
        return None if value is None else int(value)


class Json(TypeDecorator[Any]):
    """A typed value as canonical JSON text, see `market.index.plain`."""

    impl = Text
    cache_ok = True

    def __init__(self, hint: Any) -> None:
        super().__init__()
        self.hint = hint

    def process_bind_param(self, value: Any | None, dialect: Dialect) -> str | None:
        """JSON text."""
        return None if value is None else to_text(value)

    def process_result_value(self, value: Any | None, dialect: Dialect) -> Any | None:
        """The typed value."""
        return None if value is None else from_text(self.hint, value)


class Rest(TypeDecorator[dict[str, Any]]):
    """Fields of a record that have no column yet, by name, as canonical JSON text of plain values."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: dict[str, Any] | None, dialect: Dialect) -> str | None:
        """JSON text."""
        return None if value is None else json.dumps(value, sort_keys=True, separators=(",", ":"))

    def process_result_value(self, value: Any | None, dialect: Dialect) -> dict[str, Any] | None:
        """Plain values by name."""
        return None if value is None else dict(json.loads(value))


class Raw(LargeBinary):
    """Bytes, handed to the driver as they are: both drivers take and give plain bytes, hashes come by the million."""

    def bind_processor(self, dialect: Dialect) -> None:
        """Nothing to do."""
        return None

    def result_processor(self, dialect: Dialect, coltype: object) -> None:
        """Nothing to do."""
        return None


class Base(DeclarativeBase):
    """All tables. `int` is 64 bits wide unless a column says Amount."""

    type_annotation_map = {int: BigInteger, bytes: Raw, str: Text}  # noqa: RUF012


def amount(**more: Any) -> Mapped[int]:
    """A column of exact integers of any size."""
    return mapped_column(Amount, **more)


def key() -> Mapped[Any]:
    """A part of the primary key that the program chooses."""
    return mapped_column(primary_key=True, autoincrement=False)


def where(condition: str) -> dict[str, Any]:
    """A partial index on both databases."""
    return {"sqlite_where": text(condition), "postgresql_where": text(condition)}


def at_places(
    columns: Sequence[ColumnElement[Any]], places: Iterable[tuple[Any, ...]]
) -> ColumnElement[bool]:
    """Rows whose `columns` are one of `places`: equalities, and a list for the column that varies most.

    A list of row values would say the same; SQLite reads the whole table for one.
    """
    wanted = list(places)
    if not wanted:
        return false()
    spread = [len({place[at] for place in wanted}) for at in range(len(columns))]
    varies = spread.index(max(spread))
    groups: dict[tuple[Any, ...], set[Any]] = {}
    for place in wanted:
        groups.setdefault((*place[:varies], *place[varies + 1 :]), set()).add(place[varies])
    others = [*columns[:varies], *columns[varies + 1 :]]
    alike = (
        and_(
            *(column == value for column, value in zip(others, key, strict=True)),
            columns[varies].in_(sorted(values)),
        )
        for key, values in groups.items()
    )
    return or_(*alike)


def table_of(cls: type[Base]) -> Table:
    """The table of a mapped class, for statements over many rows."""
    table = cls.__table__
    assert isinstance(table, Table)
    return table
