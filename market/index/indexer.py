"""The writer: follows the chain block by block and keeps the tables equal to what a fresh sync would make.

One step reads a stretch of blocks, checks it, folds it and writes rows and cursor in one transaction. Blocks within
`keep` of the head may go away: each of them notes what it changed, so a reorganisation is undone in one transaction
too. What is deeper than that ends with E203, since nothing was noted; a rebuild gives the same tables from logs.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from enum import Enum

from sqlalchemy import Connection, Engine, delete, exists, select

from market.chain.blocks import Header
from market.errors import ChainError
from market.events import ProjectCreated
from market.index import schema
from market.index.audit import Audit
from market.index.columns import table_of
from market.index.database import insert, upsert
from market.index.details import Spot
from market.index.fold import Fold, InconsistentError
from market.index.following import MovedError, PartialError, Stretch, read_recent, read_settled
from market.index.logs import UNREADABLE, ReadLog, read_log
from market.index.mirror import Row
from market.index.port import BlockSource
from market.index.tokens import note_token
from market.index.undo import rewind

CURSOR, BLOCKS, EVENTS, UNDO = (
    table_of(schema.Cursor),
    table_of(schema.Block),
    table_of(schema.EventRow),
    table_of(schema.Undo),
)
KEEP = 256
"""Blocks below the head that may go away."""
RECENT_AT_ONCE = 32
MAX_SPAN = 512
FEW_EVENTS, MANY_EVENTS = 1_000, 5_000
PATIENCE = 3
"""Looks in a row that a node may be behind what it said before it is believed; and tries of a partial answer."""


class Step(Enum):
    """What one step did."""

    ADVANCED = "advanced"
    REWOUND = "rewound"
    RETRY = "retry"
    """the chain moved while it was read, or an answer was partial: step again"""
    IDLE = "idle"
    """nothing new"""


@dataclass(frozen=True)
class Place:
    """The last block that the tables include."""

    number: int
    hash: bytes
    time: int
    noted_from: int
    """the lowest block that can be taken back"""


class Indexer:
    """One market into one database. Made by who holds the writer's lock; belongs to one thread."""

    def __init__(self, engine: Engine, source: BlockSource, keep: int = KEEP) -> None:
        self._engine = engine
        self._source = source
        self._keep = keep
        self._fold: Fold | None = None
        self._audit = Audit(source)
        self._span = 64
        self._behind = self._partial = 0
        self._read_again = False
        self.head = 0
        self.at_fault: Callable[[str], None] = lambda point: None
        """called at named points within a step; tests end the process there"""

    def step(self) -> Step:
        """One look at the chain. Errors: ChainError E201, E202, E203, E206; those of the database as they come."""
        self.head = self._source.head()
        place = self.place()
        try:
            if place is not None and (moved := self._follow_branch(place)) is not None:
                return moved
            stretch = self._next(place)
            if stretch is None:
                return Step.IDLE
            self._write(stretch, stretch.first if place is None else place.noted_from)
        except MovedError:
            self._fold = None
            return Step.RETRY
        except (PartialError, InconsistentError) as error:
            return self._retry_partial(error, place)
        except BaseException:
            self._fold = None  # memory may be ahead of the database now
            raise
        self._partial = 0
        self._read_again &= stretch.last < self.head
        return Step.ADVANCED

    def place(self) -> Place | None:
        """The cursor; None before the first block."""
        with self._engine.connect() as connection:
            row = connection.execute(select(CURSOR)).mappings().first()
        if row is None:
            return None
        return Place(row["number"], row["hash"], row["time"], row["noted_from"])

    # ----- reading -----

    def _next(self, place: Place | None) -> Stretch | None:
        first = self._source.deployment.block if place is None else place.number + 1
        if first > self.head:
            return None
        settled = self.head - self._keep
        if first <= settled:
            stretch = read_settled(self._source, first, min(first + self._span - 1, settled))
            if place is not None:
                self._still(place)
            self._adapt(stretch.events)
            return stretch
        last = min(first + min(self._span, RECENT_AT_ONCE) - 1, self.head)
        stretch = read_recent(self._source, first, last, None if place is None else place.hash)
        self._adapt(stretch.events)
        return stretch

    def _still(self, place: Place) -> None:
        header = self._source.header(place.number)
        if header is None or header.hash != place.hash:
            raise MovedError(f"block {place.number} is no longer 0x{place.hash.hex()}")

    def _adapt(self, events: int) -> None:
        if events < FEW_EVENTS:
            self._span = min(2 * self._span, MAX_SPAN)
        elif events > MANY_EVENTS:
            self._span = max(self._span // 2, 1)

    def _retry_partial(self, error: Exception, place: Place | None) -> Step:
        """Asks again for less; then takes back all that can be, since an earlier answer may have been the false one."""
        self._fold = None
        self._partial += 1
        self._span = max(self._span // 8, 1)
        if self._partial <= PATIENCE:
            return Step.RETRY
        if place is not None and not self._read_again:
            self._read_again, self._partial = True, 0
            return self._rewind(self._lowest(place))
        text = (
            f"the node's logs do not fit together: {error}; try another --rpc, then `fairtrain index rebuild`"
        )
        raise ChainError("E202", text) from error

    # ----- branches -----

    def _follow_branch(self, place: Place) -> Step | None:
        """Rewinds if our last block is no longer in the chain; None if it is."""
        header = self._source.header(place.number)
        if header is not None and header.hash == place.hash:
            self._behind = 0
            return None
        if header is None and self._behind < PATIENCE:
            self._behind += 1  # one of several nodes behind an address may lag: not yet a reorganisation
            return Step.IDLE
        self._behind = 0
        return self._rewind(self._fork(place))

    def _rewind(self, fork: Place) -> Step:
        with self._engine.begin() as connection:
            rewind(connection, fork.number)
            self._set_cursor(connection, fork if fork.hash else None)
            self.at_fault("rewound")
        self._fold = None
        return Step.REWOUND

    def _fork(self, place: Place) -> Place:
        """The newest of our blocks that is still in the chain; below the first block there is only the start."""
        newest_first = select(BLOCKS).order_by(BLOCKS.c.number.desc()).limit(self._keep + 1)
        with self._engine.connect() as connection:
            rows = list(connection.execute(newest_first).mappings())
        for row in rows:
            if row["number"] < place.noted_from - 1:
                break
            header = self._source.header(row["number"])
            if header is not None and header.hash == row["hash"]:
                return Place(header.number, header.hash, header.time, place.noted_from)
        self._source.check()
        if place.noted_from <= self._source.deployment.block:
            return self._lowest(place)
        raise self._too_deep(place)

    def _lowest(self, place: Place) -> Place:
        """How far everything can be taken back: to the block below the lowest note, or to the start."""
        first = self._source.deployment.block
        below = select(BLOCKS).where(BLOCKS.c.number == place.noted_from - 1)
        with self._engine.connect() as connection:
            row = connection.execute(below).mappings().first()
        if row is not None:
            return Place(row["number"], row["hash"], row["time"], place.noted_from)
        if place.noted_from > first:
            raise self._too_deep(place)
        return Place(first - 1, b"", 0, first)

    def _too_deep(self, place: Place) -> ChainError:
        depth = f"deeper than the {self._keep} blocks that are kept"
        text = f"the chain was reorganised below block {place.noted_from}, {depth}"
        return ChainError("E203", f"{text}; run `fairtrain index rebuild`")

    # ----- writing -----

    def _write(self, stretch: Stretch, noted_from: int) -> None:
        with self._engine.begin() as connection:
            fold = self._fold = self._fold or Fold(connection, self._source.deployment)
            self._audit.start(connection, fold)
            touched: dict[int, set[int]] = {}
            for number in sorted(stretch.headers):
                logs = [read_log(raw) for raw in stretch.logs.get(number, [])]
                self._block(connection, fold, stretch.headers[number], logs, touched)
                if stretch.may_go:
                    fold.flush(connection, number)
                    self.at_fault(f"block {number}")
            fold.flush(connection, None)
            self.at_fault("flushed")
            last = stretch.headers[stretch.last]
            self._audit.check(connection, fold, last.number, touched, recent=stretch.may_go)
            noted_from = self._prune(connection, stretch, noted_from)
            self._set_cursor(connection, Place(last.number, last.hash, last.time, noted_from))
            self.at_fault("before commit")
        self.at_fault("committed")

    def _block(
        self,
        connection: Connection,
        fold: Fold,
        header: Header,
        logs: list[ReadLog],
        touched: dict[int, set[int]],
    ) -> None:
        block: Row = {
            "number": header.number,
            "hash": header.hash,
            "parent": header.parent,
            "time": header.time,
        }
        upsert(connection, BLOCKS, [block])
        rows = []
        for log in logs:
            row = log.row(self._apply(connection, fold, header, log))
            rows.append(row)
            if isinstance(log.event, ProjectCreated) and row["listed"] != UNREADABLE:
                note_token(connection, self._source, log.event.params.token, header.number)
            if row["project"] is not None:
                touched.setdefault(row["project"], set()).add(row["round"] or 0)
        insert(connection, EVENTS, rows)

    def _apply(self, connection: Connection, fold: Fold, header: Header, log: ReadLog) -> bool:
        """Whether the event took effect; one that cannot be read leaves its project unaudited from then on."""
        if log.event is None:
            self._audit.give_up(log.project)
            return False
        spot = Spot(log.raw.block, log.raw.index, log.raw.tx)
        try:
            known = fold.apply(connection, log.event, header.time, spot)
        except InconsistentError:
            if not self._audit.given_up(log.project):
                raise
            known = False
        if not known:
            self._audit.give_up(log.project)
        return known

    def _set_cursor(self, connection: Connection, place: Place | None) -> None:
        connection.execute(delete(CURSOR))
        if place is not None:
            connection.execute(CURSOR.insert().values(id=1, **asdict(place)))

    def _prune(self, connection: Connection, stretch: Stretch, noted_from: int) -> int:
        """Forgets notes, and blocks without events, below what may still go away; the new `noted_from`."""
        low = stretch.last - self._keep
        connection.execute(delete(UNDO).where(UNDO.c.number <= low))
        of_block = select(EVENTS.c.number).where(EVENTS.c.number == BLOCKS.c.number)
        left_now = BLOCKS.c.number.between(stretch.first - 1 - self._keep, low - 1)
        connection.execute(delete(BLOCKS).where(left_now, ~exists(of_block)))
        return max(noted_from, low + 1) if stretch.may_go else stretch.last + 1


def wall_clock() -> int:
    """Unix seconds of this machine."""
    return int(time.time())
