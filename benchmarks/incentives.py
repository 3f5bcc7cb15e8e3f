"""How much may a trainer gain by choosing the seed? Pay of the same updates under many seeds, by the real rule.

    python -m benchmarks.incentives [--seeds 64] [--runs 4] [--report FILE]    the measurement
    python -m benchmarks.incentives --tables                                   tables of docs/incentives.md, anew

Who controls s of n seals may withhold some of its own reveals and so choose among seeds once all others are known.
Printed for each run: the deviation of one seat's pay over seeds, over the mean pay (`SEED_NOISE_BPS` of
`market/incentives.py` must not be below it), and what withholding one of s reveals brings, in pots.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from aggregator.decide import Seats, decide
from aggregator.rows import COLUMNS, DELTAS, MEMORY
from aggregator.sketch import sketch_of
from benchmarks.federated import POT, Federation, Ints16, Training, digits, dirichlet
from market.codec import UPDATE, blocks, encode
from market.incentive_tables import DOC, MAINNET_CASE, Case, documented
from market.incentives import SEED_NOISE_BPS
from market.keccak import keccak256

TRAINERS: Final = 10
WARM_UP: Final = 4
ROOT: Final = Path(__file__).resolve().parent.parent


def pay_under(federation: Federation, updates: list[Ints16], seed: bytes, missing: set[int]) -> list[int]:
    """Pay of each seat, in smallest units, if `missing` seats withheld their reveals and `seed` were the seed."""
    shape, n = federation.shape, len(updates)
    rows = {seat: update for seat, update in enumerate(updates) if seat not in missing}
    rows |= {shape.delta(age): delta for age, delta in enumerate(federation.deltas[:DELTAS])}
    for age, files in enumerate(federation.past[:MEMORY]):
        rows |= {shape.past(age, seat): update for seat, update in enumerate(files)}
    sketch = np.zeros((shape.rows, COLUMNS), np.int32)
    for row, update in rows.items():
        sketch[row] = sketch_of(blocks([encode(update, UPDATE)], shape.d, UPDATE), seed)
    included = [seat not in missing for seat in range(n)]
    view = decide(
        shape,
        sketch,
        Seats([True] * n, included, [False] * n),
        federation.state,
        federation.reputation,
        POT,
    )
    return [int(pay) for pay in view.pay]


def choices(case: Case, federation: Federation, updates: list[Ints16], own: int) -> dict[str, float]:
    """What the first `own` seats win, in pots, by the best of revealing all or all but one of them."""
    unit = POT // case.params.min_seals * TRAINERS // case.params.seats
    drawn = []
    for number, missing in enumerate([set[int](), *({seat} for seat in range(own))]):
        seed = keccak256(f"choice {federation.seed} {number}".encode())
        pay = sum(pay_under(federation, updates, seed, missing)[:own])
        drawn.append(pay - unit * len(missing))
    return {"own": own, "gain": (max(drawn) - drawn[0]) / POT}


def measure(run: int, seeds: int) -> dict[str, Any]:
    """Deviation of pay over seeds after some rounds of ten honest trainers on Dirichlet(0.5) data."""
    data = digits(run)
    parts = dirichlet(data[1], TRAINERS, 0.5, np.random.default_rng([run, 3]))
    federation = Federation(run, parts, {}, Training(), data)
    for _ in range(WARM_UP):
        federation.round()
    updates = [federation.train(seat) for seat in range(TRAINERS)]
    draws = [
        pay_under(federation, updates, keccak256(f"seed {run} {number}".encode()), set())
        for number in range(seeds)
    ]
    pay: NDArray[np.float64] = np.array(draws, dtype=float)
    deviation = pay.std(axis=0) / pay.mean()
    best = (pay.max(axis=0) - pay.mean(axis=0)) / pay.mean()
    return {
        "run": run,
        "deviation": [round(float(x), 4) for x in deviation],
        "worst": float(deviation.max()),
        "root mean square": float(np.sqrt((deviation**2).mean())),
        f"best of {seeds}, over the mean pay": float(best.max()),
        "one withheld": [choices(MAINNET_CASE, federation, updates, own) for own in (1, 2, 4)],
    }


def main() -> None:
    """Print the measurement, or renew the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=64)
    parser.add_argument("--runs", type=int, default=4)
    parser.add_argument("--report", type=Path)
    parser.add_argument("--tables", action="store_true")
    args = parser.parse_args()
    if args.tables:
        page = ROOT / DOC
        page.write_text(documented(page.read_text()))
        return
    report = {"runs": [measure(run, args.seeds) for run in range(args.runs)]}
    report["assumed deviation"] = [{"bps": SEED_NOISE_BPS}]
    text = json.dumps(report, indent=1)
    print(text)
    if args.report:
        args.report.write_text(text + "\n")


if __name__ == "__main__":
    main()
