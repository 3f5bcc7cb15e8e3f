"""Small demonstrations (four trainers, two rounds) by the same code as `make demo`, and what each has to show."""

from __future__ import annotations

from pathlib import Path

from market.cli import fairtrain, run
from market.demo.report import Report

ROUNDS = 2
PEOPLE = ("copier=1", 4)


def demo(tmp_path: Path, *options: str, web: str = "--no-web") -> Report:
    """`fairtrain demo` in this process; its children are processes of their own."""
    report = tmp_path / "report.json"
    base = ["demo", "--trainers", str(PEOPLE[1]), "--attackers", PEOPLE[0], "--rounds", str(ROUNDS)]
    base += [web, "--keep", str(tmp_path / "kept")]
    assert run(fairtrain, [*base, "--report", str(report), *options]) == 0
    return Report.model_validate_json(report.read_text())


def check(report: Report) -> None:
    """What every run has to show."""
    assert report.project.balances()
    assert int(report.project.funded_wei) == ROUNDS * 10**18
    assert [round_.revealed for round_ in report.rounds] == [PEOPLE[1]] * ROUNDS
    honest = [int(trainer.paid_wei) for trainer in report.trainers if trainer.kind == "honest"]
    assert min(honest) > 0
    assert report.final_accuracy > report.rounds[0].accuracy
