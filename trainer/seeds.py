"""Seeds and random bits that are equal on every machine and after every restart.

A seed decides a whole round: batches, rounding, and a dishonest producer's noise. So an update that was lost
in a crash is made again to the bit, and its seal still opens.
"""

from __future__ import annotations

from collections.abc import Iterator
from hashlib import sha256

import numpy as np
from numpy.typing import NDArray

CHUNK = 1 << 20  # random words held at once: 8 MiB, however long the update


def derive(seed: bytes, *labels: bytes | str | int) -> bytes:
    """32 bytes that depend on `seed` and each label; lengths are hashed, so labels cannot run together."""
    digest = sha256(b"fairtrain/seed/1")
    for label in (seed, *labels):
        part = label if isinstance(label, bytes) else str(label).encode()
        digest.update(len(part).to_bytes(8, "big") + part)
    return digest.digest()


def round_seed(seed: bytes, project: bytes, round_: int) -> bytes:
    """Seed of one trainer in one round of one project."""
    return derive(seed, "round", project, round_)


def words(seed: bytes, count: int) -> Iterator[NDArray[np.uint64]]:
    """`count` uniform 64-bit words in chunks: raw Philox (Salmon et al., 2011), a stream numpy guarantees."""
    bits = np.random.Philox(key=int.from_bytes(derive(seed, "philox")[:16], "big"))
    for start in range(0, count, CHUNK):
        yield bits.random_raw(min(CHUNK, count - start))


def generator(seed: bytes) -> np.random.Generator:
    """numpy generator for choices that need not be equal across numpy releases (order of batches, splits)."""
    return np.random.Generator(np.random.PCG64(int.from_bytes(seed, "big")))
