"""Train on own data without sending anything: would this trainer's updates be fit to send?"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from market.description import Description
from market.errors import InputError
from market.initial import initial_model
from trainer.data import Dataset, train_test_split
from trainer.evaluate import evaluate
from trainer.local import Progress, train_round
from trainer.quantise import quantise
from trainer.seeds import derive, round_seed

MANY_VANISH = 0.5


@dataclass(frozen=True)
class DryRun:
    """Figures of a dry run: fractions and norm (in weights) of the worst round, accuracy on held-out rows."""

    samples: int
    held_out: int
    parameters: int
    rounds: int
    saturated: float
    vanished: float
    update_norm: float
    step_bound: float
    accuracy_before: float
    accuracy_after: float
    loss_before: float
    loss_after: float
    warnings: tuple[str, ...]


def dry_run(
    description: Description,
    data: Dataset,
    seed: bytes,
    rounds: int = 1,
    base: NDArray[np.int32] | None = None,
    device: str = "auto",
    progress: Progress | None = None,
) -> DryRun:
    """Train `rounds` rounds alone on four fifths of `data` and measure on the last fifth.

    `base` int32 [d or d_pad], else the first model. Raises UpdateError E120 (diverged) or E123 (more than
    0.1 % saturated), InputError E126 for fewer than 5 samples, DocumentError E183 without any base.
    """
    if len(data) < 5:
        raise InputError("E126", f"{len(data)} samples are too few to hold some out, at least 5")
    kept, held_out = train_test_split(len(data), derive(seed, "dry run"))
    own, unseen = data.take(kept), data.take(held_out)
    first = initial_model(description) if base is None else base
    model, residual = first.copy(), None
    saturated = vanished = norm = 0.0
    for round_ in range(1, rounds + 1):
        secret = round_seed(seed, b"dry run", round_)
        delta = train_round(model, own, description, secret, device, progress)
        rounded = quantise(delta, residual, description.lsb_exponent, secret)
        residual = rounded.residual
        model[: description.d] = _added(model[: description.d], rounded.update)
        saturated = max(saturated, rounded.saturated_fraction)
        vanished = max(vanished, rounded.vanished_fraction)
        norm = max(norm, float(np.linalg.norm(delta)))
    before, after = evaluate(first, unseen, description), evaluate(model, unseen, description)
    bound = float(description.training.step_bound)
    return DryRun(
        samples=len(data),
        held_out=len(unseen),
        parameters=description.d,
        rounds=rounds,
        saturated=saturated,
        vanished=vanished,
        update_norm=norm,
        step_bound=bound,
        accuracy_before=before[0],
        accuracy_after=after[0],
        loss_before=before[1],
        loss_after=after[1],
        warnings=_warnings(vanished, norm, bound, before[1], after[1]),
    )


def _added(model: NDArray[np.int32], update: NDArray[np.int16]) -> NDArray[np.int32]:
    limits = np.iinfo(np.int32)
    summed: NDArray[np.int64] = np.clip(model.astype(np.int64) + update, limits.min, limits.max)
    return summed.astype(np.int32)


def _warnings(vanished: float, norm: float, bound: float, before: float, after: float) -> tuple[str, ...]:
    found = []
    if vanished > MANY_VANISH:
        found.append(
            f"{vanished:.0%} of the coefficients round to zero; train more steps or ask for a finer LSB"
        )
    if norm >= bound * 0.999:
        found.append(f"the update reaches the project's step bound of {bound:g} and is shortened")
    if after >= before:
        found.append(f"training did not lower the loss on held-out data ({before:.4f} to {after:.4f})")
    return tuple(found)
