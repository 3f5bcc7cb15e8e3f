"""Roots of the trees over the numbers of a round. The layout of every leaf is in `market.merkle`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from aggregator.fixed import Ints
from aggregator.rows import Shape
from aggregator.state import CARRIED, STEPS, State
from aggregator.steps import SCALAR_WIDTH, Step, View, Width, fits
from market.bulk import leaf_hashes, parents, root_of_rows
from market.merkle import Hash, absent_root, clog2, root_of

STEP_BITS: Final = 6
"""Levels of the steps tree above the steps."""
LEAF_BYTES: Final = 256
_WORD: Final = (1 << 64) - 1

SLOTS: Final[Sequence[Step]] = [step for step in STEPS if step.kind != "scalar"]
"""Step `k` of the tree is `SLOTS[k - 1]`; slot 0 holds all scalars in order."""
SCALARS: Final[Sequence[Step]] = [step for step in STEPS if step.kind == "scalar"]

assert len(SLOTS) < 1 << STEP_BITS


def entries_bytes(values: NDArray[Any], width: Width) -> NDArray[np.uint8]:
    """Integers (n,), Ints or int64, as big-endian two's complement: uint8 (n, width). OverflowError if one does not
    fit."""
    if not fits(values, width):
        raise OverflowError(f"an entry does not fit {width} bytes")
    if width < 16:
        return values.astype(np.int64).astype(f">i{width}").view(np.uint8).reshape(-1, width)
    high, low = (values >> 63, values) if values.dtype == np.int64 else (values >> 64, values & _WORD)
    words = np.column_stack([high.astype(np.int64).astype(np.uint64), low.astype(np.uint64)])
    return words.astype(">u8").view(np.uint8).reshape(-1, 16)


def gram_root(gram: NDArray[Any], present: Sequence[int], shape: Shape) -> Hash:
    """Root of the Gram tree (W, W), leaves of present rows and columns only."""
    bits, columns, gram = shape.row_bits, np.array(present, dtype=np.int64), np.asarray(gram)
    rows = _absent(shape.rows, bits)
    for i in present:
        hashes = np.zeros((shape.rows, 32), np.uint8)
        data = entries_bytes(gram[i], 16)
        # Hashes of absent columns are thrown away again: simpler than calls for runs of present ones.
        hashes[columns] = leaf_hashes(i << bits, data)[columns]
        rows[i] = np.frombuffer(root_of_rows(hashes, bits), np.uint8)
    return climb(rows, bits, bits)


def step_roots(view: View) -> list[Hash]:
    """Roots of the 64 slots of the steps tree of a computed round."""
    shape: Shape = view.shape
    out = [
        _slot(0, np.array([[getattr(view, s.name) for s in SCALARS]], dtype=object), SCALAR_WIDTH, [0], shape)
    ]
    for k, step in enumerate(SLOTS, start=1):
        out.append(_step_root(k, step, getattr(view, step.name), view.included, shape))
    return _with_empty_slots(out, shape)


def start_step_roots(shape: Shape, state: State) -> list[Hash]:
    """Roots of the 64 slots before round 1: carried steps at `state`, all others absent."""
    carried = state_roots(state, shape)
    empty = absent_root(_slot_bits(shape))
    return _with_empty_slots([empty] + [carried.get(step.name, empty) for step in SLOTS], shape)


def state_roots(state: State, shape: Shape) -> Mapping[str, Hash]:
    """Root of the slot of each carried step: what a loaded state is checked against."""
    slots = {step.name: k for k, step in enumerate(SLOTS, start=1)}
    return {step.name: _step_root(slots[step.name], step, state[step.name], [], shape) for step in CARRIED}


def carried_roots(roots: Sequence[Hash]) -> Mapping[str, Hash]:
    """The slots of carried steps among the 64 of a result."""
    return {step.name: roots[k] for k, step in enumerate(SLOTS, start=1) if step in CARRIED}


def steps_root(roots: Sequence[Hash]) -> Hash:
    """Root of the steps tree from its 64 slots."""
    return root_of(roots, STEP_BITS)


def _step_root(slot: int, step: Step, values: Ints, included: Sequence[int], shape: Shape) -> Hash:
    if step.kind == "vector":
        return _slot(slot, values.reshape(1, -1), step.width, [0], shape)
    rows = range(shape.seats) if step.carried else included
    return _slot(slot, values, step.width, rows, shape)


def _slot(slot: int, values: Ints, width: Width, rows: Sequence[int], shape: Shape) -> Hash:
    """Root of one slot: `values` (rows, length), leaves of `rows` only, entries padded to whole leaves."""
    bits, per_leaf = chunk_bits(shape), LEAF_BYTES // width
    out, values = _absent(len(values), bits), np.asarray(values)
    for row in rows:
        data = entries_bytes(values[row], width).reshape(-1)
        padded = np.zeros(-(-values.shape[1] // per_leaf) * LEAF_BYTES, np.uint8)
        padded[: len(data)] = data
        first = (slot << clog2(shape.seats) | row) << bits
        out[row] = np.frombuffer(
            root_of_rows(leaf_hashes(first, padded.reshape(-1, LEAF_BYTES)), bits), np.uint8
        )
    return climb(out, bits, clog2(shape.seats))


def _absent(count: int, level: int) -> NDArray[np.uint8]:
    """`count` times the root of 2^level absent leaves: uint8 (count, 32), to be written to."""
    return np.tile(np.frombuffer(absent_root(level), np.uint8), (count, 1))


def climb(hashes: NDArray[np.uint8], level: int, bits: int) -> Hash:
    """Root of 2^bits subtrees of 2^level leaves each, absent ones after the given."""
    for above in range(level, level + bits):
        if len(hashes) % 2:
            hashes = np.concatenate([hashes, np.frombuffer(absent_root(above), np.uint8)[None]])
        hashes = parents(hashes)
    return bytes(hashes[0].tobytes())


@cache
def chunk_bits(shape: Shape) -> int:
    """Levels below a row: leaves of the longest row of any step."""
    widest = max(-(-step.length(shape.seats) * step.width // LEAF_BYTES) for step in SLOTS)
    return clog2(max(widest, -(-len(SCALARS) * SCALAR_WIDTH // LEAF_BYTES)))


def _slot_bits(shape: Shape) -> int:
    return clog2(shape.seats) + chunk_bits(shape)


def _with_empty_slots(roots: list[Hash], shape: Shape) -> list[Hash]:
    return roots + [absent_root(_slot_bits(shape))] * ((1 << STEP_BITS) - len(roots))
