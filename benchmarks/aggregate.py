"""Speed of judging, as ratios to what memory and plain floats can do on the same machine in the same run.

    python -m benchmarks.aggregate [--seats 50] [--parameters 1000000] [--report FILE]

Updates lie in memory, one thread. Beside each other: a copy of all bytes; sketches of all updates; Gram matrix, rule
and pay of a first round, and once more with all public rows and a state (random ones, not part of the sum); the
weighted sum; a plain float32 average, which decides nothing; nearest-neighbour mixing with multi-Krum (Allouah et al.
2023, Blanchard et al. 2017) in float32, written as one Gram product and one weighted sum; where ByzFL is installed (by
`make robustness`, in .venv-robustness), its rules as they are shipped, as far as they fit into memory. Root checks and
trees are not part of it: `benchmarks.round_size` shows a whole round.

    python -m benchmarks.aggregate --engines [--seats 20] [--parameters 10000000] [--folder DIR]

Both passes over files on disk, root checks, trees and outputs included: in this process, and in shards on a Ray cluster
of one and of two workers of this machine (extra `scale`). Fails if a single root differs.
"""

from __future__ import annotations

import argparse
import json
import os
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import numpy as np
from numpy.typing import NDArray

from aggregator.accounts import start_accounts
from aggregator.aggregate import rounded, scaled_sum
from aggregator.decide import Seats, decide
from aggregator.judge import LOCAL, Engine, File, RoundInputs, judge
from aggregator.rows import COLUMNS, Shape
from aggregator.shards import Sharded
from aggregator.sketch import Sketcher
from aggregator.state import empty_state, state_of
from market.codec import MODEL, UPDATE, encode, model_root, update_root

SEED = bytes(32)
RANGE = 1024
"""Leaves of a shard: a million coefficients."""
BLOCK = 1 << 18
"""Coefficients of the weighted sum at once: as `aggregator.aggregate` takes them for this many seats."""


def best_of(work: Callable[[], object], times: int = 25) -> float:
    """Seconds of the fastest of so many runs, since other jobs slow some, after one that compiles and warms caches."""
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
    """NNM, then multi-Krum, from one Gram matrix; the aggregate is one product with the mixed weights, and the mixed
    updates are never formed."""
    kept = len(updates) - faulty
    gram = updates @ updates.T
    mix = _nearest(gram, kept)
    mixed = mix @ gram @ mix.T
    scores = np.sort(_distances(mixed), axis=1)[:, :kept].sum(axis=1)
    return np.asarray(mix[np.argsort(scores)[:kept]].mean(axis=0) @ updates)


def byzfl(updates: NDArray[np.float32], faulty: int) -> dict[str, float]:
    """Seconds of ByzFL's rules as they are shipped, on torch with one thread; nothing where it is not installed. A rule
    that does not fit into memory is left out: NNM there forms all differences of all updates."""
    try:
        import torch
        from byzfl import Average, MultiKrum
        from byzfl.aggregators.preaggregators import NNM
    except ImportError:
        return {}
    torch.set_num_threads(1)
    tensor, krum, mixing = torch.from_numpy(updates), MultiKrum(f=faulty), NNM(f=faulty)
    rules: dict[str, Callable[[], object]] = {
        "average": lambda: Average()(tensor),
        "multi-Krum": lambda: krum(tensor),
        "NNM + multi-Krum": lambda: krum(mixing(tensor)),
    }
    needed = {"NNM + multi-Krum": updates.nbytes * (len(updates) + 2)}
    free = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_AVPHYS_PAGES")
    return {f"ByzFL {name}": best_of(work, 1) for name, work in rules.items() if needed.get(name, 0) < free}


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
    later = rng.integers(-(10**5), 10**5, (shape.rows, COLUMNS), dtype=np.int32)
    later[shape.reference] = 0
    old = state_of(decide(shape, later, everyone, state, [8192] * seats, 10**18))
    nobody_new = Seats([True] * seats, [True] * seats, [False] * seats)
    out["decide, all public rows"] = best_of(
        lambda: decide(shape, later, nobody_new, old, [8192] * seats, 10**18)
    )
    floats = updates.astype(np.float32)
    out["float average"] = best_of(lambda: floats.mean(axis=0))
    out["float NNM + multi-Krum"] = best_of(lambda: mixing_and_krum(floats, seats // 5))
    return out | byzfl(floats, seats // 5)


def prepared(folder: Path, seats: int, parameters: int) -> RoundInputs:
    """A round of random updates in files, nothing public before it."""
    rng, files = np.random.default_rng(0), {}
    shape, everyone = Shape(parameters, seats), [True] * seats
    for seat in range(seats):
        path = folder / f"update-{seat}"
        data = encode(rng.integers(-3000, 3000, parameters, dtype=np.int16), UPDATE)
        path.write_bytes(data)
        files[seat] = File(path, update_root(data))
    base, data = folder / "base", encode(np.zeros(parameters, np.int32), MODEL)
    base.write_bytes(data)
    return RoundInputs(
        shape=shape,
        seed=SEED,
        seats=Seats(everyone, everyone, everyone),
        updates=files,
        public={},
        base=File(base, model_root(data)),
        state=empty_state(seats),
        accounts=start_accounts(seats),
        pot=10**18,
        fee=0,
        unit=10**17,
        merged=True,
        poster=bytes(20),
    )


def engines(seats: int, parameters: int, folder: Path | None, times: int = 3) -> dict[str, dict[str, float]]:
    """Seconds of each pass by engine, the best of some runs, and processor seconds of this process: with workers, what
    cannot be spread. The cluster's start is not part of it."""
    from aggregator.ray_engine import RayRun

    out, roots = {}, set()
    with tempfile.TemporaryDirectory(dir=folder) as name:
        inputs = prepared(Path(name), seats, parameters)
        for workers in (None, 0, 1, 2):
            cluster = RayRun(workers) if workers else None
            engine: Engine = LOCAL if workers is None else Sharded(cluster or map, RANGE)
            laps = []
            for _ in range(times + 1):  # the first compiles
                started = time.process_time()
                judgement = judge(inputs, Path(name), engine=engine)
                roots.add(judgement.roots)
                passes = {lap: judgement.seconds[lap] for lap in ("check and sketch", "aggregate")}
                laps.append({**passes, "processor": time.process_time() - started})
            best = {lap: min(found[lap] for found in laps[1:]) for lap in laps[0]}
            out["one process" if workers is None else f"shards, workers: {workers or 'none'}"] = best
            if cluster:
                cluster.close()
    if len(roots) != 1:
        raise SystemExit(f"engines disagree: {len(roots)} results")
    return out


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seats", type=int, default=50)
    parser.add_argument("--parameters", type=int, default=1_000_000)
    parser.add_argument("--report", type=Path)
    parser.add_argument("--engines", action="store_true")
    parser.add_argument("--folder", type=Path)
    options = parser.parse_args()
    if options.engines:
        for name, laps in engines(options.seats, options.parameters, options.folder).items():
            parts = "   ".join(f"{lap} {value:6.2f} s" for lap, value in laps.items())
            print(f"  {name:24} {parts}")
        return
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
    }
    others = [name for name in seconds if "Krum" in name]
    ratios |= {f"{name} / whole": seconds[name] / whole for name in others}
    for name, value in ratios.items():
        print(f"  {name:32} {value:6.2f}")
    if options.report:
        options.report.write_text(json.dumps({"seconds": seconds, "ratios": ratios}, indent=2) + "\n")


if __name__ == "__main__":
    main()
