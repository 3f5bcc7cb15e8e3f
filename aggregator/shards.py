"""Both passes over the files in ranges of leaves, each a pure function of the files that may run anywhere.

A worker reads its range from the same paths as everybody (one machine, or a file system that all see) and sends back
hashes and running sums, 3 % of what it read; deltas and models it writes at their place itself. Work that is done
twice writes the same bytes, so a lost worker costs time only. All is a sum: the result is that of `Local`, to the bit.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Protocol

import numpy as np
from numpy.typing import NDArray

from aggregator.aggregate import Aggregate, Range, columns_depth, summed
from aggregator.judge import File, Progress, RoundInputs
from aggregator.rows import COLUMNS, SEGMENT, Shape
from aggregator.sketch import Sketcher, SketchRow
from aggregator.trees import climb
from market.bulk import leaf_hashes, root_of_rows
from market.codec import LEAF, MODEL, UPDATE, Kind, check_root, decode, leaves_of, open_regular
from market.errors import UpdateError
from market.merkle import ABSENT, Hash, TreeBuilder, absent_root, depth_for

Subtrees = Sequence[tuple[Hash, int]]
"""Roots and levels of neighbouring subtrees, in order."""
_BYTES_OF_A_RANGE: Final = 1 << 30
"""Of all files together; the running sums that come back are 3 % of it."""
_BLOCK: Final = 16 * SEGMENT
"""Leaves read at once: as in `Local`, so that signs are kept for the same rows."""


class Run(Protocol):
    """Runs `work` on every task, anywhere, and gives the results in the order of the tasks."""

    def __call__(self, work: Callable[[Any], Any], tasks: Sequence[Any]) -> Iterable[Any]: ...


@dataclass(frozen=True)
class Sketching:
    """Leaves `first` to `first + count` of all files of a round of `d` coefficients. `facts`: size and time of change
    that each file must still have."""

    d: int
    seed: bytes
    files: Sequence[Path]
    facts: Sequence[tuple[int, int]]
    first: int
    count: int


@dataclass(frozen=True)
class Sketched:
    """Of each file: subtrees of its leaves, and int32 (segments, 256) running sums that start with the range."""

    subtrees: Sequence[Subtrees]
    sums: Sequence[NDArray[np.int32]]


@dataclass(frozen=True)
class Summing:
    """A range of the second pass, and the files of full length that it writes into."""

    work: Range
    delta_out: Path
    model_out: Path


@dataclass(frozen=True)
class Summed:
    """Subtrees of the range."""

    delta: Subtrees
    model: Subtrees
    columns: Subtrees


def sketch_range(task: Sketching) -> Sketched:
    """First pass over a range. Raises UpdateError E111, E131 or E132 for a file that is not as it was."""
    parts = [_sketch_part(task, path, facts) for path, facts in zip(task.files, task.facts, strict=True)]
    return Sketched([subtrees for subtrees, _ in parts], [sums for _, sums in parts])


def _sketch_part(task: Sketching, path: Path, facts: tuple[int, int]) -> tuple[Subtrees, NDArray[np.int32]]:
    sketcher = Sketcher(task.seed, first=task.first // SEGMENT)
    hashes, sums = [], []
    with open_regular(path) as file:
        if facts_of(path) != facts:
            raise UpdateError("E131", f"file changed during read: {path}")
        file.seek(task.first * UPDATE.leaf_bytes())
        for at in range(task.first, task.first + task.count, _BLOCK):
            block = file.read(min(_BLOCK, task.first + task.count - at) * UPDATE.leaf_bytes())
            hashes.append(leaf_hashes(at, np.frombuffer(block, np.uint8).reshape(-1, UPDATE.leaf_bytes())))
            sums.append(sketcher.push(block))
    if task.first + task.count == leaves_of(task.d):
        decode(
            block[-UPDATE.leaf_bytes() :], (task.d - 1) % LEAF + 1, UPDATE
        )  # refuses padding that is not zero
    return pieces(np.concatenate(hashes)), np.concatenate(sums)


def sum_range(task: Summing) -> Summed:
    """Second pass over a range; writes delta and model at their place. Raises UpdateError E131 as `aggregate`."""
    columns: list[tuple[Hash, int]] = []
    hashes: dict[Kind, list[NDArray[np.uint8]]] = {UPDATE: [], MODEL: []}
    at = task.work.first
    with task.delta_out.open("r+b") as delta_file, task.model_out.open("r+b") as model_file:
        for blocks in summed(task.work, lambda hash_, level: columns.append((hash_, level))):
            for file, kind, data in zip((delta_file, model_file), (UPDATE, MODEL), blocks, strict=True):
                rows = np.frombuffer(data, np.uint8).reshape(-1, kind.leaf_bytes())
                hashes[kind].append(leaf_hashes(at, rows))
                os.pwrite(file.fileno(), data, at * kind.leaf_bytes())
            at += len(rows)
    delta, model = (pieces(np.concatenate(hashes[kind])) for kind in (UPDATE, MODEL))
    return Summed(delta, model, columns)


def pieces(hashes: NDArray[np.uint8]) -> Subtrees:
    """Leaf hashes (n, 32) of an aligned range as its largest subtrees, in order."""
    out, at = [], 0
    while at < len(hashes):
        level = (len(hashes) - at).bit_length() - 1
        out.append((root_of_rows(hashes[at : at + (1 << level)], level), level))
        at += 1 << level
    return out


def facts_of(path: Path) -> tuple[int, int]:
    """Size and time of the last change of a file. Raises UpdateError E132 if it cannot be looked at."""
    try:
        found = path.stat()
    except OSError as error:
        raise UpdateError("E132", f"bad path: {error}") from error
    return found.st_size, found.st_mtime_ns


class Sharded:
    """Both passes as ranges that `run` spreads. `leaves`: of a range, a power of two and at least 256; by default so
    many that all files together have a gibibyte in it."""

    def __init__(self, run: Run, leaves: int | None = None) -> None:
        if leaves is not None and (leaves < _BLOCK or leaves & (leaves - 1)):
            raise ValueError(f"a range of {leaves} leaves: expected a power of two from {_BLOCK} on")
        self._run, self._leaves = run, leaves

    def ranges(self, d: int, files: int) -> Iterator[tuple[int, int]]:
        """(first leaf, leaves) of each range."""
        fitting = max(_BLOCK, _BYTES_OF_A_RANGE // (UPDATE.leaf_bytes() * max(files, 1)))
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
        joined = _Joined(inputs, files)
        with sums_out.open("wb") as out:
            for done, part in enumerate(self._run(sketch_range, tasks), start=1):
                joined.add(part, out.fileno())
                progress("check and sketch", done, len(tasks))
        sketch = np.zeros((shape.rows, COLUMNS), np.int32)
        roots = np.tile(np.frombuffer(absent_root(shape.segment_bits), np.uint8), (shape.rows, 1))
        for (row, file), tree, sums, root in joined.finished():
            check_root(root, file.root)
            sketch[row], roots[row] = sums, np.frombuffer(tree, np.uint8)
        return sketch, climb(roots, shape.segment_bits, shape.row_bits)

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
    """Ranges of the first pass put together: what comes before a range is added to its running sums."""

    def __init__(self, inputs: RoundInputs, files: Sequence[tuple[int, File]]) -> None:
        shape = inputs.shape
        self._shape: Shape = shape
        self._files = files
        self._before = np.zeros((len(files), COLUMNS), np.int32)
        self._rows = [SketchRow(inputs.poster, row, shape.segment_bits) for row, _ in files]
        self._trees = [TreeBuilder(depth_for(leaves_of(shape.d))) for _ in files]
        self._segments = 0

    def add(self, part: Sketched, out: int) -> None:
        """The next range; its running sums go to the descriptor `out`."""
        for number, (subtrees, relative) in enumerate(zip(part.subtrees, part.sums, strict=True)):
            for hash_, level in subtrees:
                self._trees[number].push(hash_, level)
            running = relative + self._before[number]  # wraps, as the sums themselves do
            self._rows[number].push(running)
            self._before[number] = running[-1]
            at = (number * self._shape.segments + self._segments) * 4 * COLUMNS
            os.pwrite(out, running.astype(">i4").tobytes(), at)
        self._segments += len(part.sums[0])

    def finished(self) -> Iterator[tuple[tuple[int, File], Hash, NDArray[np.int32], Hash]]:
        """(row and file), root of its running sums, sketch, root of its leaves."""
        for number, entry in enumerate(self._files):
            yield entry, self._rows[number].root(), self._before[number], self._trees[number].root()
