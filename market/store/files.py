"""Reading files that others may have placed, and writing files that are whole or absent."""

from __future__ import annotations

import errno
import os
import secrets
import stat
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

from market.cid import CHUNK_BYTES
from market.errors import StoreError, UpdateError

_FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})


def open_regular(path: Path | str) -> BinaryIO:
    """Open a regular file for unbuffered reading, never through a link, never waiting for a FIFO.

    Errors: E130 not a regular file, E132 bad path (characters, length, absent, not readable).
    """
    text = os.fspath(path)
    try:
        text.encode()
        flags = os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK
        descriptor = os.open(text, flags)
    except OSError as error:
        if error.errno in (errno.ELOOP, errno.ENXIO, errno.ENODEV):
            kind = "a symbolic link" if Path(text).is_symlink() else "a device or socket"
            raise _not_regular(text, kind) from None
        raise bad_path(text, (error.strerror or "cannot be opened").lower()) from None
    except ValueError as error:  # NUL, or surrogates that stand for invalid UTF-8
        raise bad_path(text, "not a name in UTF-8 without NUL") from error
    mode = os.fstat(descriptor).st_mode
    if not stat.S_ISREG(mode):
        os.close(descriptor)
        raise _not_regular(text, _kind(mode))
    return open(descriptor, "rb", buffering=0)  # noqa: PTH123 (a descriptor, not a path)


def read_unchanged(file: BinaryIO, path: Path | str) -> Iterator[bytes]:
    """Pieces of an open file up to its present end. Errors: E131 when it changes while it is read."""
    before = os.fstat(file.fileno())
    seen = 0
    while seen < before.st_size:
        piece = file.read(min(CHUNK_BYTES, before.st_size - seen))
        if not piece:
            break
        seen += len(piece)
        if seen == before.st_size:  # before the caller holds the last byte
            _expect_unchanged(file, before, path)
        yield piece
    if seen < before.st_size:
        raise _changed(path)


def bad_path(path: Path | str, reason: str) -> UpdateError:
    """E132 with the path made printable."""
    return UpdateError("E132", f"bad path: {_shown(path)}: {reason}")


def write_synced(pieces: Iterable[bytes], path: Path, need_bytes: int = 0) -> None:
    """Write a new file and sync it to the disk; after any error it is gone.

    `need_bytes`, where known, is for the message. Errors: E150 no space; other OSErrors as they are.
    """
    written = 0
    try:
        with path.open("xb", buffering=0) as file:
            for piece in pieces:
                _write_all(file, piece)
                written += len(piece)
            os.fsync(file.fileno())
    except BaseException as error:
        path.unlink(missing_ok=True)
        if isinstance(error, OSError) and error.errno in _FULL:
            need = str(need_bytes) if need_bytes else f"more than {written}"
            raise StoreError(
                "E150", f"no space: need {need} bytes, have {_free_bytes(path.parent)}"
            ) from error
        raise


def publish(temporary: Path, target: Path) -> None:
    """Rename a synced file to its final name, for good; readers see all or nothing. Errors: OSError."""
    try:
        new_folder = not target.parent.is_dir()
        target.parent.mkdir(exist_ok=True)
        temporary.replace(target)
        _sync_folder(target.parent)
        if new_folder:
            _sync_folder(target.parent.parent)
    finally:
        temporary.unlink(missing_ok=True)


def temporary_name(name: str = "") -> str:
    """A file name that no other writer uses."""
    return f".{name[:100]}.{secrets.token_hex(8)}.part"


def _write_all(file: BinaryIO, piece: bytes) -> None:
    view = memoryview(piece)
    while len(view):
        view = view[file.write(view) :]  # a raw file may take only a part when space runs out


def _sync_folder(folder: Path) -> None:
    """Make a rename survive a power failure, where the file system can."""
    with suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def _free_bytes(folder: Path) -> int:
    figures = os.statvfs(folder)
    return figures.f_bavail * figures.f_frsize


def _expect_unchanged(file: BinaryIO, before: os.stat_result, path: Path | str) -> None:
    now = os.fstat(file.fileno())
    if (now.st_size, now.st_mtime_ns, now.st_ctime_ns) != (
        before.st_size,
        before.st_mtime_ns,
        before.st_ctime_ns,
    ):
        raise _changed(path)


def _changed(path: Path | str) -> UpdateError:
    return UpdateError(
        "E131", f"file changed during read: {_shown(path)}; read it again when its writer is done"
    )


def _not_regular(path: str, kind: str) -> UpdateError:
    return UpdateError("E130", f"not a regular file: {_shown(path)} is {kind}")


def _kind(mode: int) -> str:
    kinds = ((stat.S_ISDIR, "a directory"), (stat.S_ISFIFO, "a FIFO"), (stat.S_ISSOCK, "a socket"))
    return next((name for test, name in kinds if test(mode)), "a device")


def _shown(path: Path | str) -> str:
    """A path for one line of text: escaped, at most 80 characters, its end kept."""
    text = ascii(os.fspath(path))
    return text if len(text) <= 80 else "..." + text[-77:]
