"""What owners measured on their own data (`project evaluate`): kept beside the chain's facts, and across rebuilds."""

from __future__ import annotations

from sqlalchemy import Connection, Engine, select

from market.errors import InputError
from market.index import schema
from market.index.columns import table_of
from market.index.database import open_writer, upsert
from market.index.migrations import upgrade
from market.index.views import Measurement

MEASUREMENTS = table_of(schema.MeasurementRow)
MILLION = 1_000_000


def add_measurement(engine: Engine, measured: Measurement) -> None:
    """Keeps a figure; a later one of the same round replaces it. InputError E107 for one that no data could give."""
    right = measured.accuracy_ppm
    if not 0 <= right <= MILLION or measured.samples < 1 or measured.project < 1 or measured.round < 0:
        text = f"accuracy {right} ppm of {measured.samples} samples in round {measured.round}"
        raise InputError("E107", f"{text}; 0 to {MILLION} ppm of at least one sample is possible")
    row = {name: getattr(measured, name) for name in MEASUREMENTS.columns.keys()}  # noqa: SIM118
    with engine.begin() as connection:
        upsert(connection, MEASUREMENTS, [row])


def record_measurement(url: str, measured: Measurement) -> None:
    """The same for a command that has only the database's URL; the tables are made where there are none."""
    engine = open_writer(url)
    try:
        upgrade(engine)
        add_measurement(engine, measured)
    finally:
        engine.dispose()


def measurements_of(connection: Connection, project: int) -> list[Measurement]:
    """A project's figures by round."""
    mine = select(MEASUREMENTS).where(MEASUREMENTS.c.project == project).order_by(MEASUREMENTS.c.round)
    return [Measurement(**row) for row in connection.execute(mine).mappings()]
