"""Sketches: 256 sums of signed, rotated rows of an update, the same signs and rotations for every file.

Count sketch with one hash a row (Charikar, Chen, Farach-Colton 2002), laid out for 256-bit words. A file is
cut into rows b of 256 coefficients. With `h_b = keccak(seed || uint256 b)`:

- rotation `r_b`: byte `b mod 32` (0 is the most significant) of `keccak(seed || uint256 (2^255 + b div 32))`;
- sign of column `k = 16 w + j`: bit `16 (15 - j) + w` of `h_b` (0 is the least significant), 1 = minus;
- `sketch[k] = sum over b of sign_b[k] * row_b[(k - r_b) mod 256]`, wrapping modulo 2^32.

The running sums after each segment of 16 leaves (64 rows) are what is posted; the last one is the sketch.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from typing import Any, Final

import numpy as np
from numba import njit
from numpy.typing import NDArray

from aggregator.rows import COLUMNS, SEGMENT
from market.bulk import leaf_hashes, seeded_hashes
from market.codec import LEAF
from market.keccak import keccak256
from market.merkle import Hash, TreeBuilder

SEGMENT_BYTES: Final = SEGMENT * LEAF * 2
"""Bytes of an update in a segment (32 KiB)."""
_ROWS: Final = SEGMENT * LEAF // COLUMNS
"""Rows of 256 in a full segment."""
_KEPT_ROWS: Final = 16 * _ROWS
"""Rows whose signs are kept together (256 KiB)."""


@njit(cache=True, nogil=True)
def _signs_of(hashes: Any, rotations: Any, out: Any) -> None:
    """out[b, c]: sign (int8) of coefficient c of row b, which lands in column (c + r_b) mod 256."""
    for b in range(hashes.shape[0]):
        r = rotations[b]
        # Bit 16 (15 - j) + w of the hash is in byte 2 j + (w < 8), counted from the most significant.
        for j in range(16):
            lane = (np.int32(hashes[b, 2 * j]) << 8) | np.int32(hashes[b, 2 * j + 1])
            for w in range(16):
                out[b, (16 * w + j - r) & 255] = 1 - 2 * ((lane >> w) & 1)


@njit(cache=True, nogil=True)
def _add_rows(values: Any, signs: Any, rotations: Any, sums: Any, out: Any) -> None:
    """Add rows (uint16 words of big-endian int16, n x 256) to `sums` (int32, 256); copied to `out[s]` after
    segment s.

    A row is added where its rotation begins in an accumulator of twice the width, which is folded once a
    segment: so the inner loop has no wrap-around and the compiler makes vector instructions of it.
    """
    wide = np.empty(512, np.int32)
    rows = values.shape[0]
    for first in range(0, rows, 64):
        wide[:] = 0
        for b in range(first, min(first + 64, rows)):
            target, row, sign = wide[rotations[b] : rotations[b] + 256], values[b], signs[b]
            for k in range(256):
                word = row[k]
                value = np.int16((word << np.uint16(8)) | (word >> np.uint16(8)))
                target[k] += np.int32(sign[k]) * np.int32(value)
        for k in range(256):
            sums[k] += wide[k] + wide[k + 256]
        out[first // 64] = sums


def rotations(seed: bytes, first_row: int, count: int) -> NDArray[np.int64]:
    """r_b for b = first_row .. first_row + count - 1."""
    words = range(first_row // 32, (first_row + count - 1) // 32 + 1)
    stream = b"".join(keccak256(seed + ((1 << 255) + word).to_bytes(32, "big")) for word in words)
    start = first_row % 32
    return np.frombuffer(stream, np.uint8)[start : start + count].astype(np.int64)


@lru_cache(maxsize=256)
def _turns(seed: bytes, first_row: int, count: int) -> tuple[NDArray[np.int8], NDArray[np.int64]]:
    """Signs and rotations of rows, kept (some 64 MiB): one hash a row costs more than adding the row, and all
    files of a round use the same."""
    turns, signs = rotations(seed, first_row, count), np.empty((count, COLUMNS), np.int8)
    _signs_of(seeded_hashes(seed, first_row, count), turns, signs)
    return signs, turns


class Sketcher:
    """Running sums of one file whose blocks of whole segments are pushed in order.

    From segment `first` on with the sums (int32 (256,)) before it, else from the beginning.
    """

    def __init__(self, seed: bytes, first: int = 0, before: NDArray[np.int32] | None = None) -> None:
        self._seed = seed
        self._row = first * _ROWS
        self.sums: NDArray[np.int32] = np.zeros(COLUMNS, np.int32)
        if before is not None:
            self.sums[:] = before

    def push(self, block: bytes) -> NDArray[np.int32]:
        """Add whole segments (only the last may be shorter); returns int32 (segments, 256) running sums."""
        values = np.frombuffer(block, "<u2").reshape(-1, COLUMNS)
        out = np.empty((-(-len(values) // _ROWS), COLUMNS), np.int32)
        for first in range(0, len(values), _KEPT_ROWS):
            part = values[first : first + _KEPT_ROWS]
            signs, turns = _turns(self._seed, self._row, len(part))
            _add_rows(part, signs, turns, self.sums, out[first // _ROWS :])
            self._row += len(part)
        return out


class SketchRow:
    """Subtree root of one row of the sketch tree, from running sums in order."""

    def __init__(self, poster: bytes, row: int, segment_bits: int) -> None:
        self._poster, self._next = poster, row << segment_bits
        self._tree = TreeBuilder(segment_bits)

    def push(self, sums: NDArray[np.int32]) -> None:
        """Append leaves for int32 (segments, 256) running sums."""
        data = sums.astype(">i4").view(np.uint8).reshape(len(sums), 4 * COLUMNS)
        for hash_ in leaf_hashes(self._next, data, self._poster):
            self._tree.push(hash_.tobytes())
        self._next += len(sums)

    def root(self) -> Hash:
        """Root of the row's subtree."""
        return self._tree.root()


def sketch_of(blocks: Iterator[bytes], seed: bytes) -> NDArray[np.int32]:
    """Sketch of a whole update given as blocks of whole segments: int32 (256,)."""
    sketcher = Sketcher(seed)
    for block in blocks:
        sketcher.push(block)
    return sketcher.sums
