"""The report of a demonstration: its schema, and the equation that it must satisfy to the wei."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from pydantic import ValidationError

from market.demo.report import ProjectReport, Report, RoundReport, TrainerReport

HUGE = 10**21 + 1  # above 2^53: only text keeps it exact


def money(**changes: int) -> ProjectReport:
    parts = {"funded": HUGE, "forfeited": 5, "paid": HUGE - 10, "fees": 7, "refunded": 6, "dust": 2} | changes
    return ProjectReport(**{f"{name}_wei": str(units) for name, units in parts.items()})


def report() -> Report:
    return Report(
        seed=3,
        node="anvil",
        store="folder",
        rounds=[
            RoundReport(
                round=1,
                accuracy=0.5,
                sealed=2,
                revealed=2,
                included=2,
                gas={"seal": 5},
                seconds={"commit": 1.0},
            )
        ],
        trainers=[
            TrainerReport(
                seat=0,
                address="0x" + "0b" * 20,
                kind="honest",
                paid_wei=str(HUGE),
                stake_wei="3",
                penalty_wei="0",
                reputation=16_384,
                verdicts=["honest"],
            )
        ],
        project=money(),
        model_cid="bafy",
        final_accuracy=0.9,
        claim_gas=70_000,
        seconds=12.5,
    )


def test_balances_with_a_liar__counts_what_was_slashed() -> None:
    slashed = money(paid=HUGE - 10 + 9, slashed=9)

    assert slashed.balances()
    assert not money(paid=HUGE - 10 + 9).balances()
    assert money().slashed_wei == "0"


def test_save__reads_back_and_keeps_every_wei(tmp_path: Path) -> None:
    path = tmp_path / "report.json"

    report().save(path)

    assert Report.model_validate_json(path.read_text()) == report()
    body = json.loads(path.read_text())
    assert body["version"] == 1
    assert body["trainers"][0]["paid_wei"] == str(HUGE)
    assert set(body) == {
        *("version", "seed", "node", "store", "rounds", "trainers", "project", "model_cid"),
        *("final_accuracy", "claim_gas", "seconds", "liars"),
    }


@pytest.mark.parametrize(("more", "balanced"), [(-1, False), (0, True), (1, False)])
@pytest.mark.parametrize("part", ["paid", "fees", "refunded", "dust"])
def test_balances_around_equality__to_the_wei(part: str, more: int, balanced: bool) -> None:
    before = {"paid": HUGE - 10, "fees": 7, "refunded": 6, "dust": 2}[part]

    assert money(**{part: before + more}).balances() is balanced


def test_balances_without_forfeited_units__does_not(tmp_path: Path) -> None:
    assert not money(forfeited=0).balances()


@pytest.mark.parametrize(
    "change", [{"version": 2}, {"extra": 1}, {"rounds": [{"round": 1}]}, {"seed": "three"}]
)
def test_report_of_another_schema__refused(change: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        Report.model_validate(json.loads(report().model_dump_json()) | change)
