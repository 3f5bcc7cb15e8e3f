"""Rules against attacks: accuracy lost, weight and pay of the attackers.

    python -m benchmarks.robustness                             the core grid, appended to build/robustness.jsonl
    python -m benchmarks.robustness --sample 300 --seed 1       scenes of the whole grid, drawn, under every rule
    python -m benchmarks.robustness --attack my.py:attack --rule agreement --rule my.py:Rule --fraction 0.3

Stopped runs go on where they were. Peers (`byzfl`) are there in the environment of `make robustness`.
"""

from __future__ import annotations

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import argparse
import importlib.util
import json
import math
import sys
from collections.abc import Callable, Iterable
from functools import lru_cache
from pathlib import Path
from typing import Any

from benchmarks.robustness import files, grid, named, report
from benchmarks.robustness.catalogue import ATTACKS, GROUPS
from benchmarks.robustness.data import ROOT, SETS, Data, from_file
from benchmarks.robustness.nets import HIDDEN
from benchmarks.robustness.rules import RULES, Rule
from benchmarks.robustness.scene import Attack
from benchmarks.robustness.world import Outcome, play
from market.errors import FairtrainError, InputError

OURS = ["agreement", "agreement+trust", "fltrust"]
BEST_PEERS = ["caf", "arc+nnm+trmean", "nnm+trmean", "nnm+geomed"]
"""ByzFL's best by their worst case on digits."""
PAID = "agreement"
"""The rule of the market: its runs have pay."""


@lru_cache
def peers() -> dict[str, Callable[[], Rule]]:
    """ByzFL's rules; none where the package is missing."""
    if importlib.util.find_spec("byzfl") is None:
        return {}
    from benchmarks.robustness import peers as module

    return dict(module.rules())


@lru_cache
def known_rules() -> dict[str, Callable[[], Rule]]:
    """All rules by name."""
    return {**RULES, **dict(named.rules()), **peers()}


def rule_of(name: str) -> Callable[[], Rule]:
    """A rule of the bench or of a file. Raises InputError E108 if there is none."""
    if files.is_file(name):
        return files.rule_of(name)
    if name not in known_rules():
        hint = "" if peers() else "; rules of ByzFL need `make robustness`"
        raise InputError(
            "E108", f"unknown rule {name!r}: take {', '.join(known_rules())} or file.py:name{hint}"
        )
    return known_rules()[name]


def attack_of(name: str) -> Attack:
    """An attack of the bench or of a file. Raises InputError E108 if there is none."""
    if files.is_file(name):
        return files.attack_of(name)
    if name not in ATTACKS:
        raise InputError("E108", f"unknown attack {name!r}: take {', '.join(ATTACKS)} or file.py:name")
    return ATTACKS[name]


@lru_cache(maxsize=8)
def data_of(name: str, seed: int) -> Data:
    """A data set of the bench (shuffled by the seed) or a file."""
    if name in SETS:
        return SETS[name](seed)
    if not name.endswith(".npz"):
        raise InputError("E108", f"unknown data {name!r}: take {', '.join(SETS)} or an .npz file")
    return from_file(Path(name))


def play_cell(cell: grid.Cell, pay: bool = True) -> Outcome:
    """One run."""
    rule, attack = rule_of(cell.rule)(), attack_of(cell.attack)
    data = data_of(cell.setting.data, cell.seed)
    return play(cell.setting, data, rule, attack, cell.seed, paid=pay and cell.rule == PAID)


def cells_of(options: argparse.Namespace) -> list[grid.Cell]:
    """What the command line asks for: the core grid, or a part or sample of the whole one."""
    whole = options.sample is not None
    best = [*OURS, *(BEST_PEERS if peers() else [])]
    chosen: dict[str, Any] = {
        "rules": options.rule or (list(known_rules()) if whole else best),
        "attacks": expanded(options.attack or ATTACKS),
        "data": options.data or (list(SETS) if whole else ["digits"]),
        "models": options.model or (["mlp", "cnn"] if whole else ["mlp"]),
        "n": options.trainers or ([20, 50] if whole else [20]),
        "parts": options.fraction or ([0.0, 0.1, 0.2, 0.3, 0.4] if whole else [0.0, 0.2, 0.3, 0.4]),
        "alphas": options.alpha or ([None, 0.5, 0.3, 0.1] if whole else [None, 0.5, 0.3]),
        "seeds": range(options.seeds),
        "rounds": options.rounds,
        "root": options.root,
        "hidden": options.hidden,
        "rate": options.rate,
    }
    for name in {*chosen["rules"]}:
        rule_of(name)
    for name in {*chosen["attacks"]}:
        attack_of(name)
    cells = list(grid.Grid(**chosen).cells())
    return grid.sampled(cells, options.sample, options.seed) if whole else cells


