"""Bytes, time and cost of one round of any size, from the speed of one core measured here.

    python -m benchmarks.scaling [--seats 1000] [--parameters 1000000000] [--cores 64] [--network 10] [--price 0.04]

Measured on one thread, files in the page cache: the work of a shard of the first pass (root check and running sums) and
of the second (weighted sum, delta, model, columns), and hashing of running sums. `--network`: Gbit/s at which all cores
together are served files; `--price`: of a core and hour, in any coin.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np

from aggregator.aggregate import Range
from aggregator.rows import DELTAS, MEMORY, SEGMENT, Shape
from aggregator.shard_work import Hashing, Sketching, Summing, facts_of, hash_range, sketch_range, sum_range
from market.codec import LEAF, MODEL, UPDATE, encode, leaves_of

TRIAL_SEATS: Final = 16
TRIAL_LEAVES: Final = 1024
RUNNING: Final = SEGMENT * LEAF * 2 // 1024
"""Bytes of a file for each byte of its running sums."""


@dataclass(frozen=True)
class Speeds:
    """Bytes a second of one core: files read by each pass, running sums hashed."""

    first: float
    second: float
    hashing: float


def seconds_of(work: Callable[[], object]) -> float:
    """Least processor seconds of some runs, after one that compiles: other jobs of the machine do not count."""
    work()
    taken = []
    for _ in range(5):
        started = time.process_time()
        work()
        taken.append(time.process_time() - started)
    return min(taken)


def measured(folder: Path) -> Speeds:
    """Speeds on some 32 MiB of random updates."""
    d, rng = TRIAL_LEAVES * LEAF, np.random.default_rng(0)
    shape, paths = Shape(d, TRIAL_SEATS), [folder / f"update-{seat}" for seat in range(TRIAL_SEATS)]
    for path in paths:
        path.write_bytes(encode(rng.integers(-3000, 3000, d, dtype=np.int16), UPDATE))
    base, delta, model = (folder / name for name in ("base", "delta", "model"))
    base.write_bytes(encode(np.zeros(d, np.int32), MODEL))
    for path, kind in ((delta, UPDATE), (model, MODEL)):
        path.write_bytes(bytes(kind.file_bytes(d)))
    sketching = Sketching(d, bytes(32), paths, [facts_of(path) for path in paths], 0, TRIAL_LEAVES)
    factors = dict.fromkeys(range(TRIAL_SEATS), 65535 // TRIAL_SEATS)
    files = dict(enumerate(paths))
    summing = Summing(Range(shape, files, factors, base, True, 0, TRIAL_LEAVES), delta, model)
    hashing = Hashing(paths[0], 0, bytes(20), 0, TRIAL_LEAVES)
    read = 2 * d * TRIAL_SEATS
    return Speeds(
        read / seconds_of(lambda: sketch_range(sketching)),
        read / seconds_of(lambda: sum_range(summing)),
        1024 * TRIAL_LEAVES / seconds_of(lambda: hash_range(hashing)),
    )


def plan(seats: int, parameters: int, cores: int, network: float, speeds: Speeds) -> dict[str, float]:
    """Bytes, seconds and core-hours of a round with all public rows."""
    size = 2 * leaves_of(parameters) * LEAF
    first, second = size * (seats * (1 + MEMORY) + DELTAS), size * (seats + 2)
    sums = first / RUNNING
    work = first / speeds.first + second / speeds.second + sums / speeds.hashing
    reading = (first + second) * 8 / (network * 1e9)
    return {
        "an update, GB": size / 1e9,
        "first pass reads, TB": first / 1e12,
        "second pass reads, TB": second / 1e12,
        "running sums, GB": sums / 1e9,
        "work, core-hours": work / 3600,
        f"work on {cores} cores, minutes": work / cores / 60,
        f"reading at {network:g} Gbit/s, minutes": reading / 60,
    }


def main() -> None:
    """Print the speeds and the plan."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seats", type=int, default=1000)
    parser.add_argument("--parameters", type=int, default=1_000_000_000)
    parser.add_argument("--cores", type=int, default=64)
    parser.add_argument("--network", type=float, default=10.0)
    parser.add_argument("--price", type=float, default=0.04)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        speeds = measured(Path(folder))
    print(
        f"one core: first pass {speeds.first / 1e6:.0f} MB/s, second {speeds.second / 1e6:.0f} MB/s, "
        f"hashing {speeds.hashing / 1e6:.0f} MB/s"
    )
    numbers = plan(options.seats, options.parameters, options.cores, options.network, speeds)
    for name, value in numbers.items():
        print(f"  {name:48} {value:12,.2f}")
    print(f"  {'cost of the cores':48} {numbers['work, core-hours'] * options.price:12,.2f}")


if __name__ == "__main__":
    main()
