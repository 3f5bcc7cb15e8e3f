"""The indexer as a process: takes the writer's lock, follows the chain, fetches documents, survives what passes.

A node or a database that does not answer is waited for, with what is wrong written where readers see it (if anything
can be written); another chain (E201), a node whose logs never fit (E202), a reorganisation deeper than what is kept
(E203) and a second indexer (E204) end it.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field

from sqlalchemy import Connection, Engine, delete, select
from sqlalchemy.exc import SQLAlchemyError

from market.chain.deployment import Deployment
from market.errors import ChainError
from market.index import schema
from market.index.columns import table_of
from market.index.database import WriterLock, open_writer, upsert
from market.index.documents import Documents
from market.index.health import BEHIND, FOLLOWING, HALTED
from market.index.indexer import KEEP, Indexer, Step
from market.index.migrations import upgrade
from market.index.port import BlockSource
from market.ports import Store

META, STATUS = table_of(schema.Meta), table_of(schema.Status)
FATAL = frozenset({"E201", "E202", "E203", "E204"})
KEPT_BY_REBUILD = frozenset({"measurements", "status"})
POLL_S, PAUSE_S, MOST_PAUSE_S = 1.0, 0.5, 30.0


@dataclass
class Service:
    """One indexer on one database. `say` gets a line for people when something changes."""

    url: str
    source: BlockSource
    store: Store | None = None
    keep: int = KEEP
    poll_s: float = POLL_S
    say: Callable[[str], None] = lambda line: None
    sleep: Callable[[float], object] = time.sleep
    wall: Callable[[], float] = time.time
    engine: Engine = field(init=False)
    lock: WriterLock = field(init=False)
    indexer: Indexer = field(init=False)
    documents: Documents | None = field(init=False, default=None)
    _pause_s: float = 0.0

    def __post_init__(self) -> None:
        self.engine = open_writer(self.url)
        self.lock = WriterLock(self.engine)
        self.indexer = Indexer(self.engine, self.source, self.keep)
        if self.store is not None:
            self.documents = Documents(self.engine, self.store)

    def prepare(self) -> None:
        """Lock and tables. ChainError E204 (another indexer), E208 (no database)."""
        try:
            self.lock.acquire()
            upgrade(self.engine)
        except SQLAlchemyError as error:
            raise _unanswered(error) from error

    def start(self) -> None:
        """The same, and identity: ChainError E201 if this is the index of another market."""
        self.prepare()
        try:
            with self.engine.begin() as connection:
                claim_market(connection, self.source.deployment)
        except SQLAlchemyError as error:
            raise _unanswered(error) from error

    def close(self) -> None:
        """Ends background work and gives the lock back."""
        if self.documents is not None:
            self.documents.close()
        self.lock.release()
        self.engine.dispose()

    def run(self, until: Callable[[], bool] = lambda: False) -> None:
        """Follows until told to stop. What passes is waited for; ChainError for what does not."""
        while not until():
            self.turn()

    def turn(self) -> Step | None:
        """One step with its waiting and its status; None where something has to pass first."""
        try:
            self.lock.acquire()
            step = self.indexer.step()
            if self.documents is not None:
                self.documents.collect()
                self.documents.start()
            self._report(step, self.source.now())
        except ChainError as error:
            if error.code in FATAL:
                self._note(HALTED, str(error))
                raise
            self._wait(str(error))
            return None
        except SQLAlchemyError as error:
            self._wait(f"the index database does not answer: {_first_line(error)}")
            return None
        self._pause_s = 0.0
        if step is Step.IDLE:
            self.sleep(self.poll_s)
        return step

    def catch_up(self) -> None:
        """Steps until there is nothing new, and fetches what the store serves now."""
        while self.turn() is not Step.IDLE:
            pass
        if self.documents is not None:
            self.documents.fetch_all()

    def _wait(self, problem: str) -> None:
        if self._pause_s == 0.0:
            self.say(problem)
        self._note(BEHIND, problem)
        self._pause_s = min(max(2 * self._pause_s, PAUSE_S), MOST_PAUSE_S)
        self.sleep(self._pause_s)

    def _report(self, step: Step, now: int) -> None:
        place = self.indexer.place()
        number = place.number if place else -1
        state = FOLLOWING if number >= self.indexer.head else BEHIND
        with self.engine.begin() as connection:
            row = {"head": self.indexer.head, "looked_at": int(self.wall()), "chain_time": now}
            upsert(connection, STATUS, [{"id": 1, **row, "state": state, "problem": ""}])
        if step is Step.REWOUND:
            self.say(f"the chain was reorganised: back to block {number}")

    def _note(self, state: str, problem: str) -> None:
        """Tells readers, if the database can be written at all; `looked_at` stays, so that they see it grow old."""
        with suppress(SQLAlchemyError), self.engine.begin() as connection:
            row = connection.execute(select(STATUS)).mappings().first()
            known = dict(row) if row else {"id": 1, "head": 0, "looked_at": 0, "chain_time": 0}
            upsert(connection, STATUS, [{**known, "state": state, "problem": problem[:500]}])


def claim_market(connection: Connection, deployment: Deployment) -> None:
    """Notes whose index this is; ChainError E201 if it is another market's."""
    there, mine = _market_of(connection), _identity(deployment)
    if there is None:
        values = {"chain_id": mine[0], "genesis": mine[1], "market": mine[2], "limits": deployment.limits}
        connection.execute(META.insert().values(id=1, first_block=deployment.block, **values))
    elif there != mine:
        was = f"market {there[2]} of chain {there[0]} (genesis 0x{there[1].hex()[:16]}..)"
        now = f"{mine[2]} of {mine[0]} (genesis {deployment.genesis_hash[:18]}..)"
        raise ChainError(
            "E201", f"chain changed: this index is of {was}, not {now}; use another --database, or rebuild"
        )


def clear_tables(engine: Engine, deployment: Deployment) -> None:
    """Drops everything that follows from a chain; the caller holds the writer's lock.

    What owners measured stays if the tables are of this market: of another one it would be about other projects.
    """
    with engine.begin() as connection:
        same = _market_of(connection) in (None, _identity(deployment))
        for name, table in schema.TABLES.items():
            if not (same and name in KEPT_BY_REBUILD):
                connection.execute(delete(table))


def _identity(deployment: Deployment) -> tuple[int, bytes, str]:
    return deployment.chain_id, bytes.fromhex(deployment.genesis_hash[2:]), deployment.market


def _market_of(connection: Connection) -> tuple[int, bytes, str] | None:
    row = connection.execute(select(META)).mappings().first()
    return None if row is None else (row["chain_id"], row["genesis"], row["market"])


def _unanswered(error: SQLAlchemyError) -> ChainError:
    return ChainError("E208", f"the index database does not answer: {_first_line(error)}; is it running?")


def _first_line(error: SQLAlchemyError) -> str:
    return (str(getattr(error, "orig", None) or error).splitlines() or [""])[0][:200]
