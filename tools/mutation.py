"""Mutants of Solidity: one change at a time in a line, and a book of which of them the tests notice.

Standard library only. What compiles and tests them are `mutants.py` and `check_mutants.py`.
"""

from __future__ import annotations

import hashlib
import json
import random
import re
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

SWAPS: Final = (
    ("relation", r" < ", " <= "),
    ("relation", r" <= ", " < "),
    ("relation", r" > ", " >= "),
    ("relation", r" >= ", " > "),
    ("equality", r" == ", " != "),
    ("equality", r" != ", " == "),
    ("arithmetic", r" \+ ", " - "),
    ("arithmetic", r" - ", " + "),
    ("arithmetic", r" \* ", " / "),
    ("arithmetic", r" / ", " * "),
    ("arithmetic", r" \+= ", " -= "),
    ("arithmetic", r" -= ", " += "),
    ("logic", r" && ", " || "),
    ("logic", r" \|\| ", " && "),
    ("constant", r"\btrue\b", "false"),
    ("constant", r"\bfalse\b", "true"),
    ("constant", r" 0\b(?!x)", " 1"),
    ("condition", r"if \((?!!)([^()]*(?:\([^()]*\)[^()]*)*)\)", r"if (!(\1))"),
)
STATEMENT: Final = re.compile(
    r"^\s+(?=\S)(?!return\b|revert\b|if\b|else\b|for\b|while\b|assembly\b|using\b|mapping\b)[\w.\[\]() ]+.*;\s*(//.*)?$"
)
REFUSAL: Final = re.compile(r"^\s+if \(.*\) revert .*;\s*(//.*)?$")
DECLARATION: Final = re.compile(
    r"^\s+(?=\S)(uint\d*|int\d*|bytes\d*|bool|address|Tally|Verdict|Pair|Progress|Holder|Terms|Project|Round|Seat|Aggregator"
    r"|Windows|Facts|OpenAsk|Reader|Phase|Tenure|Roots|error|event|function|constructor|import|struct|\()\b.*"
)


@dataclass(frozen=True)
class Mutant:
    """Line `number` (from 1) of `file` becomes `after`."""

    file: str
    number: int
    operator: str
    before: str
    after: str

    @property
    def key(self) -> str:
        """Name that stays as long as the line does, wherever it stands."""
        return hashlib.sha256(f"{self.file}\0{self.before}\0{self.after}".encode()).hexdigest()[:16]


def mutants_of(file: str, root: Path) -> list[Mutant]:
    """All mutants of a source of the contracts at `root`."""
    found, outside = [], True
    for number, line in enumerate((root / file).read_text().splitlines(), 1):
        code = line.partition("//")[0]
        if not code.strip() or code.startswith(
            ("import", "pragma", "using", "type", "library", "contract", "abstract")
        ):
            continue
        outside = outside and not code.strip().endswith("{")
        if outside or "error " in code or "event " in code:
            continue
        for operator, pattern, replacement in SWAPS:
            for match in re.finditer(pattern, code):
                changed = code[: match.start()] + match.expand(replacement) + code[match.end() :]
                found.append(Mutant(file, number, operator, line, changed.rstrip()))
        if REFUSAL.match(line):
            found.append(Mutant(file, number, "refusal removed", line, ""))
        elif STATEMENT.match(line) and not DECLARATION.match(line) and "emit" not in line:
            found.append(Mutant(file, number, "statement removed", line, ""))
    return found


def shuffled(files: Iterable[str], root: Path, seed: int) -> list[Mutant]:
    """All mutants of files of the contracts at `root`, in the order that a seed gives."""
    found = {mutant.key: mutant for file in files for mutant in mutants_of(file, root)}
    ordered = [found[key] for key in sorted(found)]
    random.Random(seed).shuffle(ordered)
    return ordered


@dataclass(frozen=True)
class Book:
    """What is known of mutants: a file that grows with each, and the report of their score. `reasons`: why a survivor
    is none, by what it makes of its line."""

    state: Path
    summary: Path
    reasons: Mapping[str, str]

    def known(self) -> dict[str, dict[str, Any]]:
        """What earlier runs found, by key."""
        found: dict[str, dict[str, Any]] = json.loads(self.state.read_text()) if self.state.exists() else {}
        return found

    def play(self, every: Sequence[Mutant], count: int, outcome: Callable[[int, Mutant], str]) -> None:
        """Tests `count` mutants that are not known yet; `outcome` gets their numbers (from 1) among `every`."""
        state = self.known()
        wanted = [(k, mutant) for k, mutant in enumerate(every, 1) if mutant.key not in state][:count]
        for done, (number, mutant) in enumerate(wanted, 1):
            started = time.monotonic()
            result = outcome(number, mutant)
            texts = {"before": mutant.before.strip(), "after": mutant.after.strip()}
            state[mutant.key] = {"result": result, "file": mutant.file, "operator": mutant.operator, **texts}
            self.state.write_text(json.dumps(state, indent=1))
            where, spent = f"{mutant.file}:{mutant.number} {mutant.operator}", time.monotonic() - started
            print(f"{done}/{len(wanted)} {result}: {where} ({spent:.0f} s)", flush=True)

    def report(self, every: Sequence[Mutant]) -> None:
        """Score and survivors of the mutants that are still those of the sources."""
        state = self.known()
        tested = [state[mutant.key] for mutant in every if mutant.key in state]
        killed = sum(entry["result"] == "killed" for entry in tested)
        alive = [entry for entry in tested if entry["result"] == "survived"]
        fields = ("file", "operator", "before", "after")
        summary = {
            "mutants": len(every),
            "tested": killed + len(alive),
            "killed": killed,
            "percent": 100 * killed // max(1, killed + len(alive)),
            "survivors": [
                {name: entry[name] for name in fields}
                | {"reason": self.reasons.get(entry["after"], "no test yet")}
                for entry in alive
            ],
        }
        self.summary.write_text(json.dumps(summary, indent=1) + "\n")
        print(json.dumps(summary, indent=1))
