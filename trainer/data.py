"""Private data of one trainer: adapters for common formats, and splits that a seed decides.

A specification is a path or the name of a bundled set, with options:

    mine.csv?label=species        CSV; the label is the last column unless named
    mine.npz                      arrays X and y
    X.npy?labels=y.npy            two files
    photos/                       one folder of pictures per class
    sklearn:digits?part=3&parts=10&alpha=0.5&seed=0     a shard of a bundled set

`test=1` gives the held-out fifth, `test=0` the rest; bundled sets default to `test=0`, files to all rows.
`parts` cuts what is left into shards: evenly, by `alpha` (Dirichlet) or by `sizes=1:2:4:8`. `limit=100` keeps
the first 100. Nothing is ever unpickled, and scaling comes from the description, never from the data.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from urllib.parse import parse_qsl

import numpy as np
from numpy.typing import NDArray

from market.description import Description
from market.errors import InputError
from trainer import readers
from trainer.seeds import derive, generator

HELD_OUT = 0.2
OPTIONS = {"test", "part", "parts", "alpha", "sizes", "seed", "limit", "label", "labels"}


@dataclass(frozen=True)
class Dataset:
    """`inputs` float32 [n, *shape], scaled as the description says; `labels` int64 [n], class numbers."""

    inputs: NDArray[np.float32]
    labels: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.labels)

    def take(self, rows: NDArray[np.int64]) -> Dataset:
        """The samples at `rows`, in that order."""
        return Dataset(self.inputs[rows], self.labels[rows])


def load(specification: str, description: Description) -> Dataset:
    """Read, check, scale, split. Raises InputError E125 (the specification) or E126 (the data)."""
    source, options = parse_specification(specification)
    raw_inputs, raw_labels = readers.read(source, options, description.data.shape)
    dataset = Dataset(_scaled(raw_inputs, description), _class_numbers(raw_labels, description.data.labels))
    if len(dataset.inputs) != len(dataset):
        raise InputError("E126", f"{source}: {len(dataset.inputs)} samples but {len(dataset)} labels")
    rows = select(dataset.labels, options, bundled=source.startswith(readers.BUNDLED))
    if len(rows) == 0:
        raise InputError("E126", f"{specification}: no samples; check the file and the options")
    return dataset.take(rows)


def parse_specification(specification: str) -> tuple[str, dict[str, str]]:
    """Source and options. A file whose name holds a question mark is taken whole. Raises InputError E125."""
    source, mark, query = specification.rpartition("?")
    if not mark or Path(specification).exists():
        return specification, {}
    try:
        pairs = parse_qsl(query, keep_blank_values=True, strict_parsing=True)
    except ValueError:
        raise InputError("E125", f"options {query!r} are not key=value&key=value") from None
    options = dict(pairs)
    if unknown := sorted(options.keys() - OPTIONS):
        raise InputError("E125", f"unknown option {unknown[0]!r}; known: {', '.join(sorted(OPTIONS))}")
    if len(options) != len(pairs):
        raise InputError("E125", f"an option stands twice in {query!r}")
    return source, options


def select(labels: NDArray[np.int64], options: dict[str, str], bundled: bool) -> NDArray[np.int64]:
    """Row numbers that the options leave, in shuffled order decided by `seed`. Raises InputError E125."""
    seed = derive(b"data", _integer(options, "seed", 0, 0, 1 << 63))
    rows = np.arange(len(labels), dtype=np.int64)
    if bundled or "test" in options:
        kept, held_out = train_test_split(len(labels), seed)
        rows = held_out if _integer(options, "test", 0, 0, 1) else kept
    if "parts" in options or "sizes" in options:
        rows = _shard(labels, rows, options, seed)
    elif stray := options.keys() & {"part", "alpha"}:
        raise InputError("E125", f"option {min(stray)} needs parts=N")
    return rows[: _integer(options, "limit", 1 << 62, 1, 1 << 62)]


def _shard(
    labels: NDArray[np.int64], rows: NDArray[np.int64], options: dict[str, str], seed: bytes
) -> NDArray[np.int64]:
    if "sizes" in options:
        if "parts" in options or "alpha" in options:
            raise InputError("E125", "sizes fixes the parts; leave out parts and alpha")
        texts = options["sizes"].split(":")
        if not all(text.isascii() and text.isdigit() and 0 < int(text[:7]) < 10**6 for text in texts):
            raise InputError("E125", f"sizes must be like 1:2:4:8, got {options['sizes']!r}")
        shards = sized_partition(len(rows), [int(text) for text in texts], seed)
    else:
        parts = _integer(options, "parts", 1, 1, 1_024)
        if "alpha" in options:
            shards = dirichlet_partition(labels[rows], parts, _alpha(options["alpha"]), seed)
        else:
            shards = sized_partition(len(rows), [1] * parts, seed)
    return rows[shards[_integer(options, "part", None, 0, len(shards) - 1)]]


def train_test_split(count: int, seed: bytes) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Row numbers of the training part and of the held-out fifth; disjoint, together all rows."""
    order = generator(derive(seed, "test")).permutation(count)
    held_out = round(count * HELD_OUT)
    return order[held_out:], order[:held_out]


