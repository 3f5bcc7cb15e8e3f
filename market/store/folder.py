"""The embedded store: each object is one file named by its CID.

    PATH/objects/<last two characters>/<cid>    whole objects, put there by one rename
    PATH/incoming/                              what is being written; a killed writer leaves its part here

Any number of processes may use one folder: writers never share a name, and a rename over an equal object
changes nothing for those who are reading the old one. Putting an object again repairs a damaged one.
"""

from __future__ import annotations

import time
from collections.abc import Generator, Iterable, Iterator
from pathlib import Path

from market.cid import CHUNK_BYTES, CidBuilder, checked, parse_cid, pieces
from market.errors import StoreError, UnavailableError, UpdateError
from market.store.files import open_regular, publish, read_unchanged, temporary_name, write_synced

STALE_SECONDS = 24 * 3600  # no honest writer takes longer; what is older was left by a killed one


class FolderStore:
    """`market.ports.Store` in a folder, made if it does not exist. Errors: E144 the folder cannot be used."""

    def __init__(self, path: Path | str) -> None:
        self.path = Path(path)
        self._objects = self.path / "objects"
        self._incoming = self.path / "incoming"
        try:
            for folder in (self._objects, self._incoming):
                folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise StoreError("E144", f"bad store: folder {self.path}: {error.strerror}") from error
        self._drop_stale()

    def put(self, data: bytes | Iterable[bytes]) -> str:
        """See `Store.put`. The object is on the disk, synced, when this returns."""
        part = self._incoming / temporary_name()
        builder = CidBuilder()
        try:
            write_synced(_noted(pieces(data), builder), part)
            cid = str(builder.finish())
            publish(part, self._file(cid))
        except OSError as error:
            raise StoreError("E144", f"bad store: {self._reason(error.strerror or str(error))}") from error
        return cid

    def put_file(self, path: Path | str) -> str:
        """See `Store.put_file`."""
        with open_regular(path) as file:
            return self.put(read_unchanged(file, path))

    def get(self, cid: str, max_bytes: int, exact: bool = False) -> Iterator[bytes]:
        """See `Store.get`."""
        return checked(self._read(cid), cid, max_bytes, exact)

    def part(self, cid: str, offset: int, size: int) -> bytes:
        """`size` bytes of an object from byte `offset` on, as this folder has them: not checked against the CID.

        Errors: E143 not here, or shorter.
        """
        try:
            with open_regular(self._file(cid)) as file:
                file.seek(offset)
                data = file.read(size)
        except (UpdateError, OSError) as error:
            raise UnavailableError([self._reason(str(error))]) from error
        if len(data) != size:
            raise UnavailableError([self._reason(f"{cid} ends before byte {offset + size}")])
        return data

    def has(self, cid: str) -> bool:
        """See `Store.has`."""
        path = self._file(cid)
        return path.is_file() and not path.is_symlink()

    def pin(self, cid: str) -> None:
        """See `Store.pin`; a folder keeps everything, so this only checks that the object is there."""
        if not self.has(cid):
            raise UnavailableError([self._reason("not here")])

    def unpin(self, cid: str) -> None:
        """See `Store.unpin`; deletes the object."""
        self._file(cid).unlink(missing_ok=True)

    def _file(self, cid: str) -> Path:
        name = str(parse_cid(cid))  # INVARIANT: only characters of base32 reach the file system
        return self._objects / name[-2:] / name

    def _read(self, cid: str) -> Generator[bytes, None, None]:
        path = self._file(cid)
        try:
            with open_regular(path) as file:
                while piece := file.read(CHUNK_BYTES):
                    yield piece
        except UpdateError as error:
            reason = "not here" if error.code == "E132" else error.text
            raise UnavailableError([self._reason(reason)]) from error
        except OSError as error:
            raise UnavailableError([self._reason(error.strerror or "unreadable")]) from error

    def _reason(self, text: str) -> str:
        return f"folder {self.path}: {text}"

    def _drop_stale(self) -> None:
        oldest = time.time() - STALE_SECONDS
        for part in self._incoming.iterdir():
            try:
                if part.stat().st_mtime < oldest:
                    part.unlink()
            except FileNotFoundError:
                continue  # its writer has just finished, or another process cleans too


def _noted(source: Iterable[bytes], builder: CidBuilder) -> Iterator[bytes]:
    for piece in source:
        builder.update(piece)
        yield piece
