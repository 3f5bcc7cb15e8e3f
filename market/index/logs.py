"""Raw logs as events and as rows; what cannot be read is kept raw and passed over, never a reason to stop."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

from eth_abi.exceptions import DecodingError

from market.chain.artifacts import load_artifact
from market.chain.codec import Interface
from market.events import EVENTS, Event, Revealed, Sealed, split_round_seat
from market.index.mirror import Row

if TYPE_CHECKING:  # the chain client takes a second to load, and readers do without
    from market.chain.blocks import RawLog

ORDINARY, WITHOUT_TABLE, UNREADABLE = 1, 2, 3
"""Values of `events.listed`."""
BULK = (Sealed, Revealed)
MAX_INTEGER = 2**63 - 1
OF_SEATS = {"TrainerRegistered", "StakeAdded", "MissDebited", "Claimed", "FlatClaimed", "TrainerLeft"}
OF_ROUNDS = {
    "RoundOpened",
    "Sealed",
    "Revealed",
    "RoundVoided",
    "RoundFlattened",
    "RoundSkipped",
    "RoundFinalised",
    "ReferenceSealed",
    "ReferenceRevealed",
}
OF_RESULTS = {"ResultPosted", "ResultRefuted", "ResultConvicted", "ResultCleared", "BondReleased"}
OF_ASKS = {"Asked", "Answered", "AskSettled"}
OF_MONEY = {"ProjectFunded", "ProjectRefunded", "BondAdded", "BondRemoved", "Withdrawn"}
TABLED = OF_SEATS | OF_ROUNDS | OF_RESULTS | OF_ASKS | OF_MONEY | {"ProjectCreated", "ProjectStopped"}
"""Kinds whose whole content is on some page: in a table, or read from the raw log as the two of the reference."""


@dataclass(frozen=True)
class ReadLog:
    """A log and what could be made of it: `event` is None for kinds that this version does not know."""

    raw: RawLog
    name: str
    args: dict[str, Any]
    event: Event | None

    @property
    def project(self) -> int | None:
        """The project that it is about, if it names one."""
        return _small(self.args.get("project"))

    def row(self, folded: bool) -> Row:
        """The row of `events`. `folded`: it took effect on the state."""
        raw = self.raw
        listed = ORDINARY if self.name in TABLED else WITHOUT_TABLE
        round_ = self.args.get("round")
        if isinstance(self.event, BULK):
            round_ = split_round_seat(self.event.round_seat)[0]
        return {
            "block_hash": raw.block_hash,
            "log_index": raw.index,
            "number": raw.block,
            "tx": raw.tx,
            "topics": b"".join(raw.topics),
            "data": raw.data,
            "name": self.name,
            "project": self.project,
            "round": _small(round_),
            "listed": None if isinstance(self.event, BULK) else listed if folded else UNREADABLE,
        }


def read_log(raw: RawLog) -> ReadLog:
    """A log with its name, arguments and event, as far as this version knows them."""
    if (quick := _bulk_event(raw)) is not None:
        return ReadLog(raw, type(quick).__name__, {"project": quick.project}, quick)
    name, args = decode(raw.topics, raw.data)
    return ReadLog(raw, name, args, _event(name, args))


def _bulk_event(raw: RawLog) -> Sealed | Revealed | None:
    """Seals and reveals read word by word: an ABI decoder would take longer than all the rest of an event's way.

    None for other events, and for words that are out of their type's range: those go to the decoder.
    """
    cls, bits = _bulk().get(raw.topics[0] if raw.topics else b"", (None, ()))
    if cls is None or len(raw.topics) != 2 or len(raw.data) != 32 * (len(bits) - 1):
        return None
    words = [raw.topics[1], *(raw.data[at : at + 32] for at in range(0, len(raw.data), 32))]
    values: list[Any] = []
    for word, most in zip(words, bits, strict=True):
        number = int.from_bytes(word, "big")
        if most is not None and number >= most:
            return None
        values.append(word if most is None else number)
    return cls(*values)


@cache
def _bulk() -> dict[bytes, tuple[type[Sealed] | type[Revealed], tuple[int | None, ...]]]:
    """Topic, class and bounds of each word (None: bytes32) of the events that come in bulk."""
    found: dict[bytes, tuple[type[Sealed] | type[Revealed], tuple[int | None, ...]]] = {}
    for topic, entry in _interface().events.items():
        for cls in BULK:
            if (
                entry.name == cls.__name__
                and [bool(i.get("indexed")) for i in entry.inputs].index(False) == 1
            ):
                kinds = entry.types
                found[topic] = cls, tuple(None if k == "bytes32" else 1 << int(k[4:]) for k in kinds)
    return found


def decode(topics: tuple[bytes, ...], data: bytes) -> tuple[str, dict[str, Any]]:
    """Event name and arguments by Solidity name; ("", {}) where the ABI has no such event."""
    try:
        return _interface().decode_event(topics, data) or ("", {})
    except (DecodingError, ValueError, TypeError, IndexError, StopIteration):
        return "", {}


def split_topics(topics: bytes) -> tuple[bytes, ...]:
    """Topics as they stand in a row, one after another."""
    return tuple(topics[at : at + 32] for at in range(0, len(topics), 32))


def _event(name: str, args: dict[str, Any]) -> Event | None:
    if name not in EVENTS:
        return None
    try:
        return EVENTS[name].from_abi(list(args.values()))
    except (ValueError, TypeError, KeyError):
        return None


def _small(value: Any) -> int | None:
    return value if isinstance(value, int) and value <= MAX_INTEGER else None


@cache
def _interface() -> Interface:
    return load_artifact("Market").interface
