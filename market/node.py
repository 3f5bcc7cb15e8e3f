"""The loop of every daemon: look at the chain, decide by `market.duties`, act, wait for something to change.

A daemon may be killed at any point: what it knows is on chain, in the store, or made again to the bit, and
transactions are sent once by intent (`market.chain.journal`).
"""

from __future__ import annotations

import logging
import signal
import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from enum import Enum, auto
from types import FrameType
from typing import TYPE_CHECKING

from market.duties import Duty, Kind, advance_duties, final_from, flat_from
from market.errors import ChainError, RefusedError, StoreError
from market.observe import Observer
from market.phases import Phase
from market.snapshot import ProjectSnapshot, take_snapshot

if TYPE_CHECKING:
    from market.chain.gateway import Gateway

log = logging.getLogger(__name__)

REFRESH_SECONDS = 5.0
"""Even when no block comes, time moves phases on a chain that mines on demand."""
GIVE_UP_SECONDS = 300.0
"""A node or store that is away for longer ends the daemon with its exit code; supervisors restart it."""


@dataclass(frozen=True)
class Pace:
    """Seconds. `poll_s`: between looks; `chores_s`: how long calls of anybody are left to others."""

    poll_s: float = 2.0
    chores_s: float = 10.0


class Turn(Enum):
    """What a look at the project led to."""

    ACTED = auto()
    IDLE = auto()
    FINISHED = auto()


class Node(ABC):
    """One role in one project. Subclasses act; `run` loops until `finished` or a signal."""

    def __init__(self, gateway: Gateway, project: int, me: str, pace: Pace) -> None:
        self.gateway = gateway
        self.project = project
        self.me = me
        self.pace = pace
        self.observer = Observer(gateway, project)
        self._stop = threading.Event()
        self._due_since: dict[Duty, float] = {}
        self._warned: set[tuple[str, int, str]] = set()

    @abstractmethod
    def act(self, snapshot: ProjectSnapshot) -> bool:
        """Does what this role's duties ask; True if anything was sent or made."""

    @abstractmethod
    def finished(self, snapshot: ProjectSnapshot) -> bool:
        """Whether nothing is left to do."""

    def earned(self) -> int:
        """Cumulative pay of my seat that is claimable; 0 for roles without a seat."""
        return 0

    def snapshot(self) -> ProjectSnapshot:
        """The project now, with what only the history knows; the history is never older than the snapshot.

        What I am owed is read last: read first, a round that is settled meanwhile would look as if it paid nothing,
        and the daemon would end without its pay.
        """
        self.observer.refresh()
        stale = self.observer.history.stale(self.gateway.project(self.project).tip)
        asks = [number for number, ask in self.observer.history.asks.items() if ask.is_open]
        snapshot = take_snapshot(self.gateway, self.project, self.me, stale=stale, asks=asks)
        self.observer.refresh()
        seat = snapshot.seat_number
        flat_due = frozenset[int]() if seat is None else self.observer.history.flat_due(seat)
        return replace(snapshot, flat_due=flat_due, earned=self.earned())

    def run(self) -> bool:
        """Loops until finished (True) or told to stop (False). Raises the first error that retrying does not mend."""
        with _stopping_on_signals(self._stop):
            for receipt in self.gateway.resume():
                log.info("finished what was under way: %s", receipt.tx_hash)
            away_since: float | None = None
            while not self._stop.is_set():
                try:
                    snapshot = self.snapshot()
                    outcome = self.turn(snapshot)
                    if outcome is Turn.FINISHED:
                        return True
                    away_since = None
                    if outcome is Turn.IDLE:
                        self._wait(snapshot)
                except (ChainError, StoreError) as error:
                    away_since = away_since or time.monotonic()
                    if time.monotonic() - away_since > GIVE_UP_SECONDS:
                        raise
                    log.warning("%s; trying again", error)
                    self._stop.wait(self.pace.poll_s)
            return False

    def send(self, name: str, *args: object, intent: str, value: int = 0) -> bool:
        """Sends a call that others or time may overtake: True if mined; a refusal is logged, not raised."""
        try:
            receipt = self.gateway.send(name, *args, intent=intent, value=value)
        except RefusedError as refusal:
            log.info("%s was refused: %s", name, refusal)
            return False
        log.info("%s (%s gas)", _said(name, intent), f"{receipt.gas_used:,}")
        return True

    def warn(self, duty: Duty) -> None:
        """Says a warning once."""
        key = (duty.kind, duty.round, duty.reason)
        if key not in self._warned:
            self._warned.add(key)
            log.warning("round %d: %s", duty.round, duty.reason)

    def turn(self, snapshot: ProjectSnapshot) -> Turn:
        """What one look at the project leads to; never waits."""
        if self.act(snapshot) or self._chores(snapshot):
            return Turn.ACTED
        return Turn.FINISHED if self.finished(snapshot) else Turn.IDLE

    def _chores(self, snapshot: ProjectSnapshot) -> bool:
        """Calls that anybody may send, after leaving them to others for a while."""
        due = advance_duties(snapshot)
        self._due_since = {duty: self._due_since.get(duty, time.monotonic()) for duty in due}
        ripe = [duty for duty in due if time.monotonic() - self._due_since[duty] >= self.pace.chores_s]
        return bool(ripe) and self._advance(ripe[0])

    def _advance(self, duty: Duty) -> bool:
        # The time makes the intent new: the same call may be due again after a conviction or a re-opening.
        intent = f"{duty.kind}/{self.project}/{duty.round}/{duty.ask or self.gateway.now()}"
        return self.send(str(duty.kind), *duty.arguments(self.project), intent=intent)

    def _wait(self, snapshot: ProjectSnapshot) -> None:
        """Until a new block, the next moment at which time changes something, or REFRESH_SECONDS."""
        started, block = time.monotonic(), self.gateway.block_number()
        until = min(
            (at - snapshot.now for at in moments(snapshot) if at > snapshot.now), default=REFRESH_SECONDS
        )
        waiting = self._due_since and self.pace.chores_s
        limit = min(REFRESH_SECONDS, max(until, self.pace.poll_s), waiting or REFRESH_SECONDS)
        while time.monotonic() - started < limit and not self._stop.wait(self.pace.poll_s):
            if self.gateway.block_number() != block:
                return


