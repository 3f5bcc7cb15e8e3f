"""Files of right results that their poster does not serve, or announced under wrong names, given back to their readers.

Whoever recomputes a result has its delta, its model and its document. Where the announced name is theirs, the store
gets them and serves everybody; where it is not, this machine's clients find them under it (`market.store.restored`).
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from aggregator.compare import document_for
from aggregator.judge import Judgement, Progress
from aggregator.ledger import Ledger
from market.cid import cid_from_digest, cid_of_file
from market.codec import MODEL, UPDATE
from market.errors import StoreError, UpdateError
from market.events import ResultPosted
from market.history import History
from market.result_document import MAX_BYTES
from market.store.files import temporary_name, write_synced
from market.store.restored import RestoredStore


@dataclass(frozen=True)
class Computed:
    """What a right result should have been published with; files are only read. `d`: coefficients."""

    posted: ResultPosted
    judgement: Judgement
    delta: Path
    model: Path
    d: int


def standing(history: History, newest: bytes) -> list[ResultPosted]:
    """The result with this commitment and all below it, oldest first."""
    chain: list[ResultPosted] = []
    posted = history.posted(newest)
    while posted is not None:
        chain.insert(0, posted)
        posted = history.posted(posted.post.prev_commitment)
    return chain


def restore_standing(
    ledger: Ledger, store: RestoredStore, newest: bytes, folder: Path, progress: Progress = lambda *_: None
) -> dict[int, list[str]]:
    """Recomputes the standing results and restores each once (a mark in `folder` says so): names by round.

    Errors as `Ledger.verify`, `restore`.
    """
    done = {}
    for posted in standing(ledger.history, newest):
        mark = folder / f"{posted.commitment.hex()}.restored"
        if mark.exists():
            continue
        judgement, left = ledger.verify(posted, progress), ledger.below(posted.commitment)
        computed = Computed(posted, judgement, left.deltas[0].path, left.model.path, ledger.shape.d)
        done[posted.round] = restore(store, computed, folder)
        mark.touch()
    return done


def restore(store: RestoredStore, computed: Computed, folder: Path) -> list[str]:
    """Makes delta, model and document readable under their announced names; those that were not. Errors: E143, E150.

    `folder` takes a temporary file.
    """
    done = []
    document = folder / temporary_name("document")
    write_synced([_document(computed)], document)
    try:
        for name, path, size in (
            ("delta", computed.delta, UPDATE.file_bytes(computed.d)),
            ("model", computed.model, MODEL.file_bytes(computed.d)),
            ("document", document, MAX_BYTES),
        ):
            announced = cid_from_digest(getattr(computed.posted.post, f"{name}_digest"), size)
            if _is_served(store, announced, path):
                continue
            if store.put_file(path) != announced:
                store.restore(announced, path)
            done.append(name)
    finally:
        document.unlink(missing_ok=True)
    return done


def _document(computed: Computed) -> bytes:
    delta, model = cid_of_file(computed.delta), cid_of_file(computed.model)
    posted = computed.posted
    return document_for(
        posted.project, posted.round, posted.poster, computed.judgement, delta, model
    ).to_bytes()


def _is_served(store: RestoredStore, cid: str, path: Path) -> bool:
    """Whether the announced object can be had and is what it should be."""
    try:
        with path.open("rb") as file:
            same = all(
                piece == file.read(len(piece)) for piece in store.get(cid, path.stat().st_size, exact=True)
            )
            return same and not file.read(1)
    except (StoreError, UpdateError):
        return False
