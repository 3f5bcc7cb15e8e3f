"""Append-only journal of signed transactions: written and synced before anything is broadcast.

One file for each chain (by genesis hash) and key, one JSON object a line. A transaction that may have
reached a node is always in the journal, so a restarted process rebroadcasts the *same* bytes and never signs
twice for one intent. A torn last line was never broadcast and is dropped.

States of an intent: signed -> mined | failed (mined, but reverted) | lost (the nonce went elsewhere).
"""

from __future__ import annotations

import fcntl
import json
import os
import threading
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import IO

from market.errors import ChainError

VERSION = 1
SIGNED, MINED, FAILED, LOST = "signed", "mined", "failed", "lost"

ONCE = "once/"
"""Intents of calls that their callers gave no name begin so."""

Key = tuple[str, str]
"""(receiver of the transaction, intent): intents of two markets on one chain are different."""


@dataclass(frozen=True)
class Record:
    """One line; hashes and bytes are 0x-hexadecimal. A fee bump is one more `signed` record of the nonce."""

    intent: str
    state: str
    chain_id: int
    sender: str
    to: str
    """receiver; empty for a deployment"""
    nonce: int
    hash: str
    raw: str = ""
    content: str = ""
    """sha256 of calldata and value: one intent never changes its content"""
    block: int = 0
    version: int = VERSION

    @property
    def key(self) -> Key:
        """What identifies the intent."""
        return self.to.lower(), self.intent


@dataclass
class Intent:
    """Everything the journal knows of one intent: attempts that share the newest nonce, and how it stands."""

    state: str
    attempts: list[Record] = field(default_factory=list)

    @property
    def newest(self) -> Record:
        """The last signed transaction (of several, the one with the highest fee)."""
        return self.attempts[-1]


class Journal:
    """The journal of one key on one chain. `path` None keeps it in memory: no recovery."""

    def __init__(self, path: Path | None, chain_id: int, sender: str) -> None:
        self.path = path
        self.chain_id = chain_id
        self.sender = sender
        self.intents: dict[Key, Intent] = {}
        self._read_to = 0
        self._mutex = threading.RLock()
        if path is not None:
            path.parent.mkdir(parents=True, exist_ok=True)
            with self.locked():
                pass

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Sole use among all threads and processes that share the file; what others wrote is read first."""
        with self._mutex:
            if self.path is None:
                yield
                return
            with self.path.with_suffix(".lock").open("a") as lock:
                fcntl.flock(lock, fcntl.LOCK_EX)
                self._catch_up()
                yield

    @contextmanager
    def once(self, name: str, to: str, content: str) -> Iterator[str]:
        """An intent of its own for a call that its caller gave no name, as long as the block runs.

        If a process was killed while it sent exactly this call (no process owns the intent any more), that
        intent is taken over: who repeats an interrupted command finishes it and does not pay twice.
        """
        with self.locked():
            orphans = (i.newest for i in self.live() if i.newest.key[0] == to.lower())
            same = [r.intent for r in orphans if r.intent.startswith(ONCE) and r.content == content]
            owned = [(intent, file) for intent in same if (file := self._own(intent))]
            for _, file in owned[1:]:
                file.close()
            intent = owned[0][0] if owned else f"{ONCE}{name}/{uuid.uuid4().hex}"
            owner = owned[0][1] if owned else self._own(intent)
        try:
            yield intent
        finally:
            if owner is not None:
                Path(owner.name).unlink(missing_ok=True)
                owner.close()

    def _own(self, intent: str) -> IO[str] | None:
        """A file that is locked until it is closed or this process ends; None while another one has it."""
        if self.path is None:
            return None
        folder = self.path.parent / "running"
        folder.mkdir(exist_ok=True)
        file = (folder / intent.rpartition("/")[2]).open("a")
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            file.close()
            return None
        return file

    def append(self, record: Record) -> None:
        """Adds a record; returns only after it is on disk. Call inside `locked`."""
        if self.path is not None:
            is_new = not self.path.exists()
            with self.path.open("ab") as file:
                file.write(json.dumps(asdict(record)).encode() + b"\n")
                file.flush()
                os.fsync(file.fileno())
                self._read_to = file.tell()
            if is_new:
                _sync_folder(self.path.parent)
        self._apply(record)

    def close_intent(self, key: Key, state: str, record: Record, block: int = 0) -> None:
        """Records that an intent is mined, failed or lost through the attempt `record`."""
        self.append(replace(record, state=state, raw="", block=block))

    def live(self) -> list[Intent]:
        """Intents that may still be mined, by nonce."""
        found = [intent for intent in self.intents.values() if intent.state == SIGNED]
        return sorted(found, key=lambda intent: intent.newest.nonce)

    def _catch_up(self) -> None:
        assert self.path is not None
        if not self.path.exists():
            return
        with self.path.open("rb+") as file:
            file.seek(self._read_to)
            data = file.read()
            whole = data.rfind(b"\n") + 1
            if whole < len(data):
                file.truncate(self._read_to + whole)
        for number, line in enumerate(data[:whole].splitlines(), 1):
            self._apply(self._parse(line, number))
        self._read_to += whole

    def _parse(self, line: bytes, number: int) -> Record:
        try:
            record = Record(**json.loads(line))
        except (ValueError, TypeError) as error:
            at = f"{self.path} line {number} after byte {self._read_to}"
            raise ChainError("E208", f"damaged journal: {at}: {error}; move the file away") from None
        if (record.chain_id, record.sender) != (self.chain_id, self.sender):
            owner = f"chain {record.chain_id} account {record.sender}"
            raise ChainError("E208", f"{self.path} belongs to {owner}, not {self.chain_id} {self.sender}")
        return record

    def _apply(self, record: Record) -> None:
        intent = self.intents.setdefault(record.key, Intent(record.state))
        if record.state == SIGNED:
            if intent.attempts and intent.newest.nonce != record.nonce:
                intent.attempts.clear()
            if record.hash not in {attempt.hash for attempt in intent.attempts}:
                intent.attempts.append(record)
        intent.state = record.state


def journal_path(folder: Path, chain_id: int, genesis_hash: str, sender: str) -> Path:
    """File of a key on a chain; a wiped development chain has another genesis and starts a new file."""
    return folder / f"{chain_id}-{genesis_hash[2:10]}-{sender.lower()}.jsonl"


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
