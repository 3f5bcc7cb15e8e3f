"""What a data file holds, for an owner who writes a project description. Entry point group `fairtrain.data`.

Only built-in types cross this border, so that `market` needs no numpy of ours and no reader. The suggested
scaling becomes public with the project, so it is coarse: pictures are divided by their largest value, other
features are centred and spread by figures of two digits.
"""

from __future__ import annotations

from decimal import ROUND_HALF_EVEN, Decimal
from typing import Any

import numpy as np
from numpy.typing import NDArray

from market.errors import InputError
from trainer import readers
from trainer.data import parse_specification

MAX_LABELS = 1_024
PER_FEATURE_MAX = 256
"""More features share one scale: a description has at most 16 kB."""
WHOLE_SCALES = (1, 16, 255)
"""Largest values of common data sets of whole numbers from 0: bits, the bundled digits, bytes."""
DIGITS = 2
LARGEST = Decimal(10) ** 9
SMALLEST = Decimal(10) ** -9
"""Bounds of decimals in a description."""


def inspect_data(specification: str, shape: tuple[int, ...] = ()) -> dict[str, Any]:
    """Shape and labels of a data file and a scale that suits it.

    `specification` as in `trainer.data`; `shape` is what one sample is to be ([features] or [channels, height,
    width]), empty = as the file has it; folders of pictures need it. Gives `shape` and `labels` as lists,
    `samples` as a number, `subtract` and `divide_by` as lists of decimal texts with one entry (for all
    features) or one for each feature. Raises InputError E125 (the specification), E126 (the data).
    """
    source, options = parse_specification(specification)
    inputs, labels = readers.read(source, options, shape)
    found = shape or natural_shape(inputs, source)
    if inputs.dtype.kind not in "biuf":
        raise InputError("E126", f"{source}: inputs are {inputs.dtype}, expected numbers")
    if len(inputs) == 0 or len(inputs) != len(labels):
        raise InputError("E126", f"{source}: {len(inputs)} samples and {len(labels)} labels")
    if inputs[:1].size != np.prod(found):
        raise InputError(
            "E126", f"{source}: a sample has shape {list(inputs.shape[1:])}, it cannot be {list(found)}"
        )
    values = inputs.astype(np.float64).reshape(len(inputs), -1)
    if not (finite := np.isfinite(values)).all():
        row = int(np.argwhere(~finite)[0][0])
        raise InputError(
            "E126", f"{source}: sample {row} holds a value that is not finite; fill it or drop it"
        )
    subtract, divide_by = suggest_scale(values, per_feature=len(found) == 1)
    return {
        "shape": [int(size) for size in found],
        "labels": label_names(labels, source),
        "samples": len(inputs),
        "subtract": [plain(number) for number in subtract],
        "divide_by": [plain(number) for number in divide_by],
    }


def natural_shape(inputs: NDArray[np.generic], source: str) -> tuple[int, ...]:
    """Shape of a sample as a description names it; pictures without channels get one."""
    sizes = tuple(int(size) for size in inputs.shape[1:])
    if len(sizes) == 2:
        return (1, *sizes)
    if len(sizes) in (1, 3):
        return sizes
    raise InputError("E126", f"{source}: samples have shape {list(sizes)}; pass --shape")


def label_names(labels: NDArray[np.generic], source: str) -> list[str]:
    """Class names in order: numbers by value, texts by alphabet. Raises InputError E126."""
    if labels.ndim != 1:
        raise InputError("E126", f"{source}: labels have shape {list(labels.shape)}, expected one a sample")
    if labels.dtype.kind == "f":
        if not (np.isfinite(labels).all() and (labels == np.floor(labels)).all()):
            raise InputError(
                "E126", f"{source}: labels are fractions or missing; classes are needed, not measures"
            )
        labels = labels.astype(np.int64)
    names = [str(value) for value in np.unique(labels)]
    if not 2 <= len(names) <= MAX_LABELS:
        what = f"{len(names)} different labels, expected 2 to {MAX_LABELS}"
        raise InputError("E126", f"{source}: {what}; is --label the right column?")
    return names


def suggest_scale(
    values: NDArray[np.float64], per_feature: bool = True
) -> tuple[list[Decimal], list[Decimal]]:
    """What to subtract and to divide by for samples [n, features]: one entry for all, or one a feature.

    `per_feature=False` (pictures) always gives one. Raises InputError E126 for values that no decimal of a
    description can scale.
    """
    largest = values.max()
    whole = bool((values == np.floor(values)).all()) and values.min() == 0
    if whole and largest in WHOLE_SCALES:
        return [Decimal(0)], [Decimal(int(largest))]
    if not per_feature or values.shape[1] > PER_FEATURE_MAX:
        values = values.reshape(-1, 1)
    pairs = [
        _scale(mean, spread) for mean, spread in zip(values.mean(axis=0), values.std(axis=0), strict=True)
    ]
    return [centre for centre, _ in pairs], [spread for _, spread in pairs]


def _scale(mean: float, spread: float) -> tuple[Decimal, Decimal]:
    """Spread to two digits, and the mean to the digit of the spread's second one: finer does not help."""
    if max(abs(mean), spread) >= LARGEST:
        raise InputError(
            "E126", f"values around {mean:.3g} exceed a description's decimals; rescale the column"
        )
    divide_by = _rounded(Decimal(spread), DIGITS) if spread else Decimal(1)
    divide_by = max(divide_by, SMALLEST)
    step = max(Decimal(1).scaleb(divide_by.adjusted() - DIGITS + 1), SMALLEST)
    return (Decimal(mean) / step).quantize(Decimal(1), ROUND_HALF_EVEN) * step, divide_by


def _rounded(value: Decimal, digits: int) -> Decimal:
    return value.quantize(Decimal(1).scaleb(value.adjusted() - digits + 1), ROUND_HALF_EVEN)


def plain(value: Decimal) -> str:
    """A decimal without exponent and trailing zeros: `0.5`, `-120`, `0`."""
    text = f"{value:f}"
    text = text.rstrip("0").rstrip(".") if "." in text else text
    return "0" if text in ("", "-0") else text
