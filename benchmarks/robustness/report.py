"""Tables, a JSON report and pictures from finished runs."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable
from pathlib import Path
from statistics import mean
from typing import Any, Final

from benchmarks.robustness.catalogue import NONE
from benchmarks.robustness.grid import MEAN

SETTING: Final = ("data", "model", "n", "f", "alpha")
LOST: Final = 0.6
"""A run whose accuracy ends below this part of the clean one is lost."""
Row = dict[str, Any]


def report(rows: Iterable[Row]) -> dict[str, Any]:
    """Losses in points against the plain mean with all trainers honest: per attack and worst case per rule."""
    lines = with_losses(list(rows))
    groups: dict[tuple[Any, ...], list[Row]] = defaultdict(list)
    for line in lines:
        if not (line["rule"] == MEAN and line["f"] == 0):
            groups[(*[line[name] for name in SETTING], line["rule"])].append(line)
    settings = [
        {**dict(zip([*SETTING, "rule"], key, strict=True)), **summary(group)} for key, group in groups.items()
    ]
    settings.sort(key=lambda one: [str(one[name]) for name in SETTING] + [one["worst loss"]])
    return {"version": 1, "settings": settings, "runs": lines}


def with_losses(rows: list[Row]) -> list[Row]:
    """Each run with its `loss` in points; runs without their clean run are left out."""
    clean = {_of(row): row["accuracy"] for row in rows if _is_clean(row)}
    kept = [row for row in rows if _of(row) in clean]
    return [
        {
            **{name: value for name, value in row.items() if name != "key"},
            "loss": round(100 * (clean[_of(row)] - row["accuracy"]), 3),
            "lost": row["accuracy"] < LOST * clean[_of(row)],
        }
        for row in kept
    ]


def summary(group: list[Row]) -> Row:
    """One rule in one setting: mean loss of every attack, the worst one, shares of the attackers."""
    attacks: dict[str, list[Row]] = defaultdict(list)
    for row in group:
        attacks[row["attack"]].append(row)
    losses = {name: mean(row["loss"] for row in runs) for name, runs in attacks.items()}
    hostile = {name: loss for name, loss in losses.items() if name != NONE} or losses
    worst = max(hostile, key=lambda name: hostile[name])
    return {
        "clean loss": _rounded(losses.get(NONE)),
        "worst attack": worst,
        "worst loss": _rounded(hostile[worst]),
        "worst run": max(row["loss"] for row in attacks[worst]),
        "lost runs": sum(row["lost"] for row in group),
        "runs": len(group),
        "accused": sum(row["accused"] for row in group),
        "attacks": {name: _attack(losses[name], runs) for name, runs in sorted(attacks.items())},
    }


def _attack(loss: float, runs: list[Row]) -> Row:
    return {
        "loss": _rounded(loss),
        "weight": _mean(row["weight"] for row in runs),
        "pay": _mean(row["pay"] for row in runs),
        "success": _mean(row["success"] for row in runs),
        "seeds": len(runs),
    }


def table(found: dict[str, Any]) -> str:
    """Worst case per rule and setting, for people and for Markdown."""
    head = [*SETTING, "rule", "clean loss", "worst loss", "worst attack", "worst run", "lost runs", "runs"]
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    for one in found["settings"]:
        cells = ["iid" if name == "alpha" and one[name] is None else one[name] for name in head]
        lines.append("| " + " | ".join("-" if cell is None else str(cell) for cell in cells) + " |")
    return "\n".join(lines)


def margins(found: dict[str, Any]) -> str:
    """Every rule over all attacked runs, and over those with one data set, model, number or part: for samples, in which
    few settings have more than one run. Mean loss, what nine runs in ten stay below, the worst run; lost runs."""
    hit = [run for run in found["runs"] if run["f"]]
    rules = list(dict.fromkeys(run["rule"] for run in hit))
    lines = ["| | " + " | ".join(["runs", *rules]) + " |", "|" + "---|" * (len(rules) + 2)]
    for name, kind in _KINDS.items():
        values = sorted({kind(run) for run in hit})
        for value in values if len(values) > 1 or name == "all" else []:
            runs = [[run for run in hit if run["rule"] == rule and kind(run) == value] for rule in rules]
            cells = [value, str(max(map(len, runs))), *map(_margin, runs)]
            lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


def _margin(runs: list[Row]) -> str:
    if not runs:
        return "-"
    losses, lost = sorted(run["loss"] for run in runs), sum(run["lost"] for run in runs)
    tenth = losses[(9 * len(losses) - 1) // 10]
    return f"{mean(losses):.1f}, {tenth:.1f}, {losses[-1]:.1f}" + (f"; {lost} lost" if lost else "")


_KINDS: Final[dict[str, Callable[[Row], str]]] = {
    "all": lambda run: "all",
    "data": lambda run: str(run["data"]),
    "model": lambda run: str(run["model"]),
    "trainers": lambda run: f"{run['n']} trainers",
    "part": lambda run: f"{run['f'] / run['n']:.0%} attack",
    "alpha": lambda run: "iid" if run["alpha"] is None else f"Dirichlet {run['alpha']}",
}


def pictures(found: dict[str, Any], folder: Path) -> list[Path]:
    """One heat map a setting: rules x attacks, mean loss in points. Needs matplotlib."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    folder.mkdir(parents=True, exist_ok=True)
    groups: dict[tuple[Any, ...], list[Row]] = defaultdict(list)
    for one in found["settings"]:
        groups[tuple(one[name] for name in SETTING)].append(one)
    made = []
    for key, rules in groups.items():
        attacks = sorted({name for one in rules for name in one["attacks"]})
        grid = [[one["attacks"].get(name, {}).get("loss", float("nan")) for name in attacks] for one in rules]
        figure = Figure(figsize=(2 + 0.25 * len(attacks), 1.5 + 0.3 * len(rules)), layout="constrained")
        FigureCanvasAgg(figure)
        axes = figure.subplots()
        image = axes.imshow(grid, vmin=0, vmax=20, aspect="auto", cmap="magma_r")
        axes.set_xticks(range(len(attacks)), attacks, rotation=90, fontsize=7)
        axes.set_yticks(range(len(rules)), [one["rule"] for one in rules], fontsize=7)
        data, model, n, f, alpha = key
        axes.set_title(
            f"{data} {model}, {f} of {n} attackers, Dirichlet {alpha or 'iid'}: points lost", fontsize=8
        )
        figure.colorbar(image)
        made.append(folder / f"{data}-{model}-{n}-{f}-{alpha or 'iid'}.png")
        figure.savefig(made[-1], dpi=120)
    return made


def _of(row: Row) -> tuple[Any, ...]:
    names = ("data", "model", "n", "alpha", "rounds", "steps", "batch", "rate", "root", "seed")
    return tuple(row[name] for name in names)


def _is_clean(row: Row) -> bool:
    return row["rule"] == MEAN and row["f"] == 0 and row["attack"] == NONE


def _mean(values: Iterable[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return round(mean(known), 4) if known else None


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 2)
