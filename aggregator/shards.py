"""Both passes over the files in ranges of leaves that may be worked on anywhere. All is a sum, so the result is that of
one process, to the bit.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, Protocol

import numpy as np
from numpy.typing import NDArray

from aggregator.aggregate import Aggregate, Range, columns_depth
from aggregator.judge import File, Progress, RoundInputs
from aggregator.rows import COLUMNS, Shape
from aggregator.shard_work import (
    BLOCK,
    SUMS_BYTES,
    Hashing,
    Sketched,
    Sketching,
    Summing,
    facts_of,
    hash_range,
    sketch_range,
    sum_range,
)
from aggregator.trees import climb
from market.codec import MODEL, UPDATE, check_root, leaves_of
from market.errors import UpdateError
from market.merkle import ABSENT, Hash, TreeBuilder, absent_root, depth_for

_BYTES_OF_A_RANGE: Final = 1 << 30
"""Of all files together; the running sums that come back are 3 % of it."""
_SUMS_AT_ONCE: Final = 1 << 15
"""Running sums (1 KiB each) hashed at once."""


class Run(Protocol):
    """Runs `work` on every task, anywhere, and gives the results in the order of the tasks."""

    def __call__(self, work: Callable[[Any], Any], tasks: Sequence[Any]) -> Iterable[Any]: ...


class Sharded:
    """Both passes as ranges that `run` spreads. `leaves`: of a range, a power of two and at least 256; by default so
    many that all files together have a gibibyte in it."""

    def __init__(self, run: Run, leaves: int | None = None) -> None:
        if leaves is not None and (leaves < BLOCK or leaves & (leaves - 1)):
            raise ValueError(f"a range of {leaves} leaves: expected a power of two from {BLOCK} on")
        self._run, self._leaves = run, leaves

    def ranges(self, d: int, files: int) -> Iterator[tuple[int, int]]:
        """(first leaf, leaves) of each range."""
        fitting = max(BLOCK, _BYTES_OF_A_RANGE // (UPDATE.leaf_bytes() * max(files, 1)))
        step = self._leaves or 1 << (fitting.bit_length() - 1)
        for first in range(0, leaves_of(d), step):
            yield first, min(step, leaves_of(d) - first)

    def sketches(
        self, inputs: RoundInputs, progress: Progress, sums_out: Path
    ) -> tuple[NDArray[np.int32], Hash]:
        """First pass: sketches (W, 256) of checked files, the root of their running sums, which go to `sums_out`.

        Raises UpdateError as `Local`."""
        files, shape = sorted({**inputs.updates, **inputs.public}.items()), inputs.shape
        tasks = self._sketching(inputs, [file for _, file in files])
        joined = _Joined(shape, len(files))
        with sums_out.open("wb") as out:
            for done, part in enumerate(self._run(sketch_range, tasks), start=1):
                joined.add(part, out.fileno())
                progress("check and sketch", done, len(tasks))
        for (_, file), tree in zip(files, joined.trees, strict=True):
            check_root(tree.root(), file.root)
        sketch = np.zeros((shape.rows, COLUMNS), np.int32)
        roots = np.tile(np.frombuffer(absent_root(shape.segment_bits), np.uint8), (shape.rows, 1))
        rows = [row for row, _ in files]
        for row, sums, root in zip(rows, joined.sums, self._row_roots(inputs, rows, sums_out), strict=True):
            sketch[row], roots[row] = sums, np.frombuffer(root, np.uint8)
        return sketch, climb(roots, shape.segment_bits, shape.row_bits)

    def _row_roots(self, inputs: RoundInputs, rows: Sequence[int], sums: Path) -> list[Hash]:
        """Roots of the running sums of each row, from their file."""
        shape = inputs.shape
        trees = [TreeBuilder(shape.segment_bits) for _ in rows]
        tasks, owners = [], []
        for number, row in enumerate(rows):
            for first in range(0, shape.segments, _SUMS_AT_ONCE):
                count = min(_SUMS_AT_ONCE, shape.segments - first)
                at = (number * shape.segments + first) * SUMS_BYTES
                tasks.append(Hashing(sums, at, inputs.poster, (row << shape.segment_bits) + first, count))
                owners.append(number)
        for number, subtrees in zip(owners, self._run(hash_range, tasks), strict=True):
            for hash_, level in subtrees:
                trees[number].push(hash_, level)
        return [tree.root() for tree in trees]

    def _sketching(self, inputs: RoundInputs, files: Sequence[File]) -> list[Sketching]:
        d, paths = inputs.shape.d, [file.path for file in files]
        facts = [facts_of(path) for path in paths]
        for size, _ in facts:
            if size != UPDATE.file_bytes(d):
                raise UpdateError("E101", f"length: got {size} bytes, expected {UPDATE.file_bytes(d)}")
        ranges = self.ranges(d, len(files)) if files else ()
        return [Sketching(d, inputs.seed, paths, facts, first, count) for first, count in ranges]

    def aggregate(
        self, inputs: RoundInputs, coefficients: Mapping[int, int], delta_out: Path, model_out: Path
    ) -> Aggregate:
        """Second pass. Raises UpdateError as `Local`."""
        shape = inputs.shape
        for path, kind in ((delta_out, UPDATE), (model_out, MODEL)):
            with path.open("wb") as file:
                file.truncate(kind.file_bytes(shape.d))
        paths = {seat: file.path for seat, file in inputs.updates.items()}
        tasks = [
            Summing(
                Range(shape, paths, coefficients, inputs.base.path, inputs.merged, first, count),
                delta_out,
                model_out,
            )
            for first, count in self.ranges(shape.d, len(paths))
        ]
        delta, model = (TreeBuilder(depth_for(leaves_of(shape.d))) for _ in range(2))
        columns = TreeBuilder(columns_depth(shape))
        for part in self._run(sum_range, tasks):
            for tree, subtrees in ((delta, part.delta), (model, part.model), (columns, part.columns)):
                for hash_, level in subtrees:
                    tree.push(hash_, level)
        return Aggregate(delta.root(), model.root(), columns.root() if shape.has_columns else ABSENT)


class _Joined:
    """Ranges of the first pass put together: what comes before a range is added to its running sums.

    `trees`: of the leaves of each file. `sums`: int32 (256,) of each file, in the end its sketch."""

    def __init__(self, shape: Shape, files: int) -> None:
        self._shape = shape
        self._segments = 0
        self.sums = np.zeros((files, COLUMNS), np.int32)
        self.trees = [TreeBuilder(depth_for(leaves_of(shape.d))) for _ in range(files)]

    def add(self, part: Sketched, out: int) -> None:
        """The next range; its running sums go to the descriptor `out`."""
        for number, (subtrees, relative) in enumerate(zip(part.subtrees, part.sums, strict=True)):
            for hash_, level in subtrees:
                self.trees[number].push(hash_, level)
            running = relative + self.sums[number]  # wraps, as the sums themselves do
            self.sums[number] = running[-1]
            at = (number * self._shape.segments + self._segments) * SUMS_BYTES
            os.pwrite(out, running.astype(">i4").tobytes(), at)
        self._segments += len(part.sums[0])
