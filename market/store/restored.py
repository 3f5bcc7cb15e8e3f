"""A store beside which files lie that were computed here, under the names that somebody announced for them.

A result binds the roots of delta, model and accounts, not the CIDs under which its poster announces them. Who announces
wrong ones, or serves nothing, posts no wrong number and cannot be refuted; whoever recomputes the result has the files
all the same. Every reader of these three checks what it gets against the posted roots, so names are only names.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

from market.cid import parse_cid, too_long, too_short
from market.errors import UnavailableError
from market.ports import Store
from market.store.files import open_regular, publish, read_unchanged, temporary_name, write_synced


class RestoredStore:
    """`inner`, and a folder of files by announced CID that win over it. Everything else is the inner store's."""

    def __init__(self, inner: Store, folder: Path) -> None:
        self._inner, self._folder = inner, folder

    def restore(self, cid: str, path: Path) -> None:
        """From now on `cid` is what lies in the file at `path`. Errors: E140, E150; E130 to E132 for the file."""
        target = self._path(cid)
        self._folder.mkdir(parents=True, exist_ok=True)
        part = self._folder / temporary_name(target.name)
        with open_regular(path) as file:
            write_synced(read_unchanged(file, path), part)
        publish(part, target)

    def put(self, data: bytes | Iterable[bytes]) -> str:
        """See `Store.put`."""
        return self._inner.put(data)

    def put_file(self, path: Path | str) -> str:
        """See `Store.put_file`."""
        return self._inner.put_file(path)

    def get(self, cid: str, max_bytes: int, exact: bool = False) -> Iterator[bytes]:
        """See `Store.get`; what was restored is checked for its length alone."""
        path = self._path(cid)
        return _of_length(path, max_bytes, exact) if path.exists() else self._inner.get(cid, max_bytes, exact)

    def part(self, cid: str, offset: int, size: int) -> bytes:
        """See `Store.part`."""
        path = self._path(cid)
        if not path.exists():
            return self._inner.part(cid, offset, size)
        with open_regular(path) as file:
            file.seek(offset)
            data = file.read(size)
        if len(data) != size:
            raise UnavailableError([f"{cid} as restored ends before byte {offset + size}"])
        return data

    def has(self, cid: str) -> bool:
        """See `Store.has`."""
        return self._path(cid).exists() or self._inner.has(cid)

    def pin(self, cid: str) -> None:
        """See `Store.pin`."""
        if not self._path(cid).exists():
            self._inner.pin(cid)

    def unpin(self, cid: str) -> None:
        """See `Store.unpin`; what was restored is deleted."""
        self._path(cid).unlink(missing_ok=True)
        self._inner.unpin(cid)

    def _path(self, cid: str) -> Path:
        parse_cid(cid)
        return self._folder / cid


def _of_length(path: Path, max_bytes: int, exact: bool) -> Iterator[bytes]:
    with open_regular(path) as file:
        size = file.seek(0, 2)
        file.seek(0)
        if size > max_bytes:
            raise too_long(max_bytes)
        if exact and size < max_bytes:
            raise too_short(size, max_bytes)
        yield from read_unchanged(file, path)
