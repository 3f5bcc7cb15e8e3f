"""How far the index is, for the footer of every page, `/healthz` and `fairtrain index status`."""

from __future__ import annotations

import time

from sqlalchemy import Connection, Table, func, select, text

from market.index import schema
from market.index.columns import table_of
from market.index.mirror import Row
from market.index.views import Document, Health

META, CURSOR, STATUS = table_of(schema.Meta), table_of(schema.Cursor), table_of(schema.Status)
EVENTS, POSTS, DESCRIPTIONS = (
    table_of(schema.EventRow),
    table_of(schema.ResultRowDb),
    table_of(schema.DescriptionRow),
)
HALTED, FOLLOWING, BEHIND, EMPTY = "halted", "following", "behind", "empty"


def health_of(connection: Connection, stale_s: int, wall: float | None = None) -> Health:
    """The newest state. `wall`: this machine's clock, for tests."""
    clock = int(time.time() if wall is None else wall)
    meta, place, status = (_one(connection, META), _one(connection, CURSOR), _one(connection, STATUS))
    looked, head = status.get("looked_at", 0), status.get("head", 0)
    number = place.get("number", 0)
    state = status.get("state", EMPTY) if place else EMPTY
    return Health(
        chain_id=meta.get("chain_id", 0),
        market=meta.get("market", ""),
        block=number,
        block_hash="0x" + place["hash"].hex() if place else "",
        block_time=place.get("time", 0),
        head=head,
        lag_blocks=max(head - number, 0),
        lag_s=max(clock - looked, 0) if looked else 0,
        now=chain_now(place, status, clock),
        state=state,
        problem=status.get("problem", ""),
        stale=not place or clock - looked > stale_s or state == HALTED,
        unknown_events=connection.execute(
            select(func.count())
            .select_from(EVENTS)
            .where(text(schema.ODD), func.coalesce(EVENTS.c.listed, 0) == 3)
        ).scalar()
        or 0,
        pending_documents=_pending(connection),
        may_change_from=place.get("noted_from", 0),
    )


def chain_now(place: Row, status: Row, clock: int) -> int:
    """Time of the chain's pending block: what it was at the last look, and what has passed since."""
    if not place:
        return clock
    passed = max(clock - int(status.get("looked_at", clock)), 0)
    return max(int(place["time"]), int(status.get("chain_time", 0)) + passed)


def now_of(connection: Connection) -> int:
    """The time that pages are made for."""
    return chain_now(_one(connection, CURSOR), _one(connection, STATUS), int(time.time()))


def version_of(connection: Connection) -> str:
    """Changes whenever anything that pages show does, but for the passing of time."""
    place, status = _one(connection, CURSOR), _one(connection, STATUS)
    measured = connection.execute(
        select(func.count(), func.coalesce(func.max(schema.MeasurementRow.measured_at), 0))
    ).one()
    parts = [
        place["hash"].hex()[:16] if place else "",
        status.get("state", ""),
        _pending(connection),
        *measured,
    ]
    return "-".join(str(part) for part in parts)


def _pending(connection: Connection) -> int:
    results = select(func.count()).select_from(POSTS).where(POSTS.c.document == Document.PENDING.value)
    described = (
        select(func.count()).select_from(DESCRIPTIONS).where(DESCRIPTIONS.c.state == Document.PENDING.value)
    )
    return (connection.execute(results).scalar() or 0) + (connection.execute(described).scalar() or 0)


def _one(connection: Connection, table: Table) -> Row:
    row = connection.execute(select(table)).mappings().first()
    return {} if row is None else dict(row)
