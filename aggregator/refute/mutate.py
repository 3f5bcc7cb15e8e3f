"""Wrong results made from honest ones: what watchers are tested against and what `demo --liar` posts.

Two kinds. A *changed* result has one leaf of one honest tree changed, so all roots fit their trees and nothing
else fits. A *lie* changes one number and computes everything that follows from it honestly.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from random import Random
from typing import Any, Final

import numpy as np

from aggregator.aggregate import aggregate, moved
from aggregator.decide import Seats, gram_of, view_of
from aggregator.judge import Judgement, RoundInputs, judgement_on, seat_results, take_sketches
from aggregator.refute.proof_tree import Changed, ProofTree
from aggregator.refute.trees import Trees, judged_trees
from aggregator.state import STEPS
from aggregator.steps import View
from aggregator.trees import LEAF_BYTES, SCALARS, SLOTS, chunk_bits
from market.codec import MODEL, UPDATE, decode, encode
from market.merkle import clog2
from market.refutation import Tree
from market.result_document import SeatResult

Tamper = Callable[[str, Any], Any]
"""(name, honest value) -> the value that goes on: `sketch` (int32 (W, 256)), `gram` (Ints (W, W)), every step, then
`delta` (int16 (d,)) and `model` (int32 (d,))."""

CHANGED_TREES: Final = tuple(tree for tree in Tree if tree is not Tree.Update)


@dataclass(frozen=True)
class Wrong:
    """A wrong result as posted; `name` says what was done."""

    name: str
    posted: Trees


# ----- one leaf -----


def changed_leaf(trees: Trees, tree: Tree, index: int, content: bytes | None) -> Trees:
    """The result with another content (None: absent) at one leaf of one tree."""
    return trees.with_tree(tree.name.lower(), Changed(trees.of(tree), {index: content}))


def bumped(content: bytes, at: int, size: int, by: int) -> bytes:
    """`content` with `by` added to the big-endian integer of `size` bytes at byte `at`, wrapping."""
    value = int.from_bytes(content[at : at + size], "big") + by
    return content[:at] + (value % (1 << 8 * size)).to_bytes(size, "big") + content[at + size :]


def changes(trees: Trees, random: Random) -> Iterator[Wrong]:
    """Without end: results with one change each, of every kind in turn, at random places."""
    kinds = [_number, _number, _number, _swapped, _dropped, _invented]
    names = [tree for tree in CHANGED_TREES if tree is not Tree.Columns or trees.columns is not None]
    while True:
        for tree in names:
            # Steps are where most numbers are.
            for _ in range(6 if tree is Tree.Steps else 1):
                made = random.choice(kinds)(trees, tree, random)
                if made is not None:
                    yield made
        yield _paid(trees, random)


def _paid(trees: Trees, random: Random) -> Wrong:
    by = random.choice([-1, 1, trees.case.paid // 2])
    return Wrong(f"paid {by:+d}", replace(trees, case=replace(trees.case, paid=trees.case.paid + by)))


def _number(trees: Trees, tree: Tree, random: Random) -> Wrong | None:
    """One integer of one leaf, by one or by anything; nothing where an earlier change dropped the leaf."""
    index = _present(trees, tree, random)
    content = trees.of(tree).leaf(index)
    if content is None:
        return None
    size, at = _place(tree, index, trees, len(content), random)
    by = random.choice([-1, 1, random.randrange(1, 1 << 8 * size)])
    return Wrong(
        f"{tree.name} leaf {index} byte {at} {by:+d}",
        changed_leaf(trees, tree, index, bumped(content, at, size, by)),
    )


def _swapped(trees: Trees, tree: Tree, random: Random) -> Wrong | None:
    """Two leaves in each other's place."""
    one, two = (_present(trees, tree, random) for _ in range(2))
    source = trees.of(tree)
    if source.leaf(one) == source.leaf(two):
        return None
    changed = Changed(source, {one: source.leaf(two), two: source.leaf(one)})
    if len(source.leaf(one) or b"") != len(source.leaf(two) or b""):
        return None
    return Wrong(f"{tree.name} leaves {one} and {two} swapped", trees.with_tree(tree.name.lower(), changed))


def _dropped(trees: Trees, tree: Tree, random: Random) -> Wrong | None:
    index = _present(trees, tree, random)
    return Wrong(f"{tree.name} leaf {index} dropped", changed_leaf(trees, tree, index, None))


def _invented(trees: Trees, tree: Tree, random: Random) -> Wrong | None:
    """A leaf where there is none."""
    source = trees.of(tree)
    size = len(source.leaf(_present(trees, tree, random)) or b"")
    for _ in range(64):
        index = random.randrange(1 << source.depth)
        if source.leaf(index) is None:
            content = random.choice([bytes(size), random.randbytes(size)])
            return Wrong(f"{tree.name} leaf {index} invented", changed_leaf(trees, tree, index, content))
    return None


