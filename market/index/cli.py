"""`fairtrain index`: follow a market into a database that pages and tools read."""

from __future__ import annotations

import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from market.cli.context import App, common_options, pass_app

if TYPE_CHECKING:  # the database and the chain client take a second to load
    from market.index.run import Service

F = TypeVar("F", bound=Callable[..., Any])
DATABASE = "FAIRTRAIN_DATABASE"


def database_option(command: F) -> F:
    """Adds --database."""
    return click.option(
        "--database",
        metavar="URL",
        envvar=DATABASE,
        help=f"sqlite:///FILE or postgresql://... ({DATABASE}; default: index.sqlite in the data folder).",
    )(command)


def database_url(app: App, database: str | None) -> str:
    """The option, the variable, else a SQLite file in the data folder."""
    return database or f"sqlite:///{(app.home / 'index.sqlite').absolute()}"


@click.group()
def index() -> None:
    """The chain as tables: what the dashboard and your own tools read."""


@index.command()
@database_option
@click.option(
    "--keep", type=click.IntRange(1, 10_000), default=256, show_default=True, help="Blocks that may go away."
)
@click.option("--once", is_flag=True, help="Catch up and end.")
@common_options
@pass_app
def run(app: App, database: str | None, keep: int, once: bool) -> None:
    """Follow the market's chain until interrupted."""
    with service(app, database, keep) as running:
        running.start()
        app.out.line(f"indexing market {running.source.deployment.market} into {database_url(app, database)}")
        if once:
            running.catch_up()
        else:
            _until_told(running)
        app.out.result(_status(app, database))


@index.command()
@database_option
@click.option(
    "--keep", type=click.IntRange(1, 10_000), default=256, show_default=True, help="Blocks that may go away."
)
@common_options
@pass_app
def rebuild(app: App, database: str | None, keep: int) -> None:
    """Drop everything that follows from the chain and read it again; what you measured yourself stays."""
    from market.index.run import clear_tables

    with service(app, database, keep) as running:
        running.prepare()
        clear_tables(running.engine, running.source.deployment)
        running.start()
        running.catch_up()
        place = running.indexer.place()
        app.out.line(f"rebuilt up to block {place.number if place else 0}")
        app.out.result(_status(app, database))


@index.command()
@database_option
@click.option(
    "--output", type=click.Path(path_type=Path, dir_okay=False), help="File (else standard output)."
)
@click.option(
    "--documents/--no-documents", default=True, show_default=True, help="With what came from the store."
)
@common_options
@pass_app
def dump(app: App, database: str | None, output: Path | None, documents: bool) -> None:
    """Write all tables as canonical lines: two indexes of the same chain give the same bytes."""
    from market.index.queries import open_reader

    with open_reader(database_url(app, database)) as reader:
        if output is None:
            for line in reader.dump(documents):
                sys.stdout.buffer.write(line)
            sys.stdout.buffer.flush()
        else:
            with output.open("wb") as file:
                file.writelines(reader.dump(documents))


@index.command()
@database_option
@common_options
@pass_app
def status(app: App, database: str | None) -> None:
    """How far the index is, and whether it moves."""
    health = _status(app, database)
    lag = f"{health.lag_blocks} blocks behind" if health.lag_blocks else "at the head"
    app.out.line(
        f"{health.state}: block {health.block} of {health.head}, {lag}, last look {health.lag_s} s ago"
    )
    if health.problem:
        app.out.note(health.problem)
    if health.stale:
        app.out.note("stale: nothing was heard from the indexer lately; is `fairtrain index run` running?")
    if health.unknown_events:
        app.out.note(
            f"{health.unknown_events} events are of a newer version; upgrade, then `fairtrain index rebuild`"
        )
    app.out.result(health)


@contextmanager
def service(app: App, database: str | None, keep: int) -> Iterator[Service]:
    """The indexer of this command's chain, store and database; given back at the end."""
    from market.chain.blocks import ChainBlocks
    from market.index.run import Service

    source = ChainBlocks(app.gateway())
    made = Service(database_url(app, database), source, app.store(), keep, say=app.out.note)
    try:
        yield made
    finally:
        made.close()


def _status(app: App, database: str | None) -> Any:
    from market.index.queries import open_reader

    with open_reader(database_url(app, database)) as reader:
        return reader.health()


def _until_told(running: Service) -> None:
    """Until SIGTERM; an interrupt from the keyboard ends the command as usual."""
    told = threading.Event()
    running.sleep = told.wait  # so that a pause ends at once
    before = signal.signal(signal.SIGTERM, lambda number, frame: told.set())
    try:
        running.run(until=told.is_set)
    finally:
        signal.signal(signal.SIGTERM, before)
