"""What a worker does with a range of leaves: pure functions of files, done anywhere and as often as need be.

A worker reads its range from the same paths as everybody (one machine, or a file system that all see) and sends back
hashes and running sums, 3 % of what it read; deltas and models it writes at their place itself. Work that is done
twice writes the same bytes, so a lost worker costs time only.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from aggregator.aggregate import Range, summed
from aggregator.rows import COLUMNS, SEGMENT
from aggregator.sketch import Sketcher
from market.bulk import leaf_hashes, root_of_rows
from market.codec import LEAF, MODEL, UPDATE, Kind, decode, leaves_of, open_regular
from market.errors import UpdateError
from market.merkle import Hash

Subtrees = Sequence[tuple[Hash, int]]
"""Roots and levels of neighbouring subtrees, in order."""
SUMS_BYTES: Final = 4 * COLUMNS
"""Bytes of the running sums of a segment."""
BLOCK: Final = 16 * SEGMENT
"""Leaves read at once: as in one process, so that signs are kept for the same rows."""


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
class Hashing:
    """`count` running sums from byte `at` of their file on; the first is leaf `first` of the poster's sketch tree."""

    sums: Path
    at: int
    poster: bytes
    first: int
    count: int


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
        for at in range(task.first, task.first + task.count, BLOCK):
            block = file.read(min(BLOCK, task.first + task.count - at) * UPDATE.leaf_bytes())
            hashes.append(leaf_hashes(at, np.frombuffer(block, np.uint8).reshape(-1, UPDATE.leaf_bytes())))
            sums.append(sketcher.push(block))
    if task.first + task.count == leaves_of(task.d):
        decode(
            block[-UPDATE.leaf_bytes() :], (task.d - 1) % LEAF + 1, UPDATE
        )  # refuses padding that is not zero
    return pieces(np.concatenate(hashes)), np.concatenate(sums)


def hash_range(task: Hashing) -> Subtrees:
    """Subtrees over running sums in their file."""
    with task.sums.open("rb") as file:
        file.seek(task.at)
        data = np.frombuffer(file.read(task.count * SUMS_BYTES), np.uint8)
    return pieces(leaf_hashes(task.first, data.reshape(-1, SUMS_BYTES), task.poster))


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