def expanded(names: Iterable[str]) -> list[str]:
    """Groups replaced by their members, each name once."""
    return list(dict.fromkeys(one for name in names for one in GROUPS.get(name, (name,))))


def alpha_of(text: str) -> float | None:
    """A Dirichlet parameter or `iid`."""
    return None if text == "iid" else positive(text)


def positive(text: str) -> float:
    """A number above zero."""
    value = float(text)
    if not 0 < value < math.inf:
        raise ValueError(text)
    return value


def fraction_of(text: str) -> float:
    """Part of attackers, below one half."""
    value = float(text)
    if not 0 <= value < 0.5:
        raise ValueError(text)
    return value


def samples_of(text: str) -> int:
    """Samples that an owner may hold."""
    if not 1 <= (count := int(text)) <= ROOT:
        raise ValueError(text)
    return count


def parser() -> argparse.ArgumentParser:
    """Options; each of those that choose can be given several times."""
    out = argparse.ArgumentParser(prog="python -m benchmarks.robustness", description=__doc__.splitlines()[0])
    many: dict[str, Any] = {"action": "append"}
    out.add_argument("--rule", **many, help="name or file.py:name")
    out.add_argument("--attack", **many, help="name, group of names or file.py:name")
    out.add_argument("--data", **many, help="name or file.npz with X, y, X_test, y_test")
    out.add_argument("--model", **many, choices=["mlp", "cnn"])
    out.add_argument("--trainers", **many, type=int)
    out.add_argument("--fraction", **many, type=fraction_of, help="part of attackers, 0 to 0.49")
    out.add_argument("--alpha", **many, type=alpha_of, help="Dirichlet parameter, or iid")
    out.add_argument("--seeds", type=int, default=5)
    out.add_argument("--rounds", type=int, default=40)
    out.add_argument("--root", type=samples_of, default=40, help=f"the owner's samples, 1 to {ROOT}")
    out.add_argument("--hidden", type=int, default=HIDDEN, help="units of an MLP")
    out.add_argument("--rate", type=positive, help="learning rate as described, default .1 (moved: .5)")
    out.add_argument(
        "--sample", type=int, help="draw so many scenes (setting, attack, seed) of the whole grid"
    )
    out.add_argument("--seed", type=int, default=0, help="of the sample")
    out.add_argument("--no-pay", action="store_true", help="leave out pay, most of the time of a run of ours")
    out.add_argument("--lines", type=Path, default=Path("build/robustness.jsonl"))
    out.add_argument("--report", type=Path, help="JSON file with all runs and the worst case per rule")
    out.add_argument("--pictures", type=Path, help="folder for one picture a setting")
    out.add_argument("--list", action="store_true", help="names of rules, attacks and data")
    return out


def main() -> None:
    """Command line."""
    options = parser().parse_args()
    if options.list:
        for kind, names in {"rules": known_rules(), "attacks": {**ATTACKS, **GROUPS}, "data": SETS}.items():
            print(f"{kind}: {', '.join(names)}")
        return
    cells = cells_of(options)
    options.lines.parent.mkdir(parents=True, exist_ok=True)
    grid.run(cells, options.lines, lambda cell: play_cell(cell, not options.no_pay))
    rows = grid.finished(options.lines)
    found = report.report(rows[cell.key()] for cell in cells)
    print(report.table(found) if options.sample is None else report.margins(found))
    if options.report:
        options.report.write_text(json.dumps(found, indent=1) + "\n")
    if options.pictures:
        for path in report.pictures(found, options.pictures):
            print(path)


if __name__ == "__main__":
    try:
        main()
    except FairtrainError as refusal:
        print(f"error: {refusal}", file=sys.stderr)
        sys.exit(refusal.exit_code)
