"""Second pass over the files: delta, model and columns, exact and in memory that does not grow with seats.

`delta = (sum of c_i u_i + 2^15) >> 16` with coefficients `c_i >= 0` that sum to at most 65,535. Then
|sum| <= 65,535 x 32,768 < 2^31 - 2^15, every partial sum too, so int32 holds it in any order, and the delta
lies in [-32,767, 32,767].
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, Final

import numpy as np
from numba import njit
from numpy.typing import NDArray

from aggregator.rows import Shape
from market.bulk import leaf_hashes, root_of_rows
from market.codec import LEAF, MODEL, UPDATE, Kind, RootBuilder, leaves_of, open_regular, padded
from market.errors import UpdateError
from market.merkle import ABSENT, Hash, TreeBuilder, depth_for

GROUP: Final = 8
"""Coefficients in a leaf of the columns tree."""
_BLOCK_BYTES: Final = 16 << 20
"""What a block of all seats' coefficients may take; a block has 2^k leaves, at most 256."""


@dataclass(frozen=True)
class Aggregate:
    """Roots of the second pass."""

    delta: Hash
    model: Hash
    columns: Hash


@njit(cache=True, nogil=True)
def _add_scaled(values: Any, factor: int, sums: Any) -> None:
    """sums (int32) += factor * values (int16)."""
    for k in range(values.shape[0]):
        sums[k] += np.int32(factor) * np.int32(values[k])


def scaled_sum(values: NDArray[np.int16], factor: int, sums: NDArray[np.int32]) -> None:
    """Add `factor` x an update to the sums, in place."""
    _add_scaled(values, factor, sums)


def rounded(sums: NDArray[np.int32]) -> NDArray[np.int16]:
    """The delta of sums: `(sum + 2^15) >> 16`."""
    return ((sums + np.int32(1 << 15)) >> 16).astype(np.int16)


def moved(model: NDArray[np.int32], delta: NDArray[np.int16]) -> NDArray[np.int32]:
    """The model plus the delta, saturating at the limits of int32."""
    total: NDArray[np.int64] = np.clip(model.astype(np.int64) + delta, -(1 << 31), (1 << 31) - 1)
    return total.astype(np.int32)