def dirichlet_partition(
    labels: NDArray[np.int64], parts: int, alpha: float, seed: bytes, minimum: int = 8
) -> list[NDArray[np.int64]]:
    """Uneven shards: each class is split in proportions drawn from Dirichlet(alpha) (Hsu et al., 2019).

    Every shard has at least `minimum` rows: short ones are filled from the largest. Raises InputError E126.
    """
    if len(labels) < parts * minimum:
        raise InputError("E126", f"{len(labels)} samples are too few for {parts} parts of at least {minimum}")
    random = generator(derive(seed, "dirichlet"))
    shards: list[list[int]] = [[] for _ in range(parts)]
    for label in np.unique(labels):
        rows = random.permutation(np.flatnonzero(labels == label))
        cuts = (np.cumsum(random.dirichlet(np.full(parts, alpha)))[:-1] * len(rows)).astype(int)
        for shard, piece in zip(shards, np.split(rows, cuts), strict=True):
            shard.extend(piece.tolist())
    for shard in shards:
        while len(shard) < minimum:
            largest = max(shards, key=len)
            shard.append(largest.pop(int(random.integers(len(largest)))))
    return [random.permutation(np.array(shard, dtype=np.int64)) for shard in shards]


def sized_partition(count: int, sizes: list[int], seed: bytes) -> list[NDArray[np.int64]]:
    """Shards of one distribution, sizes in proportion; what rounding leaves over goes to the last."""
    if count < sum(sizes):
        raise InputError("E126", f"{count} samples are too few for sizes {sizes}")
    order = generator(derive(seed, "sized")).permutation(count)
    ends = np.cumsum([count * size // sum(sizes) for size in sizes])[:-1]
    return list(np.split(order, ends))


def _scaled(raw: NDArray[np.generic], description: Description) -> NDArray[np.float32]:
    shape = description.data.shape
    if raw.dtype.kind not in "biuf":
        raise InputError("E126", f"inputs are {raw.dtype}, expected numbers")
    if raw.ndim < 1 or raw[:1].size != np.prod(shape):
        raise InputError("E126", f"a sample has shape {list(raw.shape[1:])}, the project takes {list(shape)}")
    values = raw.astype(np.float64).reshape(-1, *shape)
    subtract = np.array(description.data.subtract, dtype=np.float64)
    with np.errstate(over="ignore"):  # infinite is refused below, with its place
        scaled = ((values - subtract) / np.array(description.data.divide_by, np.float64)).astype(np.float32)
    if not (finite := np.isfinite(scaled)).all():
        row = int(np.argwhere(~finite)[0][0])
        raise InputError("E126", f"sample {row} holds a value that is not finite (missing or too large)")
    return scaled


def _class_numbers(raw: NDArray[np.generic], names: tuple[str, ...]) -> NDArray[np.int64]:
    """Labels as text are matched to the project's names; integers that match no name are class numbers."""
    if raw.ndim != 1:
        raise InputError("E126", f"labels have shape {list(raw.shape)}, expected one label for each sample")
    if raw.dtype.kind == "f" and np.isfinite(raw).all() and (raw == np.floor(raw)).all():
        raw = raw.astype(np.int64)
    numbers = {name: index for index, name in enumerate(names)}
    if not any(name.lstrip("-").isdigit() for name in names) and raw.dtype.kind in "iu":
        numbers = {str(index): index for index in range(len(names))}
    values, places = np.unique(raw, return_inverse=True)
    texts = [str(value) for value in values]
    if unknown := [text for text in texts if text not in numbers]:
        raise InputError("E126", f"label {unknown[0]!r} is not one of the project's: {', '.join(names[:12])}")
    return np.array([numbers[text] for text in texts], dtype=np.int64)[places]


def _integer(options: dict[str, str], key: str, default: int | None, low: int, high: int) -> int:
    text = options.get(key, "" if default is None else str(default))
    if not (text.isascii() and text.isdigit() and len(text) < 20 and low <= int(text) <= high):
        raise InputError("E125", f"{key} must be a whole number from {low} to {high}, got {text!r}")
    return int(text)


def _alpha(text: str) -> float:
    try:
        alpha = float(text)
    except ValueError:
        alpha = 0.0
    if not 0.001 <= alpha <= 1e6:
        raise InputError("E125", f"alpha must be a number from 0.001 to 1000000, got {text!r}")
    return alpha
