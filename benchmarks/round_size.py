"""One round with large updates: seconds of each step, peak memory.

    python -m benchmarks.round_size [--seats 20] [--parameters 10000000] [--folder DIR] [--report FILE]

Writes the updates of this round, two rounds of public files and three deltas (about 60 files of
2 x parameters bytes), then judges in a process of its own whose peak memory is reported.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

from aggregator.accounts import start_accounts
from aggregator.decide import Seats
from aggregator.judge import File, RoundInputs, judge
from aggregator.rows import DELTAS, MEMORY, Shape
from aggregator.state import CARRIED, State, empty_state, read_state
from market.codec import MODEL, UPDATE, encode, file_root
from market.keccak import keccak256

LIMIT_MIB = 1024


def prepare(folder: Path, shape: Shape) -> None:
    """Random files that partly agree, with their roots in a list."""
    rng, roots = np.random.default_rng(0), {}
    common = rng.integers(-300, 300, shape.d, dtype=np.int16)
    rows = [*range(shape.seats), *(shape.delta(age) for age in range(DELTAS))]
    rows += [shape.past(age, seat) for age in range(MEMORY) for seat in range(shape.seats)]
    for row in rows:
        data = encode(common + rng.integers(-300, 300, shape.d, dtype=np.int16), UPDATE)
        (folder / str(row)).write_bytes(data)
        roots[row] = file_root([data], shape.d, UPDATE).hex()
    data = encode(rng.integers(-(2**20), 2**20, shape.d).astype(np.int32), MODEL)
    (folder / "base").write_bytes(data)
    roots["base"] = file_root([data], shape.d, MODEL).hex()
    (folder / "roots.json").write_text(json.dumps(roots))


def measure(folder: Path, shape: Shape) -> dict[str, Any]:
    """Judge the prepared round; MiB and seconds."""
    roots = json.loads((folder / "roots.json").read_text())
    files = {name: File(folder / name, bytes.fromhex(root)) for name, root in roots.items()}
    everyone = [True] * shape.seats
    updates = {seat: files[str(seat)] for seat in range(shape.seats)}
    public = {int(name): file for name, file in files.items() if name.isdigit() and int(name) >= shape.seats}
    warm_up(folder)
    before = peak_mib()
    out = folder / "out"
    out.mkdir(exist_ok=True)
    inputs = RoundInputs(
        shape=shape,
        seed=keccak256(b"size"),
        seats=Seats(everyone, everyone, [False] * shape.seats),
        updates=updates,
        public=public,
        base=files["base"],
        state=old_state(shape.seats),
        accounts=start_accounts(shape.seats),
        pot=10**18,
        fee=0,
        unit=10**17,
        merged=True,
        poster=bytes(20),
    )
    started = time.perf_counter()
    judgement = judge(inputs, out)
    seconds = {name: round(lap, 2) for name, lap in judgement.seconds.items()}
    seconds["all"] = round(time.perf_counter() - started, 2)
    return {
        "seats": shape.seats,
        "parameters": shape.d,
        "files": len(files),
        "seconds": seconds,
        "peak_mib": peak_mib(),
        "peak_mib_before": before,
        "delta_root": judgement.roots.delta.hex(),
    }


def old_state(seats: int) -> State:
    """What a project carries after many rounds: no entry is zero, and each takes the memory of its own."""
    entries = sum(step.start(seats).size for step in CARRIED)
    return read_state(np.random.default_rng(1).integers(1, 1 << 20, entries).astype(">i8").tobytes(), seats)


def warm_up(folder: Path) -> None:
    """Compile once, so that seconds are those of a running aggregator."""
    tiny = folder / "tiny"
    tiny.mkdir(exist_ok=True)
    shape = Shape(512 * 1024, 13)
    (tiny / "u").write_bytes(encode(np.ones(shape.d, np.int16), UPDATE))
    (tiny / "m").write_bytes(encode(np.ones(shape.d, np.int32), MODEL))
    update = File(tiny / "u", file_root(tiny / "u", shape.d, UPDATE))
    base = File(tiny / "m", file_root(tiny / "m", shape.d, MODEL))
    one = [True, *[False] * 12]
    state, accounts = empty_state(13), start_accounts(13)
    seats, seed, poster = Seats(one, one, one), bytes(32), bytes(20)
    judge(
        RoundInputs(shape, seed, seats, {0: update}, {}, base, state, accounts, 1, 0, 1, True, poster), tiny
    )


def peak_mib() -> int:
    """Peak resident memory of this process."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024


def main() -> None:
    """Prepare here, measure in a fresh process."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seats", type=int, default=20)
    parser.add_argument("--parameters", type=int, default=10_000_000)
    parser.add_argument("--folder", type=Path)
    parser.add_argument("--report", type=Path)
    parser.add_argument("--measure", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    shape = Shape(options.parameters, options.seats)
    if options.measure:
        print(json.dumps(measure(options.folder, shape)))
        return
    with tempfile.TemporaryDirectory() as temporary:
        folder = options.folder or Path(temporary)
        prepare(folder, shape)
        command = [sys.executable, "-m", "benchmarks.round_size", "--measure", "--folder", str(folder)]
        command += ["--seats", str(options.seats), "--parameters", str(options.parameters)]
        report = json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout)
    print(json.dumps(report, indent=2))
    if options.report:
        options.report.write_text(json.dumps(report, indent=2) + "\n")
    if report["peak_mib"] >= LIMIT_MIB:
        sys.exit(f"peak memory {report['peak_mib']} MiB, allowed is less than {LIMIT_MIB}")


if __name__ == "__main__":
    main()
