"""A project's history kept in step with the chain: read new logs, start over when the chain was reorganised.

The chain side is a protocol, so nothing here depends on a client library.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol

from market.events import Event
from market.history import History


class LogLike(Protocol):
    """An event with its place."""

    @property
    def event(self) -> Event: ...
    @property
    def block(self) -> int: ...


class EventSource(Protocol):
    """The part of the gateway that this module needs."""

    def block_number(self) -> int:
        """Latest block."""

    def block_hash(self, number: int) -> str:
        """Hash of a block; empty when there is none."""

    def events(self, from_block: int | None, to_block: int | None, project: int | None) -> Iterator[LogLike]:
        """Events in order."""


class Observer:
    """Keeps `history` up to the latest block. One instance belongs to one thread."""

    def __init__(self, chain: EventSource, project: int) -> None:
        self._chain = chain
        self._project = project
        self._read_to: int | None = None
        self._read_hash = ""
        self.history = History(project)

    def refresh(self) -> bool:
        """Folds new blocks in; True if there were any.

        When the last block read is no longer in the chain, everything is read again: histories are small
        beside the work of a round, and a rewind that is never exercised would be wrong when it is needed.
        """
        latest = self._chain.block_number()
        if self._read_to is not None and self._chain.block_hash(self._read_to) != self._read_hash:
            self._read_to, self.history = None, History(self._project)
        if latest == self._read_to:
            return False
        first = None if self._read_to is None else self._read_to + 1
        block_hash = self._chain.block_hash(latest)
        # All or nothing: a node that fails half-way must not leave events that the next look would apply again.
        logs = list(self._chain.events(first, latest, self._project))
        self.history.apply(log.event for log in logs)
        self._read_to, self._read_hash = latest, block_hash
        return True
