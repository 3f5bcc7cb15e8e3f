"""Speed of judging, as ratios to what memory and plain floats can do on the same machine in the same run.

    python -m benchmarks.aggregate [--seats 50] [--parameters 1000000] [--report FILE]

Updates lie in memory, one thread. Beside each other: a copy of all bytes; sketches of all updates; Gram matrix,
rule and pay; the weighted sum; a plain float32 average, which decides nothing; nearest-neighbour mixing with
multi-Krum (Allouah et al. 2023, Blanchard et al. 2017) in float32, written as one Gram product and one
weighted sum. Root checks and trees are not part of it: `benchmarks.round_size` shows a whole round.
"""

from __future__ import annotations

import argparse
import json
import os
import time
from collections.abc import Callable
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import numpy as np
from numpy.typing import NDArray

from aggregator.aggregate import rounded, scaled_sum
from aggregator.decide import Seats, decide
from aggregator.rows import COLUMNS, Shape
from aggregator.sketch import Sketcher
from aggregator.state import empty_state

SEED = bytes(32)
BLOCK = 1 << 18
"""Coefficients of the weighted sum at once: as `aggregator.aggregate` takes them for this many seats."""


def best_of(work: Callable[[], object], times: int = 5) -> float:
    """Seconds of the fastest of some runs, after one that compiles and warms caches."""
    work()
    seconds = []
    for _ in range(times):
        started = time.perf_counter()
        work()
        seconds.append(time.perf_counter() - started)
    return min(seconds)


def sketches(files: list[bytes], shape: Shape) -> NDArray[np.int32]:
    """Sketches of all files in rows 0 .. n-1."""
    out = np.zeros((shape.rows, COLUMNS), np.int32)
    for row, data in enumerate(files):
        sketcher = Sketcher(SEED)
        sketcher.push(data)
        out[row] = sketcher.sums
    return out


def weighted_sum(updates: NDArray[np.int16], factor: int) -> None:
    """The delta, block by block."""
    for first in range(0, updates.shape[1], BLOCK):
        block = updates[:, first : first + BLOCK]
        sums = np.zeros(block.shape[1], np.int32)
        for row in block:
            scaled_sum(row, factor, sums)
        rounded(sums)


def mixing_and_krum(updates: NDArray[np.float32], faulty: int) -> NDArray[np.float32]:
    """NNM, then multi-Krum, from one Gram matrix; the aggregate is one product with the mixed weights."""
    kept = len(updates) - faulty
    mix = _nearest(updates @ updates.T, kept)
    mixed = mix @ (updates @ updates.T) @ mix.T
    scores = np.sort(_distances(mixed), axis=1)[:, :kept].sum(axis=1)
    return np.asarray(mix[np.argsort(scores)[:kept]].mean(axis=0) @ updates)


def _distances(gram: NDArray[np.float32]) -> NDArray[np.float32]:
    squares = np.diag(gram)
    return np.asarray(squares[:, None] + squares[None] - 2 * gram)


def _nearest(gram: NDArray[np.float32], kept: int) -> NDArray[np.float32]:
    weights = np.zeros_like(gram)
    np.put_along_axis(
        weights, np.argpartition(_distances(gram), kept - 1, axis=1)[:, :kept], 1 / kept, axis=1
    )
    return weights


def measure(seats: int, parameters: int) -> dict[str, float]:
    """Seconds of each part."""
    shape, rng = Shape(parameters, seats), np.random.default_rng(0)
    updates = rng.integers(-3000, 3000, (seats, -(-parameters // 1024) * 1024), dtype=np.int16)
    files = [update.astype(">i2").tobytes() for update in updates]
    source = np.frombuffer(b"".join(files), np.uint8)
    target = np.empty_like(source)
    everyone = Seats([True] * seats, [True] * seats, [True] * seats)
    sketch, state = sketches(files, shape), empty_state(seats)
    out = {
        "copy": best_of(lambda: np.copyto(target, source)),
        "sketch": best_of(lambda: sketches(files, shape)),
        "decide": best_of(lambda: decide(shape, sketch, everyone, state, [8192] * seats, 10**18)),
        "sum": best_of(lambda: weighted_sum(updates, 65535 // seats)),
    }
    floats = updates.astype(np.float32)
    out["float average"] = best_of(lambda: floats.mean(axis=0))
    out["float NNM + multi-Krum"] = best_of(lambda: mixing_and_krum(floats, seats // 5))
    return out


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seats", type=int, default=50)
    parser.add_argument("--parameters", type=int, default=1_000_000)
    parser.add_argument("--report", type=Path)
    options = parser.parse_args()
    seconds = measure(options.seats, options.parameters)
    whole = seconds["sketch"] + seconds["decide"] + seconds["sum"]
    gigabytes = 2e-9 * options.seats * options.parameters
    print(f"{options.seats} updates of {options.parameters:,} coefficients, one thread")
    for name, value in seconds.items():
        print(f"  {name:24} {1000 * value:9.1f} ms   {gigabytes / value:6.2f} GB/s of updates")
    print(f"  {'sketch + decide + sum':24} {1000 * whole:9.1f} ms")
    ratios = {
        "sketch speed / copy speed": seconds["copy"] / seconds["sketch"],
        "whole / float average": whole / seconds["float average"],
        "float NNM + multi-Krum / whole": seconds["float NNM + multi-Krum"] / whole,
    }
    for name, value in ratios.items():
        print(f"  {name:32} {value:6.2f}")
    if options.report:
        options.report.write_text(json.dumps({"seconds": seconds, "ratios": ratios}, indent=2) + "\n")


if __name__ == "__main__":
    main()
