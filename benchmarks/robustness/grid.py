"""Which runs there are, in which order, and a file of finished ones that a stopped bench goes on from."""

from __future__ import annotations

import json
import random
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from itertools import product
from pathlib import Path
from typing import Any, Final

from benchmarks.robustness.catalogue import NONE
from benchmarks.robustness.nets import HIDDEN
from benchmarks.robustness.world import Outcome, Setting
from market.errors import InputError

MEAN: Final = "average"
HARDER: Final = {"moved": {"rate": 0.5, "steps": 20}}
"""Local training where the default is too short to learn anything."""


@dataclass(frozen=True)
class Cell:
    """One run."""

    setting: Setting
    rule: str
    attack: str
    seed: int

    def key(self) -> str:
        """Names the run in the file of lines."""
        return json.dumps(self.fields(), sort_keys=True)

    def fields(self) -> dict[str, Any]:
        """The setting, rule, attack and seed."""
        return {**asdict(self.setting), "rule": self.rule, "attack": self.attack, "seed": self.seed}


@dataclass(frozen=True)
class Grid:
    """All combinations; runs that would be the same (no attackers: whatever attack) are there once."""

    rules: Sequence[str]
    attacks: Sequence[str]
    data: Sequence[str] = ("digits",)
    models: Sequence[str] = ("mlp",)
    n: Sequence[int] = (20,)
    parts: Sequence[float] = (0.0, 0.2, 0.3, 0.4)
    alphas: Sequence[float | None] = (None, 0.5, 0.3)
    seeds: Sequence[int] = (0, 1, 2, 3, 4)
    rounds: int = 40
    root: int = 40
    hidden: int = HIDDEN
    rate: float | None = None
    """Learning rate as described, where it is not that of the data set."""

    def cells(self) -> Iterator[Cell]:
        """Every run once: what losses are measured against (plain mean, no attackers) always among them."""
        seen = set()
        for cell in self._all():
            if cell.key() not in seen:
                seen.add(cell.key())
                yield cell

    def _all(self) -> Iterator[Cell]:
        outer = product(self.data, self.models, self.n, self.alphas, self.seeds)
        for data, model, n, alpha, seed in outer:
            clean = Setting(data, model, n, 0, alpha, self.rounds, root=self.root, hidden=self.hidden)
            clean = replace(clean, **HARDER.get(data, {}))  # type: ignore[arg-type]
            clean = replace(clean, rate=self.rate or clean.rate)
            yield Cell(clean, MEAN, NONE, seed)
            for part, rule, attack in product(self.parts, self.rules, self.attacks):
                f = round(part * n)
                # Rules are told f, so a run in which the attackers behave is not one without attackers.
                yield Cell(replace(clean, f=f), rule, attack if f else NONE, seed)


def sampled(cells: Sequence[Cell], count: int, seed: int) -> list[Cell]:
    """`count` scenes (setting, attack and seed) drawn by the seed, each under every rule, and the runs that their
    losses are measured against. Which are drawn does not depend on the rules, so rules meet the same."""
    scenes: dict[str, list[Cell]] = {}
    for cell in cells:
        scenes.setdefault(replace(cell, rule="").key(), []).append(cell)
    drawn = random.Random(seed).sample(list(scenes), min(count, len(scenes)))
    chosen = [cell for scene in drawn for cell in scenes[scene]]
    needed = {baseline(cell).key(): baseline(cell) for cell in chosen}
    return [*needed.values(), *(cell for cell in chosen if cell.key() not in needed)]


def baseline(cell: Cell) -> Cell:
    """The run of the plain mean with all trainers honest, same data and seed."""
    return Cell(replace(cell.setting, f=0), MEAN, NONE, cell.seed)


def finished(path: Path) -> dict[str, dict[str, Any]]:
    """Lines of the file by key; a last line that was cut off is forgotten. Raises InputError E108 for others."""
    lines = path.read_text().splitlines() if path.exists() else []
    out = {}
    for number, line in enumerate(lines, 1):
        try:
            row = json.loads(line)
            out[row["key"]] = row
        except (ValueError, KeyError, TypeError) as problem:
            if number == len(lines):
                break
            raise InputError(
                "E108", f"{path}, line {number}: {problem}; give a file that this bench wrote, or a new one"
            ) from problem
    return out


def run(cells: Sequence[Cell], path: Path, play: Callable[[Cell], Outcome], quiet: bool = False) -> None:
    """Play what the file does not have yet and append it, one line a run, with an estimate of the rest."""
    done = finished(path)
    if path.exists():
        path.write_text("".join(json.dumps(row) + "\n" for row in done.values()))
    todo = [cell for cell in cells if cell.key() not in done]
    started = shown = time.monotonic()
    with path.open("a") as file:
        for number, cell in enumerate(todo, 1):
            line = {"key": cell.key(), **cell.fields(), **play(cell).fields()}
            file.write(json.dumps(line) + "\n")
            file.flush()
            if not quiet and (time.monotonic() - shown > 10 or number == len(todo)):
                shown = time.monotonic()
                _progress(number, len(todo), shown - started)


def _progress(number: int, total: int, seconds: float) -> None:
    rest = seconds / number * (total - number)
    print(f"{number} of {total} runs, {seconds:.0f} s, {rest:.0f} s left", file=sys.stderr, flush=True)
