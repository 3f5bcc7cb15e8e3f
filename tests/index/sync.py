"""Short ways to run the indexer in tests: no waiting, and kills at named points."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import Connection

from market.index.database import open_readonly
from market.index.dump import dump
from market.index.getters import Getters
from market.index.indexer import Step
from market.index.port import BlockSource
from market.index.run import Service
from market.ports import Store
from market.spec import State, views
from market.units import NATIVE
from tests.index.conftest import sqlite_url


class Killed(BaseException):
    """The process ended here."""


@contextmanager
def service(url: str, source: BlockSource, store: Store | None = None, keep: int = 256) -> Iterator[Service]:
    """A started indexer that never sleeps."""
    made = Service(url, source, store, keep, sleep=lambda seconds: None)
    try:
        made.start()
        yield made
    finally:
        made.close()


def sync(url: str, source: BlockSource, store: Store | None = None, keep: int = 256) -> None:
    """Catches up and ends."""
    with service(url, source, store, keep) as running:
        running.catch_up()


def steps(running: Service) -> list[Step | None]:
    """Turns until nothing is new; what they did."""
    done = []
    while (step := running.turn()) is not Step.IDLE:
        done.append(step)
    return done


@contextmanager
def reading(url: str) -> Iterator[Connection]:
    """A read transaction."""
    engine = open_readonly(url)
    with engine.begin() as connection:
        yield connection
    engine.dispose()


def dumped(url: str, documents: bool = True) -> bytes:
    """The canonical bytes of an index."""
    with reading(url) as connection:
        return dump(connection, documents)


def fresh(tmp_path, source: BlockSource, store: Store | None = None) -> bytes:  # type: ignore[no-untyped-def]
    """The bytes of a new index of the same chain."""
    url = sqlite_url(tmp_path)
    sync(url, source, store)
    return dumped(url)


def differences(ours: bytes, theirs: bytes) -> list[bytes]:
    """Lines that only one of two dumps has, for messages."""
    return sorted(set(ours.splitlines()) ^ set(theirs.splitlines()))[:6]


def assert_getters(url: str, state: State, now: int) -> None:
    """Every getter of the index against the specification's."""
    with reading(url) as connection:
        getters = Getters(connection, now)
        assert getters.held(NATIVE) == state.held.get(NATIVE, 0)
        for (token, account), amount in state.credits.items():
            assert getters.credit(token, account) == amount
        for id_ in range(1, state.ask_count + 2):
            assert getters.ask_view(id_) == views.ask_of(state, id_, now)
        for number, project in enumerate(state.projects, 1):
            assert getters.params(number) == (project.params, project.content)
            assert getters.project(number) == views.project_of(state, number)
            for round_ in range(project.head + 2):
                place = (number, round_)
                assert getters.round(*place) == views.round_of(state, *place, now), place
                assert getters.result(*place) == views.result_of(state, *place, now), place
                for seat in range(project.params.seats + 1):
                    assert getters.slot(*place, seat) == views.slot_of(state, *place, seat)
            for seat in range(project.params.seats):
                assert getters.seat(number, seat) == views.seat_of(state, number, seat)
            for account in project.aggregators:
                assert getters.aggregator(number, account) == views.aggregator_of(state, number, account)
