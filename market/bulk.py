"""Keccak-256 of many equal-sized messages at once, compiled; the plain definitions are in `market.merkle`.

About 0.6 us a permutation and thread, without the interpreter lock. Importing this module costs numba's
import; callers with a handful of leaves use `market.merkle` alone.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numba import njit
from numpy.typing import NDArray

Bytes = NDArray[np.uint8]

_RATE: Final = 136
_U: Final = np.uint64
# fmt: off
_ROUND_CONSTANTS: Final = np.array([
    0x0000000000000001, 0x0000000000008082, 0x800000000000808A, 0x8000000080008000,
    0x000000000000808B, 0x0000000080000001, 0x8000000080008081, 0x8000000000008009,
    0x000000000000008A, 0x0000000000000088, 0x0000000080008009, 0x000000008000000A,
    0x000000008000808B, 0x800000000000008B, 0x8000000000008089, 0x8000000000008003,
    0x8000000000008002, 0x8000000000000080, 0x000000000000800A, 0x800000008000000A,
    0x8000000080008081, 0x8000000000008080, 0x0000000080000001, 0x8000000080008008], dtype=np.uint64)
_ROTATIONS: Final = np.array(
    [1, 3, 6, 10, 15, 21, 28, 36, 45, 55, 2, 14, 27, 41, 56, 8, 25, 43, 62, 18, 39, 61, 20, 44],
    dtype=np.uint64)
_LANES: Final = np.array(
    [10, 7, 11, 17, 18, 3, 5, 16, 8, 21, 24, 4, 15, 23, 19, 13, 12, 2, 20, 14, 22, 9, 6, 1])
# fmt: on


@njit(cache=True, nogil=True)
def _permute(s: Any, column: Any) -> None:
    """Keccak-f[1600] on 25 lanes in place (FIPS 202, section 3.3); `column` is scratch of 5."""
    for step in range(24):
        for i in range(5):
            column[i] = s[i] ^ s[i + 5] ^ s[i + 10] ^ s[i + 15] ^ s[i + 20]
        for i in range(5):
            right = column[(i + 1) % 5]
            t = column[(i + 4) % 5] ^ ((right << _U(1)) | (right >> _U(63)))
            for j in range(0, 25, 5):
                s[i + j] ^= t
        t = s[1]
        for i in range(24):
            lane, n = _LANES[i], _ROTATIONS[i]
            kept = s[lane]
            s[lane] = (t << n) | (t >> (_U(64) - n))
            t = kept
        for j in range(0, 25, 5):
            a, b, c, d, e = s[j], s[j + 1], s[j + 2], s[j + 3], s[j + 4]
            s[j] = a ^ (~b & c)
            s[j + 1] = b ^ (~c & d)
            s[j + 2] = c ^ (~d & e)
            s[j + 3] = d ^ (~e & a)
            s[j + 4] = e ^ (~a & b)
        s[0] ^= _ROUND_CONSTANTS[step]


@njit(cache=True, nogil=True)
def _hash_rows(messages: Any, prefix: Any, index_at: int, first_index: int, out: Any) -> None:
    """out[i] = keccak(prefix || messages[i]); `index_at` >= 0: where in prefix the index stands."""
    rows, size = messages.shape
    head = prefix.shape[0]
    padded = ((head + size) // _RATE + 1) * _RATE
    buffer = np.zeros(padded, np.uint8)
    words = buffer.view(np.uint64)
    buffer[:head] = prefix
    state, column = np.zeros(25, np.uint64), np.zeros(5, np.uint64)
    digest = state.view(np.uint8)
    for row in range(rows):
        buffer[head : head + size] = messages[row]
        if index_at >= 0:
            index = first_index + row
            for k in range(8):
                buffer[index_at + 7 - k] = np.uint8((index >> (8 * k)) & 255)
        buffer[head + size :] = 0
        buffer[head + size] = 1
        buffer[padded - 1] |= np.uint8(128)
        state[:] = 0
        for block in range(0, padded // 8, _RATE // 8):
            for k in range(_RATE // 8):
                state[k] ^= words[block + k]
            _permute(state, column)
        out[row] = digest[:32]


def _run(messages: Bytes, prefix: bytes, index_at: int, first_index: int) -> Bytes:
    out = np.empty((len(messages), 32), np.uint8)
    head = np.frombuffer(prefix, np.uint8)
    _hash_rows(np.ascontiguousarray(messages), head, index_at, first_index, out)
    return out


def leaf_hashes(first_index: int, data: Bytes, tag: bytes = b"") -> Bytes:
    """Hashes of leaves `first_index ..` whose contents are `tag ||` the rows of `data` (uint8, n x size).

    Returns uint8, n x 32; row i is `merkle.leaf_hash(first_index + i, tag + data[i])`.
    """
    return _run(data, b"\x00" + bytes(8) + tag, 1, first_index)


def parents(level: Bytes) -> Bytes:
    """The nodes above an even number of hashes: uint8, 2n x 32 -> n x 32."""
    return _run(level.reshape(-1, 64), b"\x01", -1, 0)


def root_of_rows(hashes: Bytes, depth: int) -> bytes:
    """Root of a tree of this depth over leaf hashes (uint8, n x 32, n <= 2^depth), the rest absent."""
    from market.merkle import absent_root

    if len(hashes) > 1 << depth:
        raise ValueError(f"{len(hashes)} leaves do not fit depth {depth}")
    if len(hashes) == 0:
        return absent_root(depth)
    for level in range(depth):
        if len(hashes) % 2:
            hashes = np.concatenate([hashes, np.frombuffer(absent_root(level), np.uint8)[None]])
        hashes = parents(hashes)
    return bytes(hashes[0].tobytes())


def seeded_hashes(seed: bytes, first: int, count: int) -> Bytes:
    """keccak(seed || uint256 b) for b = first .. first + count - 1 < 2^63: uint8, count x 32."""
    return _run(np.empty((count, 0), np.uint8), seed + bytes(32), 32 + 24, first)
