"""Who makes the update of a round: the honest trainer, and dishonest ones that the market has to survive.

A producer is a function of a `Context`. It returns an int16 [d] array, or a `Production` if it carries a
residual to its next round. It must be deterministic: a process killed after its seal makes the update again.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from market.description import Description
from market.errors import InputError, UpdateError
from trainer.data import Dataset
from trainer.local import Progress, train_round
from trainer.quantise import HIGHEST, LOWEST, Float32, Int16, Quantised, quantise, shrunk_to_fit
from trainer.seeds import derive, words

log = logging.getLogger(__name__)
FIRST_NOISE = 64.0  # LSB: what those who have nothing to copy send in round 1
LOUD_NOISE = 1_024.0  # LSB: about the size of an honest coefficient in the default project


@dataclass(frozen=True)
class Context:
    """All that one seat knows when it makes an update.

    `seed`: 32 bytes, this seat's secret for the project (the round is mixed in here). `base`: int32 [d or
    d_pad]. `last_delta`: int16 [d or d_pad] of the round below, None in round 1. `peers`: seat -> its last
    revealed update, int16 [d or d_pad]; may be lazy, an entry is read only when asked for. `residual`:
    float32 [d] carried from the round before, or None.
    """

    round: int
    seat: int
    seed: bytes
    base: NDArray[np.int32]
    data: Dataset
    description: Description
    last_delta: Int16 | None = None
    peers: Mapping[int, Int16] = field(default_factory=dict)
    residual: Float32 | None = None
    device: str = "auto"
    progress: Progress | None = None

    def secret(self, label: str) -> bytes:
        """32 bytes for one purpose in this round."""
        return derive(self.seed, label, self.round)


@dataclass(frozen=True)
class Production:
    """An update int16 [d], the residual for the next round, and how the rounding went (None: not rounded)."""

    update: Int16
    residual: Float32 | None = None
    rounding: Quantised | None = None


Producer = Callable[[Context], Production | Int16]


def honest(context: Context) -> Production:
    """Train on own data, round, carry the remainder. What int16 cannot hold is shrunk, with a warning."""
    exponent = context.description.lsb_exponent
    trained = train_round(
        context.base,
        context.data,
        context.description,
        context.secret("train"),
        context.device,
        context.progress,
    )
    delta = shrunk_to_fit(trained, exponent)
    if delta is not trained:
        factor = float(np.linalg.norm(delta) / np.linalg.norm(trained))
        log.warning("update is too large for 2^-%d in int16; sending %.2f of it", exponent, factor)
    rounded = quantise(delta, context.residual, exponent, context.secret("rounding"))
    return Production(rounded.update, rounded.residual, rounded)


def sign_flip(context: Context) -> Production:
    """The exact opposite of what an honest trainer would send."""
    trained = honest(context)
    return Production(_int16(-trained.update.astype(np.float64)), trained.residual, trained.rounding)


def free_rider(context: Context) -> Int16:
    """The last global delta again, with a tenth of its size as noise to look different. No training."""
    if context.last_delta is None:
        return noise(context, FIRST_NOISE)
    seen = context.last_delta[: context.description.d].astype(np.float64)
    size = 0.1 * float(np.sqrt(np.mean(np.square(seen))))
    return _int16(seen + _noise(context, size))


def copier(context: Context) -> Int16:
    """A peer's revealed update of the round before, to the bit; the seed prefers one peer for good."""
    ranked = sorted(context.peers, key=lambda seat: derive(context.seed, "peer", seat))
    victim = next((seat for seat in ranked if seat != context.seat), None)
    if victim is None:
        return noise(context, FIRST_NOISE)
    return context.peers[victim][: context.description.d].copy()


def zero(context: Context) -> Int16:
    """Nothing at all."""
    return np.zeros(context.description.d, dtype=np.int16)


def noise(context: Context, size: float = LOUD_NOISE) -> Int16:
    """Random numbers of `size` LSB (root mean square)."""
    return _int16(_noise(context, size))


PRODUCERS: dict[str, Producer] = {
    "honest": honest,
    "sign-flip": sign_flip,
    "free-rider": free_rider,
    "copier": copier,
    "zero": zero,
    "noise": noise,
}


def find(name: str) -> Producer:
    """A producer by name. Raises InputError E125."""
    if name not in PRODUCERS:
        raise InputError("E125", f"no producer {name!r}; there are {', '.join(PRODUCERS)}")
    return PRODUCERS[name]


def produce(producer: Producer, context: Context) -> Production:
    """Run a producer and check what it returns. Raises UpdateError E121, E122, or what training does."""
    made = producer(context)
    production = made if isinstance(made, Production) else Production(made)
    if production.update.dtype != np.int16:
        raise UpdateError("E122", f"dtype: got {production.update.dtype}, expected int16")
    if production.update.shape != (context.description.d,):
        raise UpdateError(
            "E121", f"shape: got {production.update.shape}, expected ({context.description.d},)"
        )
    return production


def _int16(values: NDArray[np.float64]) -> Int16:
    return np.clip(np.rint(values), LOWEST, HIGHEST).astype(np.int16)


def _noise(context: Context, size: float) -> NDArray[np.float64]:
    """Sums of four uniforms: nearly normal, and equal on every machine, which a library's normals are not."""
    sums = []
    for chunk in words(context.secret("noise"), context.description.d):
        quarters = chunk.view(np.uint16).reshape(-1, 4).astype(np.float64)
        sums.append(quarters.sum(axis=1) / 65_536 - 2.0)
    nearly_normal: NDArray[np.float64] = np.concatenate(sums) * (size * np.sqrt(3.0))
    return nearly_normal
