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


@njit(cache=True, nogil=True)
def _add_rows(values: Any, hashes: Any, rotations: Any, sums: Any, out: Any) -> None:
    """Add rows (int16, big-endian, n x 256) to `sums` (int32, 256); copy it to `out[s]` after segment s."""
    signs = np.empty(256, np.int32)
    for b in range(values.shape[0]):
        # Bit 16 (15 - j) + w of the hash is in byte 2 j + (w < 8), counted from the most significant.
        for j in range(16):
            lane = (np.int32(hashes[b, 2 * j]) << 8) | np.int32(hashes[b, 2 * j + 1])
            for w in range(16):
                signs[16 * w + j] = 1 - 2 * ((lane >> w) & 1)
        r = rotations[b]
        for k in range(256 - r):
            sums[k + r] += signs[k + r] * np.int32(values[b, k])
        for k in range(256 - r, 256):
            sums[k + r - 256] += signs[k + r - 256] * np.int32(values[b, k])
        if b % 64 == 63 or b == values.shape[0] - 1:
            out[b // 64] = sums


def rotations(seed: bytes, first_row: int, count: int) -> NDArray[np.int64]:
    """r_b for b = first_row .. first_row + count - 1."""
    words = range(first_row // 32, (first_row + count - 1) // 32 + 1)
    stream = b"".join(keccak256(seed + ((1 << 255) + word).to_bytes(32, "big")) for word in words)
    start = first_row % 32
    return np.frombuffer(stream, np.uint8)[start : start + count].astype(np.int64)


class Sketcher:
    """Running sums of one file whose blocks of whole segments are pushed in order."""

    def __init__(self, seed: bytes) -> None:
        self._seed = seed
        self._row = 0
        self.sums: NDArray[np.int32] = np.zeros(COLUMNS, np.int32)

    def push(self, block: bytes) -> NDArray[np.int32]:
        """Add whole segments (only the last may be shorter); returns int32 (segments, 256) running sums."""
        values = np.frombuffer(block, ">i2").astype(np.int16).reshape(-1, COLUMNS)
        hashes = seeded_hashes(self._seed, self._row, len(values))
        turns = rotations(self._seed, self._row, len(values))
        out = np.empty((-(-len(values) // _ROWS), COLUMNS), np.int32)
        _add_rows(values, hashes, turns, self.sums, out)
        self._row += len(values)
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
