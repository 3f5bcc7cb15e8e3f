"""Does judgement do what it promises? Accuracy under attack, pay of cheats, pay by data size, false alarms.

    python -m benchmarks.judgement [--seeds 5] [--rounds 8] [--report FILE]

Digits, an MLP, ten trainers, three of them cheats, as in the demonstration but in numpy and without a chain.
Goals: mean accuracy within two points of the same runs without cheats; each kind of cheat below 5 % of the
median honest pay on average; every honest seat paid and none ever called malicious.
"""

from __future__ import annotations

import argparse
import json
from itertools import pairwise
from pathlib import Path
from typing import Any, Final

import numpy as np

from benchmarks.federated import ATTACKS, Federation, Training, digits, dirichlet, sized

TRAINERS: Final = 10
SIZES: Final = ("1:2:4:8", "1:1:2:2:4:4:8:8")


def play(seed: int, alpha: float, rounds: int, cheats: bool, training: Training) -> Federation:
    """Ten trainers on a Dirichlet(alpha) split; cheats take seats that the seed draws."""
    data = digits(seed)
    parts = dirichlet(data[1], TRAINERS, alpha, np.random.default_rng([seed, 3]))
    drawn = np.random.default_rng([seed, 4]).permutation(TRAINERS)[: len(ATTACKS)]
    attacks = {int(seat): attack for seat, attack in zip(drawn, ATTACKS.values(), strict=True)}
    federation = Federation(seed, parts, attacks if cheats else {}, training, data)
    for _ in range(rounds):
        federation.round()
    return federation


def under_attack(seeds: int, alpha: float, rounds: int, training: Training) -> dict[str, Any]:
    """One line for each seed: accuracy with and without cheats, pay over the median honest pay."""
    lines = []
    for seed in range(seeds):
        attacked = play(seed, alpha, rounds, True, training)
        clean = play(seed, alpha, rounds, False, training)
        total, honest = attacked.run.total(), [s for s in range(TRAINERS) if s not in attacked.attacks]
        median = float(np.median(total[honest]))
        kinds = {attack: kind for kind, attack in ATTACKS.items()}
        line = {
            "seed": seed,
            "accuracy": attacked.run.accuracy[-1],
            "accuracy_clean": clean.run.accuracy[-1],
            "least_honest": float(total[honest].min()) / median,
            "honest_called_malicious": called(attacked, honest) + called(clean, list(range(TRAINERS))),
        }
        line |= {kinds[attack]: float(total[seat]) / median for seat, attack in attacked.attacks.items()}
        lines.append(line)
    names = [name for name in lines[0] if name != "seed"]
    mean = {name: float(np.mean([line[name] for line in lines])) for name in names}
    return {"alpha": alpha, "mean": mean, "seeds": lines}


def called(federation: Federation, seats: list[int]) -> int:
    """How often one of these seats was called malicious."""
    return sum(verdicts[seat] == "malicious" for verdicts in federation.run.verdicts for seat in seats)


def by_size(text: str, seeds: int, rounds: int, training: Training) -> dict[str, Any]:
    """Mean pay of each relative size over the mean of all, no cheats, one distribution, all data used."""
    parts = [int(part) for part in text.split(":")]
    lines: list[dict[str, Any]] = []
    for seed in range(seeds):
        data = digits(seed)
        samples = [len(data[1]) * part // sum(parts) for part in parts]
        split = sized(data[1], samples, np.random.default_rng([seed, 3]))
        federation = Federation(seed, split, {}, training, data)
        for _ in range(rounds):
            federation.round()
        total = federation.run.total()
        pay = [float(np.mean(total[[p == size for p in parts]])) for size in sorted(set(parts))]
        lines.append({"seed": seed, "pay": [p / float(np.mean(pay)) for p in pay]})
    monotone = [all(a < b for a, b in pairwise(line["pay"])) for line in lines]
    return {"sizes": text, "monotone": monotone, "seeds": lines}


def show(report: dict[str, Any]) -> None:
    """Tables for people."""
    for part in report["attacks"]:
        print(f"Dirichlet {part['alpha']}")
        names = list(part["mean"])
        print("  seed  " + "  ".join(f"{name:>14.14}" for name in names))
        for line in [*part["seeds"], {"seed": "mean", **part["mean"]}]:
            print(f"  {line['seed']:>4}  " + "  ".join(f"{line[name]:>14.3f}" for name in names))
    for part in report["sizes"]:
        print(f"Data sizes {part['sizes']}: pay of each size over the mean")
        for line, monotone in zip(part["seeds"], part["monotone"], strict=True):
            shares = "  ".join(f"{pay:.3f}" for pay in line["pay"])
            print(f"  {line['seed']:>4}  {shares}  {'monotone' if monotone else 'not monotone'}")


def main() -> None:
    """Run everything; about ten seconds a seed on one core."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--rounds", type=int, default=8)
    parser.add_argument("--report", type=Path)
    options = parser.parse_args()
    training = Training()
    report: dict[str, Any] = {
        "version": 1,
        "rounds": options.rounds,
        "training": vars(training),
        "attacks": [under_attack(options.seeds, alpha, options.rounds, training) for alpha in (0.5, 0.1)],
        "sizes": [by_size(text, options.seeds, options.rounds, training) for text in SIZES],
    }
    show(report)
    if options.report:
        options.report.write_text(json.dumps(report, indent=2) + "\n")


if __name__ == "__main__":
    main()