def _place(tree: Tree, index: int, trees: Trees, size: int, random: Random) -> tuple[int, int]:
    """(bytes of an integer, where it begins) in a leaf."""
    if tree is Tree.Accounts:
        return random.choice([(8, 0), (16, 8), (16, 24)])
    width = {Tree.Sketches: 4, Tree.Gram: 16, Tree.Model: 4}.get(tree, 2)
    if tree is Tree.Steps:
        shape = trees.case.shape
        slot = index >> chunk_bits(shape) + clog2(shape.seats)
        width = SLOTS[slot - 1].width if slot else 16
    return width, random.randrange(size // width) * width


def _present(trees: Trees, tree: Tree, random: Random) -> int:
    """A leaf that is there: of steps, any step as likely as another."""
    source, shape = trees.of(tree), trees.case.shape
    if tree is Tree.Steps:
        return _step_leaf(trees, source, random)
    if tree in (Tree.Sketches, Tree.Gram):
        rows = sorted(trees.case.present)
        low = random.choice(rows) if tree is Tree.Gram else random.randrange(shape.segments)
        return random.choice(rows) << (shape.row_bits if tree is Tree.Gram else shape.segment_bits) | low
    while True:
        index = random.randrange(1 << source.depth)
        if source.leaf(index) is not None:
            return index


def _step_leaf(trees: Trees, source: ProofTree, random: Random) -> int:
    shape = trees.case.shape
    slot = random.randrange(len(SLOTS) + 1)
    if slot == 0:
        return 0
    step = SLOTS[slot - 1]
    row = 0
    if step.kind == "matrix":
        row = random.randrange(shape.seats) if step.carried else random.choice(sorted(trees.case.included))
    chunk = random.randrange(-(-step.length(shape.seats) * step.width // LEAF_BYTES))
    return (slot << clog2(shape.seats) | row) << chunk_bits(shape) | chunk


# ----- a lie with consequences -----


@dataclass(frozen=True)
class Lie:
    """A result that follows honestly from one tampered number."""

    judgement: Judgement
    trees: Trees


def lie(
    inputs: RoundInputs,
    folder: Path,
    tamper: Tamper,
    *,
    start: bool,
    step_roots_below: Any = None,
    claimed: RoundInputs | None = None,
) -> Lie:
    """Judges `inputs` with `tamper` in the way; `folder` takes delta and model. `claimed`: what the post says that
    it was judged from (bitmaps, seed, base, state), where that is something else."""
    sketch, _ = take_sketches(inputs, lambda *_: None)
    honest_sketch = sketch.copy()
    sketch = tamper("sketch", sketch)
    seats: Seats = inputs.seats
    reputation = [account.reputation for account in inputs.accounts]
    gram = tamper("gram", gram_of(sketch))
    view = view_of(inputs.shape, sketch, gram, seats, inputs.state, reputation, inputs.pot - inputs.fee)
    for step in STEPS:
        setattr(view, step.name, tamper(step.name, step.compute(view)))
    made = _judgement(inputs, view, folder)
    _tamper_files(inputs, made, tamper)
    trees = judged_trees(inputs, made, start=start, step_roots_below=step_roots_below)
    changed = {
        row << inputs.shape.segment_bits | inputs.shape.segments - 1: sketch[row].astype(">i4").tobytes()
        for row in trees.case.present
        if (sketch[row] != honest_sketch[row]).any()
    }
    if changed:
        trees = trees.with_tree("sketches", Changed(trees.sketches, changed))
    if claimed is not None:
        said = judged_trees(claimed, made, start=start, step_roots_below=step_roots_below)
        facts = ("steps_below", "accounts_below", "model_below")
        below: Mapping[str, Any] = {name: getattr(said, name) for name in facts}
        trees = replace(trees, case=said.case, update=said.update, **below)
    return Lie(replace(made, roots=trees.roots()), trees)


def _judgement(inputs: RoundInputs, view: View, folder: Path) -> Judgement:
    """Everything after the steps, as `judge` makes it; roots are filled in by the caller."""
    delta, model = folder / "delta.bin", folder / "model.bin"
    made = judgement_on(inputs, view, delta, model, _words(view, inputs.unit))
    files = {seat: file.path for seat, file in inputs.updates.items()}
    aggregate(inputs.shape, files, made.coefficients, inputs.base.path, inputs.merged, delta, model)
    return made


def _words(view: View, unit: int) -> Sequence[SeatResult]:
    """What the document says of each seat; nothing where a lie does not fit it."""
    with suppress(ValueError):
        return seat_results(view, unit)
    return ()


def _tamper_files(inputs: RoundInputs, made: Judgement, tamper: Tamper) -> None:
    """Rewrites delta, and the model that follows from it, where they are tampered with."""
    d = inputs.shape.d
    honest = decode(made.delta.read_bytes(), d, UPDATE).astype(np.int16)
    delta = tamper("delta", honest)
    if not np.array_equal(delta, honest):
        made.delta.write_bytes(encode(delta, UPDATE))
        base = decode(inputs.base.path.read_bytes(), d, MODEL).astype(np.int32)
        made.model.write_bytes(encode(moved(base, delta) if inputs.merged else base, MODEL))
    honest_model = decode(made.model.read_bytes(), d, MODEL).astype(np.int32)
    model = tamper("model", honest_model)
    if not np.array_equal(model, honest_model):
        made.model.write_bytes(encode(model, MODEL))


def tampered(name: str, change: Callable[[Any], Any]) -> Tamper:
    """A tamper that changes one named value."""

    def tamper(at: str, value: Any) -> Any:
        return change(value) if at == name else value

    return tamper


def tampered_entry(name: str, place: tuple[int, ...], by: int) -> Tamper:
    """A tamper that adds `by` to one entry (`place`: () of a scalar) of a named value."""

    def change(value: Any) -> Any:
        if not place:
            return value + by
        out = value.copy()
        out[place] += by
        return out

    return tampered(name, change)


def entries(view: View) -> Mapping[str, tuple[int, ...]]:
    """Shape of every step of a computed round, () for scalars."""
    scalars = {step.name for step in SCALARS}
    return {
        step.name: () if step.name in scalars else tuple(getattr(view, step.name).shape) for step in STEPS
    }