def _said(name: str, intent: str) -> str:
    """A call for the log, `round 3: seal`; claims and leaving settle more than one round."""
    return name if name in ("claim", "leave") else f"round {intent.split('/')[2]}: {name}"


def moments(snapshot: ProjectSnapshot) -> Iterator[int]:
    """Seconds at which time alone changes what is due."""
    for number, view in snapshot.rounds.items():
        yield view.commit_end
        yield view.reveal_end
        phase = snapshot.phase(number)
        if phase is Phase.AGGREGATE:
            yield flat_from(snapshot, number)
            since = max(view.reveal_end, snapshot.project.cleared_at)
            yield since + snapshot.params.windows.first_right
        if phase in (Phase.PROPOSED, Phase.STANDING) and number in snapshot.results:
            yield snapshot.results[number].stands_at
            yield final_from(snapshot, number)
    yield from (ask.due for ask in snapshot.asks.values())


@contextmanager
def _stopping_on_signals(stop: threading.Event) -> Iterator[None]:
    """SIGTERM and Ctrl-C end the loop after the step under way; a second Ctrl-C ends at once."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def ask(number: int, _frame: FrameType | None) -> None:
        log.info("stopping (signal %d)", number)
        stop.set()
        signal.signal(signal.SIGINT, signal.default_int_handler)

    before = {number: signal.signal(number, ask) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


__all__ = ["Kind", "Node", "Pace", "Turn", "moments"]
