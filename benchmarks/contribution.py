"""Is pay fair? Our pay beside exact Shapley values by retraining, and beside other measures of contribution.

    python -m benchmarks.contribution [--first 100] [--seeds 5] [--rounds 20] [--report FILE]

Eight trainers on digits in three settings: labels ever noisier, parts of the data ever larger, Dirichlet 0.5 classes.
Truth: exact Shapley values of test accuracy, 256 retrainings; the same on other test samples shows how far the truth
agrees with itself. A report is continued: seeds that it holds are not run again.
"""

from __future__ import annotations

import argparse
import json
import os
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any, Final

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import numpy as np
from scipy.stats import rankdata
from sklearn.datasets import load_digits

from aggregator.fixed import O
from aggregator.rules.form import Params, Verdict
from aggregator.rules.registry import named
from benchmarks.federated import LSB, POT, Federation, Floats, Mlp, Part, Training, dirichlet, sized
from benchmarks.shapley import (
    Batched,
    Logged,
    Values,
    leave_one_out,
    members,
    retrained,
    shapley,
    truncated,
)

TRAINERS: Final = 8
TRAINING: Final = Training(hidden=64, batch=16, steps=10, rate=0.1)
POOL, VALIDATION, TEST = 800, 100, 448
SIZES: Final = (16, 24, 36, 54, 80, 108, 134, 160)
SETTINGS: Final = ("noise", "size", "dirichlet")


class Data:
    """Digits cut by a seed: training pool, validation samples of a server, and two test sets."""

    def __init__(self, seed: int) -> None:
        digits, rng = load_digits(), np.random.default_rng([seed, 8])
        order = rng.permutation(len(digits.target))
        x, y = (digits.data[order] / 16).astype(np.float32), digits.target[order].astype(np.int64)
        ends = np.cumsum([POOL, VALIDATION, TEST, TEST])
        self.train, self.validation, self.test, self.other_test = (
            (x[a:b], y[a:b].copy()) for a, b in zip([0, *ends[:-1]], ends, strict=True)
        )


