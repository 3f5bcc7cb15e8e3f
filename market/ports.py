"""What the rest of the system needs from the outside world, as protocols with few methods."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Protocol


class Store(Protocol):
    """Content-addressed storage. CIDs are those of `market.cid`; every byte that `get` yields is checked."""

    def put(self, data: bytes | Iterable[bytes]) -> str:
        """Keep an object, given at once or as a stream, and return its CID.

        Errors: E143 the store does not answer, E150 no space. After an error the object is not kept
        (of a broken upload Kubo may keep blocks, each under its own true CID).
        """

    def put_file(self, path: Path | str) -> str:
        """Keep the bytes of a regular file. Errors: those of `put`; E130, E131, E132 for the file."""

    def get(self, cid: str, max_bytes: int, exact: bool = False) -> Iterator[bytes]:
        """Stream an object of at most (with `exact`: exactly) `max_bytes` bytes.

        The last piece comes only after the whole object has proved to be the one that the CID names.
        Errors, some only while reading: E101 length, E110 content, E140 CID, E142 slow, E143 not available.
        """

    def part(self, cid: str, offset: int, size: int) -> bytes:
        """`size` bytes of an object from byte `offset` on, not checked against the CID. Errors: E140, E143."""

    def has(self, cid: str) -> bool:
        """Whether the object is kept here (its content is checked by `get` only). Errors: E140, E143."""

    def pin(self, cid: str) -> None:
        """Keep an object for good, fetching it first where the store has a network. Errors: E140, E143."""

    def unpin(self, cid: str) -> None:
        """Let the store drop an object, now or later; unknown ones are no error. Errors: E140, E143."""
