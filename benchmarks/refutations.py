"""Gas and bytes of each check at the largest projects, every kind of posted number once.

    python -m benchmarks.refutations [--seats 100 1000] [--coefficients 1000000000] [--report FILE]

A check is called as a transaction of its own on anvil, on trees of which a refutation sees only paths. Files and
sketches are random, so that nearly no byte is zero and calldata as dear as it gets. Gas is the larger of execution
with calldata at 16 and 4 a byte, and the floor of EIP-7623 at 40 and 10. The second figure is that of the whole
`refute`: the same with its calldata, and with what the court adds (some hashes, storage, money), which is taken from
the snapshot of a refutation whose check does nothing.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Final

import numpy as np

# The trees and calls of the tests, whose modules find each other by bare names.
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests" / "refute"))

from check_calls import Call, CheckContract, bitmaps, check_contract, gas_of
from large_rounds import large
from noise_trees import given, noise
from step_rounds import STEP_BY_NAME
from step_rounds import call as call_of_step
from tree_rounds import call

from aggregator.refute import pay_reads, rule_reads
from aggregator.refute.evidence import SCALAR_OF
from aggregator.refute.trees import Trees
from aggregator.rows import DELTAS, SEGMENT
from aggregator.rule import RATE
from aggregator.steps import View
from market.chain.artifacts import load_artifact
from market.chain.codec import Interface
from market.codec import leaves_of
from market.devnet import start_devnet
from market.records import Roots
from market.refutation import Below, Check, Refutation, Tree

GOAL_GAS: Final = 1_500_000
GOAL_BYTES: Final = 64 << 10
GOAL_ENTRY: Final = 200_000
"""Of a Gram entry, or an entry of a step, at 100 seats."""
COURT: Final = Path(__file__).resolve().parents[1] / "contracts" / "snapshots" / "gas-refute.json"
BELOW: Final = {Check.Step: 1, Check.Account: 1, Check.Model: 1, Check.Sketch: DELTAS, Check.Update: DELTAS}
"""How many results below the dearest refutation names: as many as the oldest delta is rounds away."""
COARSE: Final = frozenset({"Sketch, odd segment", "Sketch, even segment", "Column", "Delta", "Model"})
"""Checks that read files: one goal at any number of seats."""


@dataclass(frozen=True)
class Line:
    """One check: the dearest of its calls."""

    seats: int
    coefficients: int
    name: str
    gas: int
    bytes: int
    whole: int


def tree_calls(seats: int, d: int, rng: np.random.Generator) -> dict[str, Call]:
    """The dearest call of each check of trees, named as in `Check`; steps have names in small letters."""
    steps = large(seats, d)
    trees = replace(noise(steps.case), steps=steps.steps, gram=steps.gram, view=steps.view)
    shape, i, j = trees.case.shape, 3, 5
    leaf = leaves_of(d) // 2
    segment = leaf // SEGMENT | 1
    sums = {
        row << shape.segment_bits | at: rng.bytes(1024)
        for row in (i, j)
        for at in (segment - 1, segment - 2, shape.segments - 1)
        if at >= 0
    }
    trees = given(trees, Tree.Sketches, dict(sums))
    files = {*range(segment * SEGMENT - SEGMENT, (segment + 1) * SEGMENT), leaf, leaves_of(d) - 1}
    trees = given(trees, Tree.Update, {at: rng.bytes(2048) for at in files if 0 <= at < leaves_of(d)})
    trees = given(trees, Tree.Delta, {leaf: rng.bytes(2048)})
    for below in (False, True):
        trees = given(trees, Tree.Model, {leaf: rng.bytes(4096)}, below)
        trees = given(trees, Tree.Accounts, {i: rng.bytes(40)}, below)
    if shape.has_columns:
        trees = given(trees, Tree.Columns, {leaf * 128: rng.bytes(16 * seats)})
    return {
        "Presence": call(
            trees, Check.Presence, int(Tree.Sketches), i << shape.segment_bits | shape.segments - 1
        ),
        "Update": call(trees, Check.Update, i),
        "Sketch, odd segment": call(trees, Check.Sketch, i, segment),
        "Sketch, even segment": call(trees, Check.Sketch, i, segment - 1),
        "Gram": call(trees, Check.Gram, i, j),
        "Account": call(trees, Check.Account, i),
        **({"Column": call(trees, Check.Column, leaf * 128, 0, i)} if shape.has_columns else {}),
        "Delta": call(trees, Check.Delta, leaf, 0),
        "Model": call(trees, Check.Model, leaf, 0),
        "Paid": call(trees, Check.Paid),
    }


def step_calls(seats: int, d: int) -> dict[str, dict[str, Call]]:
    """A call for each step, by contract and name."""
    # column 7: of a picked row in `gathered` and in fits, and in two leaves for `residual`
    i, j = 3, 7
    trees = large(seats, d, i, j)
    assert trees.view is not None
    # only two rows of matrices are there, but what is read is that of a full round
    trees = replace(trees, view=View(**{**vars(trees.view), "included": list(range(seats))}))
    reads = {"RuleChecks": rule_reads.READS, "PayChecks": pay_reads.READS}
    return {
        contract: {name: step_call(trees, functions, name, i, j) for name in functions}
        for contract, functions in reads.items()
    }


def step_call(trees: Trees, reads: Any, name: str, i: int, j: int) -> Call:
    """A call about entry (i, j) of a matrix, i of a vector, the one entry of advice that moves."""
    if name in SCALAR_OF:
        return call_of_step(trees, reads[name], name)
    i = RATE if name == "advice" else i
    columns = STEP_BY_NAME[name].length(trees.case.shape.seats)
    return call_of_step(trees, reads[name], name, i, min(j, columns - 1) if _is_matrix(name) else 0)


def _is_matrix(name: str) -> bool:
    return STEP_BY_NAME[name].kind == "matrix"


def measure(contract: CheckContract, calls: dict[str, Call], seats: int, d: int) -> list[Line]:
    """Gas of calls."""
    return [
        Line(seats, d, name, *contract.gas(question), whole(question, contract.execution(question)))
        for name, question in calls.items()
    ]


def whole(question: Call, execution: int) -> int:
    """Gas of the transaction that refutes, about; `execution`: of its check."""
    roots = Roots(*[b"\xff" * 32] * 7)
    below = (Below(b"\xff" * 32, roots),) * BELOW.get(Check(question.check), 0)
    included, rows = (tuple(words) for words in bitmaps(question.trees.case))
    record = Refutation(
        Check(question.check), question.a, question.b, question.c, included, rows, roots, below, question.evidence
    )  # fmt: skip
    court = json.loads(COURT.read_text())["refute, without its check"]
    data = Interface(load_artifact("Market").abi).encode_call("refute", [1, 1, record])
    return gas_of(data, court - gas_of(b"", 0) + execution)


def tree_lines(contract: CheckContract, seats: int, d: int) -> list[Line]:
    """Gas of the checks of trees."""
    return measure(contract, tree_calls(seats, d, np.random.default_rng(1)), seats, d)


def goal(line: Line) -> int:
    """What a call may cost."""
    entry = line.seats <= 100 and line.name not in COARSE
    return GOAL_ENTRY if entry else GOAL_GAS


def misses(line: Line) -> bool:
    """Whether a call is above a goal."""
    return line.gas > goal(line) or line.whole > GOAL_GAS or line.bytes > GOAL_BYTES


def main() -> int:
    """Prints a line for each check; 1 if a goal is missed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--seats", type=int, nargs="+", default=[100, 1000])
    parser.add_argument("--coefficients", type=int, default=10**9)
    parser.add_argument("--report", type=Path)
    args = parser.parse_args()
    lines: list[Line] = []
    with tempfile.TemporaryDirectory() as folder, start_devnet("anvil") as devnet:
        contracts = {
            name: check_contract(devnet, name, f"0x{0x7EE5 + k:040x}", Path(folder))
            for k, name in enumerate(("TreeChecks", "RuleChecks", "PayChecks"))
        }
        for seats in args.seats:
            lines += tree_lines(contracts["TreeChecks"], seats, args.coefficients)
            for name, calls in step_calls(seats, args.coefficients).items():
                lines += measure(contracts[name], calls, seats, args.coefficients)
    missed = [line for line in lines if misses(line)]
    for line in lines:
        mark = "  over the goal" if line in missed else ""
        figures = f"{line.gas:9,} gas {line.bytes:7,} bytes {line.whole:9,} gas in all"
        print(f"{line.seats:5} seats  {line.name:24} {figures}{mark}")
    if args.report:
        args.report.write_text(json.dumps([asdict(line) for line in lines], indent=1) + "\n")
    return bool(missed)


if __name__ == "__main__":
    sys.exit(main())
