"""What a demonstration shows while it runs: one line for each round, from chain and store."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from importlib.metadata import entry_points
from typing import Literal

from rich.console import Console
from rich.live import Live
from rich.table import Table

from market.cid import cid_from_digest
from market.claims import document_of
from market.cli.output import plain_table
from market.codec import MODEL
from market.demo.plan import HONEST
from market.demo.processes import Family
from market.demo.stage import Stage
from market.events import ResultPosted
from market.fetch import fetch_bytes
from market.history import RoundFacts
from market.observe import Observer
from market.params import DELTA_ROWS
from market.phases import Phase

BAR = 10
LOOK_SECONDS = 0.4


class Show:
    """Follows a project to its end. `accuracies`: by round, measured here on data that no trainer has."""

    def __init__(
        self,
        stage: Stage,
        family: Family,
        test: str,
        console: Console,
        news: Callable[[], Iterable[str]] = lambda: (),
    ) -> None:
        """`news`: lines to be shown as they come, beside the table."""
        self._news = news
        self._measured: dict[int, bytes] = {}
        self._stage = stage
        self._family = family
        self._console = console
        self._test = test
        self.has_reference = stage.reference
        self._measure = _evaluator()
        self.observer = Observer(stage.gateway, stage.project)
        self.accuracies: dict[int, float] = {}
        self._lines: dict[int, list[str]] = {}
        self._told: set[int] = set()
        self._cheats = sorted({member.kind for member in stage.members} - {HONEST})

    def follow(self) -> None:
        """Until all rounds are settled: stops the project once its last round is open."""
        first = self.accuracy_of(None)
        self._console.print(f"accuracy of the first model: {first:.3f} (on {self._test})", highlight=False)
        if self._cheats:
            self._console.print("pay of a cheat in % of the mean honest pay of the round; paid in ETH")
        with Live(self._table(), console=self._console, auto_refresh=False, transient=False) as live:
            stopped = False
            while True:
                self._family.check()
                self._look()
                live.update(self._table(), refresh=self._console.is_terminal)
                self._tell()
                for line in self._news():
                    self._console.print(line, highlight=False)
                project = self._stage.gateway.project(self._stage.project)
                if not stopped and self._last_round_runs(project.head):
                    self._stage.gateway.send("stop", self._stage.project)
                    stopped = True
                if stopped and project.open_count == 0:
                    self._look()
                    live.update(self._table(), refresh=True)
                    return
                time.sleep(LOOK_SECONDS)

    def _last_round_runs(self, head: int) -> bool:
        """Whether the last round is open and sealed by somebody: before that it may have to be opened again."""
        stage = self._stage
        return head >= stage.rounds and stage.gateway.round(stage.project, head).seal_count > 0

    def _tell(self) -> None:
        """Where there is no terminal, a line for each new result instead of the live table."""
        for round_ in self.accuracies:
            if not self._console.is_terminal and round_ not in self._told:
                self._told.add(round_)
                cells = self._lines[round_]
                cheats = ", ".join(
                    f"{kind} {cell}" for kind, cell in zip(self._cheats, cells[5:], strict=False)
                )
                counts = f"sealed {cells[2]}, revealed {cells[3]}"
                counts += f", reference {cells[-1]}" if self.has_reference else ""
                self._console.print(f"round {cells[0]}: {counts}, {cells[4]}; {cheats}")

    def accuracy_of(self, posted: ResultPosted | None) -> float:
        """Accuracy of the model of a result, or of the first model."""
        stage = self._stage
        _, content = stage.gateway.params(stage.project)
        wanted = content.model_digest if posted is None else posted.post.model_digest
        size = MODEL.file_bytes(stage.description.d)
        model = fetch_bytes(stage.store, cid_from_digest(wanted, size), size, exact=True)
        return float(self._measure(stage.description.to_bytes(), model, self._test)["accuracy"])

    def _look(self) -> None:
        self.observer.refresh()
        gateway, number = self._stage.gateway, self._stage.project
        for round_, facts in sorted(self.observer.history.rounds.items()):
            phase = gateway.phase(number, round_)
            posted = facts.posts[-1] if facts.posts else None
            if posted and self._measured.get(round_) != posted.commitment:
                self.accuracies[round_] = self.accuracy_of(posted)
                self._measured[round_] = posted.commitment
            self._lines[round_] = self._line(round_, phase, len(facts.seals), len(facts.reveals), posted)

    def _line(
        self, round_: int, phase: Phase, seals: int, reveals: int, posted: ResultPosted | None
    ) -> list[str]:
        seats = len(self._stage.members)
        line = [str(round_), phase.name.lower(), f"{seals}/{seats}", f"{reveals}/{seals}"]
        if posted is None:
            return line
        accuracy = self.accuracies[round_]
        bar = "█" * round(BAR * accuracy) + "·" * (BAR - round(BAR * accuracy))
        line += [f"{bar} {accuracy:.3f}", *self._judged(posted), f"{posted.post.paid / 10**18:.4f}"]
        own = [reference_in(self.observer.history.round(round_), posted)] if self.has_reference else []
        return [*line, *own]

    def _judged(self, posted: ResultPosted) -> list[str]:
        """Mean pay of each kind of cheat, over the honest mean."""
        document = document_of(self._stage.store, posted)
        kinds: dict[str, list[int]] = {}
        for seat in document.seats:
            kinds.setdefault(self._stage.members[seat.seat].kind, []).append(int(seat.pay))
        means = {kind: sum(pay) / len(pay) for kind, pay in kinds.items()}
        honest = means.pop(HONEST, 0) or 1
        return [f"{means.get(kind, 0) / honest:.0%}" for kind in self._cheats]

    def _table(self) -> Table:
        table = plain_table()
        table.padding = (0, 0, 0, 0)
        for name in ("#", "phase", "sealed", "revealed", "accuracy"):
            table.add_column(name, justify="left" if name in ("phase", "accuracy") else "right")
        for name in (*self._cheats, "paid", *(["reference"] if self.has_reference else [])):
            table.add_column(name, justify="right")
        for round_ in sorted(self._lines):
            table.add_row(*self._lines[round_])
        return table


def reference_in(facts: RoundFacts, posted: ResultPosted) -> Literal["counted", "left out", "absent"]:
    """What became of the owner's reference in a result."""
    if facts.reference is None:
        return "absent"
    return "counted" if posted.post.rows[0] >> DELTA_ROWS & 1 else "left out"


def _evaluator() -> Callable[[bytes, bytes, str], dict[str, float]]:
    """The measuring function that the trainer package offers; torch is imported there only."""
    found = next(iter(entry_points(group="fairtrain.evaluators")))
    loaded: Callable[[bytes, bytes, str], dict[str, float]] = found.load()
    return loaded
