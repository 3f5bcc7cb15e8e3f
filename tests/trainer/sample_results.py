"""Results with real files for tests of what a trainer believes: updates, delta and model in a store, events on top."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from market.advice import SLOT, START, Advice, proof_of, slot_root
from market.cid import digest
from market.codec import LEAF, MODEL, UPDATE, encode, model_root, update_root
from market.description import Description
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
from market.initial import initial_model
from market.keccak import keccak256
from market.merkle import root_of
from market.params import MINIMAL, Content
from market.records import Post, Roots
from market.result_document import ResultDocument
from market.store.folder import FolderStore

PROJECT, SEATS = 1, 4
POSTER = "0x" + "0b" * 20
FILLER = b"\x11" * 32

Int16 = NDArray[np.int16]


@dataclass
class Results:
    """A project with `description`, and rounds that are posted one on the other."""

    description: Description
    folder: Path
    history: History = field(default_factory=lambda: History(PROJECT))
    round: int = 0
    commitment: bytes = keccak256(b"start")

    def __post_init__(self) -> None:
        self.store = FolderStore(self.folder / "store")
        self.model = initial_model(self.description)
        data = encode(self.model, MODEL)
        content = Content(FILLER, digest(self.store.put(data)), model_root(data))
        params = MINIMAL.project(1_000, self.description.d, seats=SEATS, min_seals=2)
        self.root = content.model_root
        self.history.apply([ProjectCreated(PROJECT, POSTER, params, content)])
        holders = [TrainerRegistered(PROJECT, seat, POSTER, POSTER, 1) for seat in range(SEATS)]
        self.history.apply(holders)

    def update(self, seat: int, scale: int = 50) -> Int16:
        """What a seat sends in the next round."""
        rng = np.random.default_rng([self.round, seat])
        return rng.integers(-scale, scale, self.description.d).astype(np.int16)

    def play(self, updates: Mapping[int, Int16]) -> None:
        """Opens the next round; these seats seal and reveal."""
        self.round += 1
        self.history.apply([RoundOpened(PROJECT, self.round, self.root, 10_000, 0, 0)])
        for seat, values in updates.items():
            data, place = encode(values, UPDATE), round_seat(self.round, seat)
            file = digest(self.store.put(data))
            self.history.apply([Sealed(PROJECT, place, FILLER)])
            self.history.apply([Revealed(PROJECT, place, update_root(data), FILLER, file)])

    def post(
        self,
        delta: Int16,
        model: NDArray[np.int32] | None = None,
        merged: bool = True,
        delta_root: bytes | None = None,
        named_root: bytes | None = None,
        advice: Advice = START,
        said: Advice | None = None,
    ) -> ResultPosted:
        """Posts a delta; `model` (else base + delta), `delta_root`, `named_root` and `said`, the advice of the
        document, are what a liar may change."""
        made = self.model.copy() if model is None else model
        if model is None and merged:
            made[: self.description.d] += delta
        files = encode(delta, UPDATE), encode(made, MODEL)
        slots = [FILLER] * SLOT + [slot_root(advice, SEATS)] + [FILLER] * (63 - SLOT)
        roots = Roots(
            *[FILLER] * 2,
            root_of(slots, 6),
            FILLER,
            bytes(32),
            delta_root or update_root(files[0]),
            named_root or model_root(files[1]),
        )
        post = Post(
            prev_commitment=self.commitment,
            reveal_sum=0,
            reveal_count=SEATS,
            paid=0,
            delta_digest=digest(self.store.put(files[0])),
            model_digest=digest(self.store.put(files[1])),
            document_digest=digest(self.store.put(self._document(said or advice, slots))),
            roots=roots,
            included=(15,),
            rows=(0, 0, 0),
        )
        self.commitment = keccak256(b"result %d %s" % (self.round, roots.model))
        event = ResultPosted(PROJECT, self.round, POSTER, self.commitment, 0, merged, post)
        self.history.apply([event])
        self.model, self.root = made, roots.model
        return event

    def _document(self, advice: Advice, slots: Sequence[bytes]) -> bytes:
        return ResultDocument(
            version=1, project=PROJECT, round=self.round, poster=POSTER, paid="0", delta="", model="", seats=(),
            accounts=(), advice=tuple(advice), advice_proof=tuple(f"0x{x.hex()}" for x in proof_of(slots)),
        ).to_bytes()  # fmt: skip

    def honest_round(self, seats: int = 3) -> tuple[ResultPosted, dict[int, int]]:
        """A round as it should be: the post and the weights."""
        updates = {seat: self.update(seat) for seat in range(seats)}
        weights = dict.fromkeys(updates, 65_535 // seats)
        self.play(updates)
        return self.post(weighted(updates, weights)), weights


def weighted(updates: Mapping[int, Int16], weights: Mapping[int, int]) -> Int16:
    """The delta of protocol section 5."""
    total = sum(weights[seat] * values.astype(np.int64) for seat, values in updates.items())
    return ((total + (1 << 15)) >> 16).astype(np.int16)


def leaf_of(coefficient: int) -> int:
    """Leaf in which a coefficient lies."""
    return coefficient // LEAF
