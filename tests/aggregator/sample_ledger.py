"""A project of four seats in its first round, for tests of a ledger: a store with the first model, events on top."""

from __future__ import annotations

import numpy as np

from market.cid import digest
from market.claims import Place
from market.codec import MODEL, UPDATE, encode, model_root, update_root
from market.events import (
    ProjectCreated,
    ResultPosted,
    Revealed,
    RoundOpened,
    Sealed,
    TrainerRegistered,
    round_seat,
)
from market.history import History
from market.params import MINIMAL, Content
from market.records import Post
from market.result_hash import start_commitment
from market.spec.post import commitment_for
from market.spec.state import State
from market.store.folder import FolderStore

D, SEATS, PROJECT = 1_500, 4, 1
PLACE = Place(31_337, "0x" + "5a" * 20)
POSTER = "0x" + "0b" * 20
MODEL_FILE = encode(np.arange(D, dtype=np.int32), MODEL)
UPDATE_FILE = encode(np.ones(D, dtype=np.int16), UPDATE)
START = start_commitment(PLACE.chain_id, PLACE.market, PROJECT, model_root(MODEL_FILE))
PARAMS = MINIMAL.project(1_000, D, seats=SEATS, min_seals=2)


def sealed_round(store: FolderStore, sealed: int = SEATS) -> History:
    """Round 1, in which the first seats have sealed and nobody has revealed."""
    content = Content(b"\x01" * 32, digest(store.put(MODEL_FILE)), model_root(MODEL_FILE))
    made = History(PROJECT)
    made.apply([ProjectCreated(PROJECT, POSTER, PARAMS, content)])
    made.apply([TrainerRegistered(PROJECT, seat, POSTER, POSTER, 1) for seat in range(SEATS)])
    made.apply([RoundOpened(PROJECT, 1, content.model_root, PARAMS.pot, 1, 2)])
    made.apply([Sealed(PROJECT, round_seat(1, seat), b"\x07" * 32) for seat in range(sealed)])
    return made


def revealed(store: FolderStore, seat: int, data: bytes = UPDATE_FILE) -> Revealed:
    """A seat's reveal of a file that the store has."""
    return Revealed(
        PROJECT, round_seat(1, seat), update_root(data), bytes([seat]) * 32, digest(store.put(data))
    )


def result_of(post: Post) -> ResultPosted:
    """A post of round 1 as the chain tells it; its commitment is right, whatever it says."""
    state = State(PLACE.chain_id, PLACE.market, MINIMAL.limits)
    return ResultPosted(PROJECT, 1, POSTER, commitment_for(state, PROJECT, 1, post, POSTER), 0, True, post)
