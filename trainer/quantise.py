"""Float update -> int16 file contents: stochastic rounding, the remainder carried to the next round.

The protocol knows only integers, so this is where a trainer's floats end. Rounding up with probability equal
to the fraction keeps the expectation (Gupta et al., 2015), and what rounding lost is added to the next update
(error feedback: Seide et al., 2014), so that steps far below one LSB still arrive.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from market.errors import InputError, UpdateError
from trainer.seeds import CHUNK, words

Float32 = NDArray[np.float32]
Int16 = NDArray[np.int16]
LOWEST, HIGHEST = -32_768, 32_767
MAX_SATURATED_PERMILLE = 1  # 0.1 %, protocol section 3
_CARRY_MAGIC = b"FTRES1\n\0"


@dataclass(frozen=True)
class Quantised:
    """`update` int16 [d], `residual` float32 [d] in LSB (below one in size), and two counts."""

    update: Int16
    residual: Float32
    saturated: int
    vanished: int

    @property
    def saturated_fraction(self) -> float:
        """Share of coefficients outside int16."""
        return self.saturated / len(self.update)

    @property
    def vanished_fraction(self) -> float:
        """Share of coefficients that moved, but were rounded to zero this time."""
        return self.vanished / len(self.update)


def quantise(delta: Float32, residual: Float32 | None, lsb_exponent: int, seed: bytes) -> Quantised:
    """Round `delta` (float32 [d], in weights) to int16 multiples of 2^-e, bit-reproducible from `seed`.

    Raises UpdateError: E120 non-finite, E121 shape, E122 dtype, E123 more than 0.1 % saturated.
    """
    _check(delta, residual)
    update = np.empty(len(delta), dtype=np.int16)
    carried = np.empty(len(delta), dtype=np.float32)
    saturated = vanished = 0
    for index, random in enumerate(words(seed, len(delta))):
        part = slice(index * CHUNK, index * CHUNK + len(random))
        # float64 holds delta * 2^e + residual and its floor without rounding for all that fits int16
        wanted = delta[part].astype(np.float64) * 2.0**lsb_exponent
        if residual is not None:
            wanted += residual[part]
        floor = np.floor(wanted)
        rounded = floor + ((random >> np.uint64(11)) * 2.0**-53 < wanted - floor)
        kept = np.clip(rounded, LOWEST, HIGHEST)
        update[part] = kept.astype(np.int16)
        # what saturates is dropped: carried on, it would saturate again, on top of another base
        carried[part] = np.where(kept == rounded, wanted - kept, 0.0)
        saturated += int(np.count_nonzero(kept != rounded))
        vanished += int(np.count_nonzero((kept == 0) & (delta[part] != 0)))
    _check_saturation(delta, saturated, lsb_exponent)
    return Quantised(update, carried, saturated, vanished)


def dequantise(update: Int16, lsb_exponent: int) -> Float32:
    """int16 [d] -> float32 [d] in weights; exact."""
    return np.ldexp(update.astype(np.float32), -lsb_exponent)


def _check(delta: Float32, residual: Float32 | None) -> None:
    for array in (delta,) if residual is None else (delta, residual):
        if array.dtype != np.float32:
            raise UpdateError("E122", f"dtype: got {array.dtype}, expected float32")
        if array.ndim != 1 or array.shape != delta.shape or len(array) == 0:
            expected = "(d,)" if array is delta else str(delta.shape)
            raise UpdateError("E121", f"shape: got {array.shape}, expected {expected}")
        if not np.isfinite(array).all():
            index = int(np.flatnonzero(~np.isfinite(array))[0])
            raise UpdateError(
                "E120", f"non-finite value at index {index} ({array[index]}); lower the learning rate"
            )


def _check_saturation(delta: Float32, saturated: int, lsb_exponent: int) -> None:
    if saturated * 1_000 <= MAX_SATURATED_PERMILLE * len(delta):
        return
    index = int(np.argmax(np.abs(delta)))
    limit = HIGHEST * 2.0**-lsb_exponent
    raise UpdateError(
        "E123",
        f"value {delta[index]:.6g} at index {index} exceeds +-{limit:.6g}; rescale or clip explicitly "
        f"({saturated} of {len(delta)} values do, 0.1 % may; try fewer local steps or a lower learning rate)",
    )


def shrunk_to_fit(delta: Float32, lsb_exponent: int) -> Float32:
    """`delta` scaled down, direction kept, until no more than 0.1 % of it saturates; unchanged if it fits."""
    spared = MAX_SATURATED_PERMILLE * len(delta) // 1_000
    sizes = np.abs(delta)
    largest = float(np.partition(sizes, len(sizes) - 1 - spared)[len(sizes) - 1 - spared])
    room = (HIGHEST - 2) * 2.0**-lsb_exponent  # the carried residual and rounding up add less than 2
    return delta if largest <= room else (delta * np.float32(room / largest)).astype(np.float32)


@dataclass(frozen=True)
class Carry:
    """The residual that `round` started from and the one it left: float32 [d], None for all zeros.

    Both are kept: a process that is killed and makes the same round again must start from the same residual,
    or its update would not open the seal that is already on chain.
    """

    round: int = 0
    start: Float32 | None = None
    left: Float32 | None = None

    def into(self, round_: int) -> Float32 | None:
        """What `round_` starts from. Rounds may be skipped; one below the kept one starts from nothing."""
        return self.start if round_ == self.round else self.left if round_ > self.round else None

    def to_bytes(self) -> bytes:
        """Contents of the file to keep (write it atomically): header, round, then little-endian float32."""
        kept = [part for part in (self.start, self.left) if part is not None]
        flags = bytes([self.start is not None, self.left is not None])
        parts = b"".join(part.astype("<f4").tobytes() for part in kept)
        return _CARRY_MAGIC + self.round.to_bytes(8, "big") + flags + parts

    @classmethod
    def from_bytes(cls, kept: bytes, d: int) -> Carry:
        """Reads `to_bytes`. Raises InputError E124 for bytes that are not a residual of `d` coefficients."""
        magic, header = kept[: len(_CARRY_MAGIC)], len(_CARRY_MAGIC) + 10
        flags = kept[header - 2 : header]
        if (
            magic != _CARRY_MAGIC
            or len(flags) != 2
            or max(flags) > 1
            or len(kept) != header + 4 * d * sum(flags)
        ):
            raise InputError(
                "E124", f"residual: {len(kept)} bytes that are not of {d} coefficients; delete them"
            )
        values = np.frombuffer(kept, dtype="<f4", offset=header).astype(np.float32)
        start = values[:d] if flags[0] else None
        left = values[len(values) - d :] if flags[1] else None
        return cls(int.from_bytes(kept[header - 10 : header - 2], "big"), start, left)
