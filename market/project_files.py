"""What every participant needs beside the chain: the project's description, and folders and locks of its own."""

from __future__ import annotations

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from market.cid import cid_from_digest
from market.claims import Place
from market.description import MAX_BYTES, Description, parse_published
from market.errors import DocumentError, InputError
from market.fetch import fetch_bytes
from market.params import Content, Params
from market.ports import Store


def description_of(store: Store, params: Params, content: Content) -> Description:
    """The description that the project's creation names, from the store.

    Raises DocumentError E180 (not a description), E184 (another number of parameters than the contract holds),
    UnavailableError E143 if nobody serves it.
    """
    cid = cid_from_digest(content.description_digest, MAX_BYTES)
    description = parse_published(fetch_bytes(store, cid, MAX_BYTES))
    if description.d != params.coefficients:
        raise DocumentError(
            "E184",
            f"description has a model of {description.d} parameters, the contract {params.coefficients}",
        )
    return description


def project_folder(home: Path, place: Place, project: int, role: str) -> Path:
    """Folder of one role in one project; made if it is not there."""
    folder = home / "projects" / f"{place.chain_id}-{place.market[2:10].lower()}-{project}" / role
    folder.mkdir(parents=True, exist_ok=True)
    return folder


@contextmanager
def only_one(folder: Path, what: str) -> Iterator[None]:
    """Holds the folder for this process. Raises InputError E129 while another process holds it."""
    with (folder / "lock").open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise InputError("E129", f"{what} runs already on this machine; stop it first") from None
        yield