def parts_of(setting: str, data: Data, seed: int) -> list[Part]:
    """Samples of each trainer; in `noise` a seventh more of wrong labels from one trainer to the next."""
    rng, (_, y) = np.random.default_rng([seed, 3]), data.train
    if setting == "size":
        return sized(y, SIZES, rng)
    if setting == "dirichlet":
        return dirichlet(y, TRAINERS, 0.5, rng)
    parts = sized(y, [POOL // TRAINERS] * TRAINERS, rng)
    for seat, part in enumerate(parts):
        wrong = rng.permutation(part)[: len(part) * seat // (TRAINERS - 1)]
        y[wrong] = (y[wrong] + rng.integers(1, 10, len(wrong))) % 10
    return parts


class Timed:
    """Runs something and adds up its seconds."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}

    def __call__(self, name: str, work: Callable[[], Any]) -> Any:
        """The result of `work`."""
        started = time.perf_counter()
        out = work()
        self.seconds[name] = self.seconds.get(name, 0.0) + time.perf_counter() - started
        return out


def our_scores(federation: Federation, rounds: int, timed: Timed) -> dict[str, Values]:
    """Pay (n,), and the agreement that it starts from, of a whole run under the market's rule."""
    out = {"our pay": np.zeros(TRAINERS), "agreement": np.zeros(TRAINERS)}
    for _ in range(rounds):
        federation.round()
        view = federation.run.views.pop()
        out["our pay"] += [int(p) / POT for p in view.pay]
        out["agreement"] += [max(int(a), 0) / O for a in view.agreed]
        timed("our pay", lambda: federation.judge(federation.past[0]))
    return out


def other_scores(mlp: Mlp, data: Data, log: Sequence[Logged], seed: int, timed: Timed) -> dict[str, Values]:
    """Scores (n,) from what a server sees of plain federated averaging, as their papers have it."""
    n, many = TRAINERS, Batched(mlp)
    out = {name: np.zeros(n) for name in ("CGSV", "DIG-FL", "round Shapley", "GTG-Shapley")}
    cgsv, rng = named("cgsv"), np.random.default_rng([seed, 9])
    state = cgsv.start(n)
    for base, updates in log:
        whole = np.round(updates / LSB).astype(np.int64)
        gram = whole @ whole.T
        verdict: Verdict = timed("CGSV", partial(cgsv.weigh, gram, state, Params()))
        state = verdict.state
        out["DIG-FL"] += timed("DIG-FL", partial(_along_gradient, mlp, data, base, updates))
        values = timed("round Shapley", partial(_round_values, many, data, base, updates))
        out["round Shapley"] += shapley(values)
        if abs(values[-1] - values[0]) > 0.01:
            estimate, asked = truncated(values, rng)
            out["GTG-Shapley"] += estimate
            timed.seconds["GTG asked"] = timed.seconds.get("GTG asked", 0.0) + asked
    out["CGSV"] = np.array([float(r) for r in state["reputation"]])
    return out


def _along_gradient(mlp: Mlp, data: Data, base: Floats, updates: Floats) -> Values:
    """First-order DIG-FL (Wang et al. 2022): how far each update descends the loss of the validation samples."""
    gradient = mlp.gradient(base, *data.validation)
    return np.maximum(-(updates @ gradient).astype(float), 0)


def _round_values(many: Batched, data: Data, base: Floats, updates: Floats) -> Values:
    """Validation accuracy (2^n,) of the base plus the mean update of each coalition."""
    inside = members(TRAINERS).astype(np.float32)
    mean = inside @ updates / np.maximum(inside.sum(axis=1, keepdims=True), 1)
    return many.accuracy(base + mean.astype(np.float32), *data.validation)


def compared(score: Values, truth: Values) -> dict[str, float]:
    """Pearson, Spearman and mean absolute difference of shares; negative scores are paid nothing."""
    ranks = [rankdata(x) for x in (score, truth)]
    share = [np.maximum(x, 0) / max(float(np.maximum(x, 0).sum()), 1e-12) for x in (score, truth)]
    return {
        "pearson": _correlation(score, truth),
        "spearman": _correlation(*ranks),
        "share_error": float(np.abs(share[0] - share[1]).mean()),
    }


def _correlation(a: Values, b: Values) -> float:
    return float(np.corrcoef(a, b)[0, 1]) if a.std() and b.std() else 0.0


def measure(setting: str, seed: int, rounds: int) -> dict[str, Any]:
    """One line of the report."""
    data, timed = Data(seed), Timed()
    parts = parts_of(setting, data, seed)
    federation = Federation(seed, parts, {}, TRAINING, (*data.train, *data.validation))
    start = (federation.model * LSB).astype(np.float32)
    scores = our_scores(federation, rounds, timed)
    models, log = timed(
        "retraining",
        lambda: retrained(federation.mlp, start, parts, data.train, TRAINING, rounds, seed),
    )
    scores |= other_scores(federation.mlp, data, log, seed, timed)
    many, final = Batched(federation.mlp), (federation.model * LSB).astype(np.float32)
    values, others = (many.accuracy(models, *samples) for samples in (data.test, data.other_test))
    truth = shapley(values)
    scores |= {"leave one out": leave_one_out(values), "truth on other samples": shapley(others)}
    gain = many.accuracy(final[None], *data.test)[0] - values[[1 << seat for seat in range(TRAINERS)]]
    return {
        "scores": {name: compared(score, truth) for name, score in scores.items()},
        "ms_a_round": _costs(timed, rounds),
        "gain": {"mean": float(gain.mean()), "spread": float(gain.std()), "least": float(gain.min())},
        "accuracy": {"ours": float(gain[0] + values[1]), "equal weights": float(values[-1])},
        "truth": truth.tolist(),
        "shares": (scores["our pay"] / scores["our pay"].sum()).tolist(),
    }


def _costs(timed: Timed, rounds: int) -> dict[str, float]:
    """Milliseconds a round, beyond training itself. GTG: the coalitions that it asks for, of those of a round."""
    out = {name: 1000 * value / rounds for name, value in timed.seconds.items() if name != "GTG asked"}
    asked = timed.seconds.get("GTG asked", 0.0) / rounds
    out["GTG-Shapley"] = out["round Shapley"] * asked / (1 << TRAINERS)
    out["leave one out"] = out["retraining"] * (TRAINERS + 1) / (1 << TRAINERS)
    return out


def show(report: dict[str, Any]) -> None:
    """Means over seeds (standard deviation, worst seed)."""
    for setting in SETTINGS:
        lines = [line for key, line in report["runs"].items() if key.startswith(setting + "/")]
        if not lines:
            continue
        print(
            f"{setting}, {len(lines)} seeds: Pearson (sd, worst), Spearman (sd, worst), share error, ms a round"
        )
        for name in lines[0]["scores"]:
            parts = []
            for measure_ in ("pearson", "spearman"):
                x = np.array([line["scores"][name][measure_] for line in lines])
                parts.append(f"{x.mean():.3f} ({x.std():.3f}, {x.min():.3f})")
            error = np.mean([line["scores"][name]["share_error"] for line in lines])
            cost = np.mean([line["ms_a_round"].get(name, float("nan")) for line in lines])
            print(f"  {name:24} {parts[0]:24} {parts[1]:24} {error:.3f}  {cost:8.2f}")
        for part in ("gain", "accuracy"):
            means = {key: np.mean([line[part][key] for line in lines]) for key in lines[0][part]}
            print(f"  {part}: " + ", ".join(f"{key} {value:.3f}" for key, value in means.items()))


def main() -> None:
    """Run what the report does not hold yet; some twenty seconds a seed and setting on one core."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--first", type=int, default=100)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--report", type=Path)
    options = parser.parse_args()
    report: dict[str, Any] = {"version": 1, "rounds": options.rounds, "runs": {}}
    if options.report and options.report.exists():
        report = json.loads(options.report.read_text())
        if report["rounds"] != options.rounds:
            parser.error(f"{options.report} has {report['rounds']} rounds a run, not {options.rounds}")
    for seed in range(options.first, options.first + options.seeds):
        for setting in SETTINGS:
            if (key := f"{setting}/{seed}") not in report["runs"]:
                report["runs"][key] = measure(setting, seed, options.rounds)
                if options.report:
                    options.report.write_text(json.dumps(report, indent=1) + "\n")
    show(report)


if __name__ == "__main__":
    main()
