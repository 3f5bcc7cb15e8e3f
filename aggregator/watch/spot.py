"""Spot checks of large models: all numbers that follow from sketches, and a drawn part of the sketches.

The poster's document names a file of all running sums, some 3 % of the updates. It is believed only if the
sketch tree over it has the posted root; then Gram matrix, steps, accounts and pay are computed from the last
sums and compared, and segments are drawn in proportion to the squared increments of the sums: a lie that moves
a sketch has large increments, while uniform samples would miss it. Leaves of the delta are drawn too; the model
is computed from it. Whatever looks wrong is left to a whole audit, which finds what convicts.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from aggregator.accounts import next_accounts
from aggregator.aggregate import moved, rounded, scaled_sum
from aggregator.decide import decide
from aggregator.judge import File, RoundInputs
from aggregator.ledger import Below, Ledger, choice_of
from aggregator.refute.proof_tree import Group, Leaves, ProofTree
from aggregator.rows import COLUMNS, DELTAS, SEGMENT, Shape
from aggregator.sketch import Sketcher
from aggregator.state import state_of
from aggregator.steps import View
from aggregator.trees import gram_root, step_roots, steps_root
from market.cid import cid_from_digest
from market.claims import Place, document_of, opening_from
from market.codec import LEAF, MODEL, UPDATE, check_root, file_root, leaves_of
from market.errors import FairtrainError
from market.events import ResultPosted
from market.fetch import fetch_to_file
from market.ports import Store
from market.result_document import accounts_tree

_BLOCK: Final = 256
"""Leaves of the model that are looked at together."""
_LEAST: Final = 1e-300
"""Weight of a segment without increment: what an exponential draw can be divided by."""


@dataclass
class SpotCheck:
    """One posted result. `fraction`: of all segments, and of the leaves of the delta, that is recomputed."""

    ledger: Ledger
    store: Store
    place: Place
    posted: ResultPosted
    folder: Path
    fraction: float

    def look(self) -> str:
        """Why the result needs a whole audit; empty if nothing was seen, and then rounds above may build on it.

        Raises what `Ledger.below` raises.
        """
        posted, ledger = self.posted, self.ledger
        opening_from(self.place, posted)
        below = ledger.below(posted.post.prev_commitment)
        choice, size = choice_of(posted), UPDATE.file_bytes(ledger.shape.d)
        try:
            ledger.check_choice(posted.round, choice, below)
            # Paths of updates are CIDs here: nothing reads them as files.
            inputs = ledger.inputs(
                posted.round, choice, below, posted.poster, lambda r: File(Path(r.cid(size)), r.root)
            )
            return self._look(inputs, below)
        except (FairtrainError, OSError) as error:
            return f"cannot be checked in part: {error}"

    def _look(self, inputs: RoundInputs, below: Below) -> str:
        present = sorted({**inputs.updates, **inputs.public})
        self.folder.mkdir(parents=True, exist_ok=True)
        sums = served_sums(self.store, self.posted, inputs.shape, len(present), self.folder)
        if sums_tree(inputs.shape, present, sums, inputs.poster).root != self.posted.post.roots.sketches:
            return "running sums are not those that were posted"
        view = view_from(inputs, present, sums)
        found = self._numbers(inputs, view, present) or self._segments(inputs, present, sums)
        if found:
            return found
        delta, model = self._file("delta"), self._file("model")
        found = self._delta(inputs, view, delta) or self._model(inputs, delta, model)
        if not found:
            self._accept(inputs, view, below, delta, model)
        return found

    # ----- what is fetched -----

    def _file(self, name: str) -> Path:
        """Delta or model as served, if it is what was committed to. Raises UpdateError if not."""
        kind, d = (MODEL if name == "model" else UPDATE), self.ledger.shape.d
        path, size = self.folder / name, kind.file_bytes(d)
        fetch_to_file(
            self.store, cid_from_digest(getattr(self.posted.post, f"{name}_digest"), size), size, path
        )
        check_root(file_root(path, d, kind), getattr(self.posted.post.roots, name))
        return path

    def _part(self, file: File, first_leaf: int, leaves: int) -> bytes:
        """Leaves of an update, from the store that serves it."""
        size = UPDATE.leaf_bytes()
        return self.store.part(str(file.path), first_leaf * size, leaves * size)

    # ----- what is compared -----

    def _numbers(self, inputs: RoundInputs, view: View, present: Sequence[int]) -> str:
        roots = self.posted.post.roots
        computed = {
            "gram": gram_root(view.gram, present, inputs.shape),
            "steps": steps_root(step_roots(view)),
            "accounts": accounts_tree(next_accounts(inputs.accounts, view, inputs.unit)).root,
        }
        wrong = [name for name, root in computed.items() if root != getattr(roots, name)]
        if view.paid != self.posted.post.paid:
            wrong.append("paid")
        return f"{', '.join(wrong)} do not follow from the sketches" if wrong else ""

    def _segments(self, inputs: RoundInputs, present: Sequence[int], sums: NDArray[np.int32]) -> str:
        """Drawn segments of updates; rows of deltas were made by the rounds below, which were looked at."""
        leaves, deltas = leaves_of(inputs.shape.d), range(inputs.shape.delta(0), inputs.shape.first_past)
        rows = [number for number, row in enumerate(present) if row not in deltas]
        for number, segment in drawn_segments(sums[rows], self.fraction):
            row = present[rows[number]]
            first = segment * SEGMENT
            file = inputs.updates.get(row) or inputs.public[row]
            data = self._part(file, first, min(SEGMENT, leaves - first))
            before = sums[rows[number], segment - 1].astype(np.int32) if segment else None
            sketcher = Sketcher(inputs.seed, segment, before)
            sketcher.push(data)
            if not np.array_equal(sketcher.sums, sums[rows[number], segment]):
                return f"sketch of row {row}, segment {segment}"
        return ""

    def _delta(self, inputs: RoundInputs, view: View, delta: Path) -> str:
        """Drawn leaves of the delta."""
        leaves = leaves_of(inputs.shape.d)
        drawn = _generator().choice(leaves, max(1, ceil(self.fraction * leaves)), replace=False)
        posted = np.memmap(delta, UPDATE.dtype, "r")
        for leaf in map(int, drawn):
            total = np.zeros(LEAF, np.int32)
            for seat, file in inputs.updates.items():
                values = np.frombuffer(self._part(file, leaf, 1), UPDATE.dtype).astype(np.int16)
                scaled_sum(values, int(view.coefficient[seat]), total)
            if not np.array_equal(rounded(total), posted[leaf * LEAF : (leaf + 1) * LEAF]):
                return f"delta, leaf {leaf}"
        return ""

    def _model(self, inputs: RoundInputs, delta: Path, model: Path) -> str:
        """The whole model, from the delta and the model below."""
        steps, new = np.memmap(delta, UPDATE.dtype, "r"), np.memmap(model, MODEL.dtype, "r")
        base = np.memmap(inputs.base.path, MODEL.dtype, "r")
        for first in range(0, len(new), _BLOCK * LEAF):
            part = slice(first, first + _BLOCK * LEAF)
            old = base[part].astype(np.int32)
            due = moved(old, steps[part].astype(np.int16)) if inputs.merged else old
            if not np.array_equal(due, new[part]):
                return f"model, from coefficient {first} on"
        return ""

    def _accept(self, inputs: RoundInputs, view: View, below: Below, delta: Path, model: Path) -> None:
        roots, files = self.posted.post.roots, self.ledger.files
        moved_delta, moved_model = (
            files.adopt_delta(delta, roots.delta),
            files.adopt_model(model, roots.model),
        )
        accounts = next_accounts(inputs.accounts, view, inputs.unit)
        deltas = (moved_delta, *below.deltas)[:DELTAS]
        self.ledger.accept(
            self.posted, Below(moved_model, state_of(view), accounts, deltas, step_roots(view))
        )


def served_sums(
    store: Store, posted: ResultPosted, shape: Shape, rows: int, folder: Path
) -> NDArray[np.int32]:
    """Running sums of the present rows as the poster serves them, (rows, segments, 256), big-endian, in a file of
    `folder`: to be believed only with the posted root. Errors as `document_of`, `fetch_to_file`."""
    path, size = folder / "sums", rows * shape.segments * COLUMNS * 4
    fetch_to_file(store, document_of(store, posted).sums, size, path)
    return np.memmap(path, ">i4", "r", shape=(rows, shape.segments, COLUMNS))


def view_from(inputs: RoundInputs, present: Sequence[int], sums: NDArray[np.int32]) -> View:
    """Every number that follows from the last running sums (rows, segments, 256) of the present rows."""
    sketch = np.zeros((inputs.shape.rows, COLUMNS), np.int32)
    sketch[list(present)] = sums[:, -1]
    return view_on(inputs, sketch)


def view_on(inputs: RoundInputs, sketch: NDArray[np.int32]) -> View:
    """Every number that follows from sketches, int32 (W, 256), zero for missing rows."""
    reputation = [account.reputation for account in inputs.accounts]
    return decide(inputs.shape, sketch, inputs.seats, inputs.state, reputation, inputs.pot - inputs.fee)


def sums_tree(shape: Shape, present: Sequence[int], sums: NDArray[np.int32], poster: bytes) -> ProofTree:
    """The sketch tree over posted running sums."""
    number_of = {row: number for number, row in enumerate(present)}

    def row(number: int) -> ProofTree | None:
        if number not in number_of:
            return None
        data = np.ascontiguousarray(sums[number_of[number]]).view(np.uint8).reshape(shape.segments, -1)
        return Leaves(shape.segment_bits, number << shape.segment_bits, data, tag=poster)

    return Group(shape.row_bits, shape.segment_bits, shape.rows, row, tag=poster, kept=2)


def drawn_segments(sums: NDArray[np.int32], fraction: float) -> list[tuple[int, int]]:
    """(row, segment) of a part of all segments, drawn without repetition in proportion to the squared increments of
    running sums (rows, segments, 256); those without increment come last."""
    shape = sums.shape[:2]
    weights = np.empty(shape)
    for row in range(shape[0]):
        # Sums wrap modulo 2^32, and so do their differences.
        steps = np.diff(sums[row].astype(np.int32), axis=0, prepend=np.zeros((1, COLUMNS), np.int32))
        weights[row] = (steps.astype(np.float64) ** 2).sum(axis=1)
    flat = weights.ravel()
    count = min(flat.size, max(1, ceil(fraction * flat.size)))
    # Exponential races: the smallest of Exp(1) / weight are a draw in proportion to the weights.
    races = _generator().exponential(size=flat.size) / np.maximum(flat, _LEAST)
    chosen = np.argpartition(races, count - 1)[:count]
    return [(int(at) // shape[1], int(at) % shape[1]) for at in chosen]


def _generator() -> np.random.Generator:
    """Chance that no poster can foresee."""
    return np.random.default_rng(secrets.randbits(128))
