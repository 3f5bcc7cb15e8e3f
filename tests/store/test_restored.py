"""Restored files beside a store: the shared suite, and names that win over the store's."""

from __future__ import annotations

from pathlib import Path

import pytest

from market.cid import CHUNK_BYTES, cid_of
from market.errors import UnavailableError, UpdateError
from market.store import FolderStore
from market.store.restored import RestoredStore

from .suite import StoreSuite, read

NAME = cid_of(b"announced")


@pytest.fixture
def url(tmp_path: Path) -> str:
    return f"folder:{tmp_path / 'store'}"


@pytest.fixture
def store(url: str, tmp_path: Path) -> RestoredStore:
    return RestoredStore(FolderStore(url.removeprefix("folder:")), tmp_path / "restored")


@pytest.fixture
def data(tmp_path: Path) -> bytes:
    """Content of the file `computed`."""
    data = b"computed" * CHUNK_BYTES
    (tmp_path / "computed").write_bytes(data)
    return data


class TestRestoredStore(StoreSuite):
    """The shared suite: with nothing restored it is the store."""


def test_get_restored_name__is_the_computed_file(store: RestoredStore, data: bytes, tmp_path: Path) -> None:
    store.restore(NAME, tmp_path / "computed")
    assert read(store, NAME, len(data), exact=True) == data
    assert store.part(NAME, 8, 16) == b"computed" * 2
    assert store.has(NAME)
    store.pin(NAME)


def test_get_restored_name_that_is_served_too__restored_wins(
    store: RestoredStore, data: bytes, tmp_path: Path
) -> None:
    assert store.put(b"announced") == NAME
    store.restore(NAME, tmp_path / "computed")
    assert read(store, NAME, len(data)) == data


def test_restore_again__the_last_one_counts(store: RestoredStore, data: bytes, tmp_path: Path) -> None:
    store.restore(NAME, tmp_path / "computed")
    (tmp_path / "computed").write_bytes(b"better")
    store.restore(NAME, tmp_path / "computed")
    assert read(store, NAME) == b"better"


def test_unpin_restored_name__is_forgotten(store: RestoredStore, data: bytes, tmp_path: Path) -> None:
    store.restore(NAME, tmp_path / "computed")
    store.unpin(NAME)
    with pytest.raises(UnavailableError, match="E143"):
        read(store, NAME)


@pytest.mark.parametrize(
    ("spare", "exact", "passes"), [(-1, False, False), (0, True, True), (1, True, False), (1, False, True)]
)
def test_get_restored_of_another_length__refused(
    store: RestoredStore, data: bytes, tmp_path: Path, spare: int, exact: bool, passes: bool
) -> None:
    store.restore(NAME, tmp_path / "computed")
    if passes:
        assert read(store, NAME, len(data) + spare, exact) == data
    else:
        with pytest.raises(UpdateError, match="E101 length"):
            read(store, NAME, len(data) + spare, exact)


@pytest.mark.parametrize(("offset", "passes"), [(-1, True), (0, True), (1, False)])
def test_part_around_the_end__refused_behind_it(
    store: RestoredStore, data: bytes, tmp_path: Path, offset: int, passes: bool
) -> None:
    store.restore(NAME, tmp_path / "computed")
    if passes:
        assert len(store.part(NAME, len(data) - 10 + offset, 10)) == 10
    else:
        with pytest.raises(UnavailableError, match="E143"):
            store.part(NAME, len(data) - 10 + offset, 10)


@pytest.mark.parametrize("name", ["../../etc/passwd", "", cid_of(b"") + "/x"])
def test_restore_bad_name__refused(store: RestoredStore, data: bytes, tmp_path: Path, name: str) -> None:
    with pytest.raises(UpdateError, match="E140 bad CID"):
        store.restore(name, tmp_path / "computed")


def test_restore_from_a_link__refused(store: RestoredStore, data: bytes, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(tmp_path / "computed")
    with pytest.raises(UpdateError, match="E130 not a regular file"):
        store.restore(NAME, tmp_path / "link")
