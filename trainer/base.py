"""The base a trainer starts from, rebuilt by itself: it never trusts a posted model.

Weights made to imprint inputs would make honest updates reveal raw data before anybody can refute them
(threat T17). So the model of a result is rebuilt from the model below it and the two-byte delta, a step
longer than honest updates allow is refused, and a random sample of the delta is recomputed from the public
updates.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from market.advice import START, Advice, checked_advice
from market.cid import cid_from_digest
from market.claims import document_of
from market.codec import LEAF, MODEL, UPDATE, check_root, decode, encode, leaves_of, model_root, update_root
from market.description import Description
from market.errors import ChainError, InputError, VerificationError
from market.events import ResultPosted
from market.fetch import fetch_bytes
from market.history import History
from market.initial import initial_model
from market.ports import Store
from market.store.files import publish, temporary_name, write_synced

SAMPLE_LEAVES = 4
"""Leaves of 1,024 coefficients recomputed in each new result: a lie in half of them is missed in 1 of 16."""

Int16 = NDArray[np.int16]
Int32 = NDArray[np.int32]


class Bases:
    """Models by root, in a folder; each was rebuilt and checked here. Safe to lose: they are made again."""

    def __init__(self, store: Store, description: Description, history: History, folder: Path) -> None:
        self._store = store
        self._description = description
        self._history = history
        self._folder = folder
        folder.mkdir(parents=True, exist_ok=True)

    def first(self, trust_model: bool) -> Int32:
        """The first model, checked against its root.

        Raises InputError E186 unless the description's public seed makes the very same model or
        `trust_model` says that the user knows it.
        """
        content, d = self._history.content, self._description.d
        cid = cid_from_digest(content.model_digest, MODEL.file_bytes(d))
        data = fetch_bytes(self._store, cid, MODEL.file_bytes(d), exact=True)
        check_root(model_root(data), content.model_root)
        known = self._description.initialiser is not None
        if not trust_model and not (known and encode(initial_model(self._description), MODEL) == data):
            raise InputError(
                "E186",
                f"first model 0x{content.model_root.hex()[:16]}.. comes from no public seed and may be built "
                "to extract your data; add --trust-model only if you know where it comes from",
            )
        return self._model(data)

    def model(self, root: bytes, trust_model: bool = False) -> Int32:
        """The model with this root, from the folder or rebuilt along the results that led to it.

        Raises VerificationError if a step is too long or a sample differs, UpdateError if files are wrong.
        """
        root, steps = self._way_to(root)
        kept = self._kept(root)
        model = self._model(kept.read_bytes()) if kept.exists() else self.first(trust_model)
        self._keep(model, kept)
        for post in steps:
            model = self._step(model, post)
            self._keep(model, self._kept(post.post.roots.model))
        return model

    def delta(self, post: ResultPosted) -> Int16:
        """The delta of a result, checked against its root."""
        d = self._description.d
        cid = cid_from_digest(post.post.delta_digest, UPDATE.file_bytes(d))
        data = fetch_bytes(self._store, cid, UPDATE.file_bytes(d), exact=True)
        check_root(update_root(data), post.post.roots.delta)
        return decode(data, d, UPDATE).astype(np.int16)

    def update(self, round_: int, seat: int) -> Int16:
        """A revealed update of any seat, checked against its root on chain."""
        d = self._description.d
        reveal = self._history.round(round_).reveals[seat]
        data = fetch_bytes(self._store, reveal.cid(UPDATE.file_bytes(d)), UPDATE.file_bytes(d), exact=True)
        check_root(update_root(data), reveal.root)
        return decode(data, d, UPDATE).astype(np.int16)

    def advice(self, post: ResultPosted | None) -> Advice:
        """What a result advises for the round on it, checked against its root; the start's without one.

        Raises UpdateError E113 for other numbers than were posted, DocumentError or StoreError without a document.
        """
        if post is None:
            return START
        said = document_of(self._store, post)
        proof = [bytes.fromhex(sibling[2:]) for sibling in said.advice_proof]
        return checked_advice(said.advice, proof, post.post.roots.steps, self._history.params.seats)

    def check_sample(self, post: ResultPosted, weights: Mapping[int, int]) -> None:
        """Recomputes a random sample of a delta from the public updates and the published weights.

        Raises VerificationError at the first coefficient that differs, or for a weight of a seat that did not
        reveal; UpdateError, UnavailableError if delta or updates are wrong or cannot be had.
        """
        if strangers := sorted(weights.keys() - self._history.round(post.round).reveals.keys()):
            raise VerificationError(f"round {post.round}: seat {strangers[0]}", "included", "not revealed")
        delta = self.delta(post)
        leaves = leaves_of(self._description.d)
        picked = sorted(secrets.SystemRandom().sample(range(leaves), min(SAMPLE_LEAVES, leaves)))
        total = np.zeros(self._description.d, dtype=np.int64)
        for seat, weight in weights.items():
            if weight:
                total += weight * self.update(post.round, seat).astype(np.int64)
        expected = (total + (1 << 15)) >> 16
        for leaf in picked:
            part = slice(leaf * LEAF, (leaf + 1) * LEAF)
            wrong = np.flatnonzero(expected[part] != delta[part])
            if len(wrong):
                index = leaf * LEAF + int(wrong[0])
                raise VerificationError(
                    f"round {post.round}: delta, coefficient {index}", int(delta[index]), int(expected[index])
                )

    def _way_to(self, root: bytes) -> tuple[bytes, list[ResultPosted]]:
        """A model that is kept or the first, and the steps from there to the model with this root.

        It follows commitments, which have no cycles. Roots may: an empty step, or a liar who names an old model.
        """
        steps: list[ResultPosted] = []
        post = None if self._is_known(root) else self._maker(root)
        while post is not None:
            if post.merged:
                steps.insert(0, post)
            below = self._history.posted(post.post.prev_commitment)
            root = below.post.roots.model if below else self._history.content.model_root
            post = None if self._is_known(root) else below
        return root, steps

    def _is_known(self, root: bytes) -> bool:
        return root == self._history.content.model_root or self._kept(root).exists()

    def _maker(self, root: bytes) -> ResultPosted:
        post = self._history.posted_model(root)
        if post is not None:
            return post
        raise ChainError("E208", f"no event read so far made the base 0x{root.hex()}; the node may be behind")

    def _step(self, below: Int32, post: ResultPosted) -> Int32:
        delta = self.delta(post).astype(np.int64)
        length, limit = int(np.dot(delta, delta)), self._description.step_limit_squared
        if length > limit:
            raise VerificationError(
                f"round {post.round}: squared length of the step", length, f"at most {limit}"
            )
        bounds = np.iinfo(np.int32)
        model: Int32 = np.clip(below.astype(np.int64) + delta, bounds.min, bounds.max).astype(np.int32)
        computed = model_root(encode(model, MODEL))
        if computed != post.post.roots.model:
            posted = post.post.roots.model.hex()
            raise VerificationError(f"round {post.round}: model root", f"0x{posted}", f"0x{computed.hex()}")
        return model

    def _kept(self, root: bytes) -> Path:
        return self._folder / f"{root.hex()}.i32"

    def _model(self, data: bytes) -> Int32:
        return decode(data, self._description.d, MODEL).astype(np.int32)

    def _keep(self, model: Int32, target: Path) -> None:
        if target.exists():
            return
        part = self._folder / temporary_name(target.name)
        write_synced([encode(model, MODEL)], part)
        publish(part, target)
