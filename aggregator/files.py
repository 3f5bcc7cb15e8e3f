"""Update, delta and model files by Merkle root in a folder; each is checked once, when it comes in."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

from aggregator.judge import File
from market.cid import cid_from_digest
from market.codec import MODEL, UPDATE, Kind, check_model_file, check_update_file
from market.fetch import fetch_to_file
from market.history import Reveal
from market.ports import Store

_SUFFIX = {"update": "i16", "model": "i32"}


class Files:
    """Files of one project with `d` coefficients. The folder may be lost: files are fetched again."""

    def __init__(self, store: Store, d: int, folder: Path) -> None:
        self._store = store
        self._d = d
        self._folder = folder
        folder.mkdir(parents=True, exist_ok=True)

    def update(self, reveal: Reveal) -> File:
        """A revealed update, fetched if need be and checked against its CID, length, padding and root.

        Raises UpdateError (E101, E110, E111, E142) for a wrong file, UnavailableError E143.
        """
        return self._fetched(reveal.root, reveal.file_digest, UPDATE)

    def model(self, root: bytes, digest: bytes) -> File:
        """A model by root; `digest` says where it is. Errors as `update`."""
        return self._fetched(root, digest, MODEL)

    def adopt_delta(self, path: Path, root: bytes) -> File:
        """Moves a delta that was computed here to its place."""
        return self._adopt(path, root, "i16")

    def adopt_model(self, path: Path, root: bytes) -> File:
        """Moves a model that was computed here to its place."""
        return self._adopt(path, root, "i32")

    def has(self, root: bytes) -> bool:
        """Whether an update with this root is here."""
        return self._path(root, "i16").exists()

    def adopt_update(self, data: bytes, root: bytes) -> None:
        """Takes the bytes of an update from elsewhere than the store. Raises UpdateError as `update`."""
        part = self._path(root, "i16").with_suffix(".unchecked")
        try:
            part.write_bytes(data)
            check_update_file(part, self._d, root)
            part.replace(self._path(root, "i16"))
        finally:
            part.unlink(missing_ok=True)

    def delta_kept(self, root: bytes) -> File | None:
        """A delta that was adopted before."""
        path = self._path(root, "i16")
        return File(path, root) if path.exists() else None

    def model_kept(self, root: bytes) -> File | None:
        """A model that was adopted before."""
        path = self._path(root, "i32")
        return File(path, root) if path.exists() else None

    def prune(self, wanted: Collection[bytes]) -> None:
        """Deletes all files but those with these roots; what is needed again is fetched again."""
        names = {root.hex() for root in wanted}
        for path in self._folder.iterdir():
            if path.stem not in names:
                path.unlink(missing_ok=True)

    def _fetched(self, root: bytes, digest: bytes, kind: Kind) -> File:
        path = self._path(root, _SUFFIX[kind.name])
        if path.exists():
            return File(path, root)
        part, size = path.with_suffix(".unchecked"), kind.file_bytes(self._d)
        fetch_to_file(self._store, cid_from_digest(digest, size), size, part)
        try:
            (check_update_file if kind is UPDATE else check_model_file)(part, self._d, root)
            part.replace(path)
        finally:
            part.unlink(missing_ok=True)
        return File(path, root)

    def _path(self, root: bytes, suffix: str) -> Path:
        return self._folder / f"{root.hex()}.{suffix}"

    def _adopt(self, path: Path, root: bytes, suffix: str) -> File:
        target = self._path(root, suffix)
        path.replace(target)
        return File(target, root)
