"""The setting that names a store."""

from __future__ import annotations

from pathlib import Path

import pytest

from market.errors import StoreError
from market.store import FolderStore, open_store
from market.store.kubo import KuboStore


def test_open_store_folder__is_made(tmp_path: Path) -> None:
    store = open_store(f"folder:{tmp_path / 'a' / 'b'}")
    assert isinstance(store, FolderStore)
    assert store.path.is_dir()


def test_open_store_folder_in_home__is_expanded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    store = open_store("folder:~/objects")
    assert isinstance(store, FolderStore)
    assert store.path == tmp_path / "objects"


def test_open_store_kubo__does_not_connect() -> None:
    assert isinstance(open_store("kubo:/ip4/127.0.0.1/tcp/1"), KuboStore)


@pytest.mark.parametrize(
    "url", ["", "folder", "folder:", "kubo:", "ipfs:/x", "/tmp/x", "http://127.0.0.1:5001"]
)
def test_open_store_unknown_form__refuses_e144(url: str) -> None:
    with pytest.raises(StoreError, match=r"E144 bad store: got .* expected folder:PATH or kubo:/ip4"):
        open_store(url)


@pytest.mark.parametrize(
    "address", ["127.0.0.1:5001", "/ip4/127.0.0.1", "/ip4/1.2.3.4.5/tcp/1", "/ip4/127.0.0.1/tcp/x"]
)
def test_open_store_kubo_bad_address__refuses_e144(address: str) -> None:
    with pytest.raises(StoreError, match=r"E144 bad store: .* is not an address like"):
        open_store("kubo:" + address)
