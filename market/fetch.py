"""Checked fetch: bytes from a store or from a user's file, of known length, or a typed refusal.

Callers name what the chain holds (digest and length, hence the CID); who served the bytes does not matter.
No call here reads more than one byte beyond the known length, and no call leaves a partial file.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TypeVar

from market.cid import parse_cid, too_long, too_short
from market.errors import FairtrainError, StoreError, UnavailableError, UpdateError
from market.ports import Store
from market.store.files import bad_path, open_regular, publish, read_unchanged, temporary_name, write_synced

_Result = TypeVar("_Result")

_LOOKS_LIKE = (
    (b"PK\x03\x04", "a PyTorch/zip file"),
    (b"\x80\x02", "a pickle"),
    (b"\x80\x03", "a pickle"),
    (b"\x80\x04", "a pickle"),
    (b"\x80\x05", "a pickle"),
    (b"\x1f\x8b", "a gzip file"),
    (b"\x93NUMPY", "a NumPy .npy file"),
    (b"\x89HDF\r\n", "an HDF5 file"),
)


def fetch_to_file(stores: Store | Sequence[Store], cid: str, size_bytes: int, path: Path | str) -> None:
    """Write the object `cid` of exactly `size_bytes` bytes to `path`, whole or not at all; sources in turn.

    Errors: E101 length, E110 content, E140 CID, E142 too slow, E143 not available, E150 no space;
    OSError when the folder of `path` cannot be written.
    """
    target = Path(path)

    def fetch(store: Store) -> None:
        part = target.parent / temporary_name(target.name)
        write_synced(store.get(cid, size_bytes, exact=True), part, size_bytes)
        publish(part, target)

    _first(stores, cid, fetch)


def fetch_bytes(stores: Store | Sequence[Store], cid: str, max_bytes: int, exact: bool = False) -> bytes:
    """A small object: at most (with `exact`: exactly) `max_bytes` bytes. Errors: as `fetch_to_file`."""
    return _first(stores, cid, lambda store: b"".join(store.get(cid, max_bytes, exact)))


def read_exact_file(path: Path | str, expected_bytes: int) -> bytes:
    """A user's file at once; see `exact_pieces`."""
    return b"".join(exact_pieces(path, expected_bytes))


def exact_pieces(path: Path | str, expected_bytes: int) -> Iterator[bytes]:
    """Pieces of a user's file of exactly `expected_bytes` bytes, at most one chunk (262,144 bytes) each.

    Errors: E101 length (with a hint where the file is of a known kind), E130 not a regular file, E131 changed
    during read (before its last piece), E132 bad path.
    """
    if ".." in Path(path).parts:
        raise bad_path(path, "goes through '..'; name the folder itself")
    with open_regular(path) as file:
        size = file.seek(0, 2)
        file.seek(0)
        if size != expected_bytes:
            error = too_long(expected_bytes) if size > expected_bytes else too_short(size, expected_bytes)
            raise UpdateError(error.code, error.text + _hint(file.read(8)))
        yield from read_unchanged(file, path)


def _hint(first: bytes) -> str:
    for magic, kind in _LOOKS_LIKE:
        if first.startswith(magic):
            return f"; looks like {kind}, but an update is bare int16 numbers: encode it first"
    return ""


def _first(stores: Store | Sequence[Store], cid: str, fetch: Callable[[Store], _Result]) -> _Result:
    """Result of the first source that serves the right bytes.

    When all fail: what is wrong with the object if every source that answered served the same kind of wrong
    bytes, else E143 with a reason for each source, since a later try may succeed.
    """
    parse_cid(cid)
    sources = list(stores) if isinstance(stores, Sequence) else [stores]
    failures: list[FairtrainError] = []
    for store in sources:
        try:
            return fetch(store)
        except UnavailableError as error:
            failures.append(error)
        except StoreError as error:
            if error.code != "E142":
                raise  # no space here: another source does not help
            failures.append(error)
        except UpdateError as error:
            failures.append(error)
    if (
        failures
        and len({error.code for error in failures}) == 1
        and not isinstance(failures[0], UnavailableError)
    ):
        raise failures[0]
    raise UnavailableError([_reason(error) for error in failures])


def _reason(error: FairtrainError) -> str:
    return "; ".join(error.reasons) if isinstance(error, UnavailableError) else str(error)
