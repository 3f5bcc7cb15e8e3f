"""Where objects live: one port (`market.ports.Store`), an embedded folder and Kubo behind it.

The only package that imports ipfshttpclient. Both give one CID for the same bytes, so a project can move.
"""

from __future__ import annotations

from pathlib import Path

from market.errors import StoreError
from market.ports import Store
from market.store.folder import FolderStore

__all__ = ["FolderStore", "open_store"]


def open_store(url: str) -> Store:
    """Open the store that a setting names: `folder:PATH` or `kubo:MULTIADDRESS`.

    Kubo is not contacted yet: a daemon that is down shows at the first call. Errors: E144.
    """
    kind, colon, place = url.partition(":")
    if colon and place and kind == "folder":
        return FolderStore(Path(place).expanduser())
    if colon and place and kind == "kubo":
        from market.store.kubo import KuboStore  # the HTTP client loads only for those who use it

        return KuboStore(place)
    raise StoreError("E144", f"bad store: got {url!r}, expected folder:PATH or kubo:/ip4/127.0.0.1/tcp/5001")