def block_leaves(seats: int) -> int:
    """Leaves in a block of the second pass: a power of two from 1 to 256."""
    fitting = max(1, _BLOCK_BYTES // (2 * LEAF * seats))
    return min(256, 1 << (fitting.bit_length() - 1))


def aggregate(
    shape: Shape,
    files: Mapping[int, Path],
    coefficients: Mapping[int, int],
    base: Path,
    merged: bool,
    delta_out: Path,
    model_out: Path,
) -> Aggregate:
    """Write the delta and the next model from checked update files (seat -> path); memory is a block or two
    for each core.

    `merged`: whether the model moves; otherwise the next model is the base, byte for byte. Every included
    seat has a file, also those with coefficient 0 (the columns tree holds them). Raises UpdateError E131
    when a file turns out shorter than when it was checked.
    """
    delta_root, model_root = RootBuilder(shape.d, UPDATE), RootBuilder(shape.d, MODEL)
    tree = TreeBuilder(columns_depth(shape))
    work = Range(shape, files, coefficients, base, merged, 0, leaves_of(shape.d))
    with delta_out.open("wb") as delta_file, model_out.open("wb") as model_file:
        for delta, model in summed(work, tree.push, os.cpu_count() or 1):
            _write(delta_file, delta_root, delta)
            _write(model_file, model_root, model)
    columns = tree.root() if shape.has_columns else ABSENT
    return Aggregate(delta_root.root(), model_root.root(), columns)


@dataclass(frozen=True)
class Range:
    """What the second pass makes of `count` leaves from leaf `first` on, a multiple of `block_leaves`; the rest as in
    `aggregate`."""

    shape: Shape
    files: Mapping[int, Path]
    coefficients: Mapping[int, int]
    base: Path
    merged: bool
    first: int
    count: int


def summed(work: Range, push: Callable[[Hash, int], None], threads: int = 1) -> Iterator[tuple[bytes, bytes]]:
    """Bytes of delta and next model, block by block; subtrees of the columns (hash, level) go to `push` in order.

    `threads` blocks are worked on at once, and as many are kept: compiled loops and copies hold no lock."""
    inputs = {seat: _Source(path, UPDATE) for seat, path in work.files.items()}
    base = _Source(work.base, MODEL)
    with ThreadPoolExecutor(threads) as pool:
        under_way: deque[Future[_Block]] = deque()
        for first, count in _blocks(work):
            under_way.append(pool.submit(_block, work, inputs, base, first, count))
            if len(under_way) > threads:
                yield from _taken(under_way, push)
        while under_way:
            yield from _taken(under_way, push)


@dataclass(frozen=True)
class _Block:
    delta: bytes
    model: bytes
    columns: Sequence[tuple[Hash, int]]


def _taken(
    under_way: deque[Future[_Block]], push: Callable[[Hash, int], None]
) -> Iterator[tuple[bytes, bytes]]:
    block = under_way.popleft().result()
    for hash_, level in block.columns:
        push(hash_, level)
    yield block.delta, block.model


def _block(work: Range, inputs: Mapping[int, _Source], base: _Source, first: int, count: int) -> _Block:
    """What becomes of `count` leaves from leaf `first` on."""
    size, wide = count * LEAF, work.shape.has_columns
    sums = np.zeros(size, np.int32)
    columns: NDArray[np.int16] = np.zeros((size if wide else 0, work.shape.seats), ">i2")
    for seat, source in inputs.items():
        values = source.read(first, count).astype(np.int16)
        scaled_sum(values, work.coefficients[seat], sums)
        if wide:
            columns[:, seat] = values
    delta = rounded(sums)
    old = base.read(first, count).astype(np.int32)
    new = moved(old, delta) if work.merged else old
    hashed = _columns_of(columns, first) if wide else ()
    return _Block(delta.astype(UPDATE.dtype).tobytes(), new.astype(MODEL.dtype).tobytes(), hashed)


def _columns_of(block: NDArray[np.int16], first: int) -> list[tuple[Hash, int]]:
    """Subtrees of the columns of whole update leaves from leaf `first` on. A run of 2^k leaves is an aligned
    subtree; the last block may be any number of leaves."""
    per_leaf = LEAF // GROUP
    level = depth_for(per_leaf)
    hashes = leaf_hashes(first * per_leaf, block.view(np.uint8).reshape(len(block) // GROUP, -1))
    return [
        (root_of_rows(hashes[at : at + per_leaf], level), level) for at in range(0, len(hashes), per_leaf)
    ]


def _blocks(work: Range) -> Iterator[tuple[int, int]]:
    """(first leaf, leaves) of each block in turn."""
    step, end = block_leaves(work.shape.seats), work.first + work.count
    for first in range(work.first, end, step):
        yield first, min(step, end - first)


def columns_depth(shape: Shape) -> int:
    """Levels of the columns tree."""
    return depth_for(padded(shape.d) // GROUP)


class _Source:
    """A file that is read in pieces; open only meanwhile, since a thousand seats have as many files."""

    def __init__(self, path: Path, kind: Kind) -> None:
        self._path, self._kind = path, kind
        self._identity: tuple[int, int, int] | None = None

    def read(self, first: int, count: int) -> NDArray[Any]:
        """Integers of `count` leaves from leaf `first` on, big-endian. Raises UpdateError E131 if the file is not
        what it was at the first look."""
        size = count * self._kind.leaf_bytes()
        with open_regular(self._path) as file:
            facts = os.fstat(file.fileno())
            identity = facts.st_ino, facts.st_size, facts.st_mtime_ns
            self._identity = self._identity or identity
            file.seek(first * self._kind.leaf_bytes())
            data = file.read(size)
        if len(data) != size or identity != self._identity:
            raise UpdateError("E131", f"file changed during read: {self._path}")
        return np.frombuffer(data, self._kind.dtype)


def _write(file: BinaryIO, root: RootBuilder, data: bytes) -> None:
    file.write(data)
    root.push(data)
