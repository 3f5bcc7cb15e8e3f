"""Which runs there are, resumed where they stopped, and what is reported of them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from benchmarks.robustness import grid, report
from benchmarks.robustness.__main__ import cells_of, expanded, parser
from benchmarks.robustness.catalogue import ATTACKS, GROUPS
from benchmarks.robustness.world import Outcome
from market.errors import InputError


def made(accuracy: float) -> Outcome:
    return Outcome(accuracy, [], 0.1, None, None, 0, 0.0)


def cells() -> list[grid.Cell]:
    options = ["--rule", "agreement", "--attack", "none", "--attack", "sign_flip", "--seeds", "2"]
    return cells_of(parser().parse_args([*options, "--fraction", "0.2", "--fraction", "0", "--alpha", "iid"]))


def test_cells__once_each_and_always_with_what_losses_are_measured_against() -> None:
    found = cells()
    keys = [cell.key() for cell in found]

    assert len(set(keys)) == len(keys) == 2 * (1 + 1 + 2)
    assert all(grid.baseline(cell).key() in keys for cell in found)


def test_cells_with_other_sizes__network_and_reference_are_those_asked_for() -> None:
    found = cells_of(parser().parse_args(["--seeds", "1", "--root", "100", "--hidden", "256"]))

    assert {(cell.setting.root, cell.setting.hidden) for cell in found} == {(100, 256)}


@pytest.mark.parametrize(("options", "rates"), [([], {0.1, 0.5}), (["--rate", "0.4"], {0.4})])
def test_cells__rate_of_the_data_set_unless_one_is_asked_for(options: list[str], rates: set[float]) -> None:
    found = cells_of(parser().parse_args(["--data", "digits", "--data", "moved", *options]))

    assert {cell.setting.rate for cell in found} == rates


@pytest.mark.parametrize("rate", ["0", "-1", "inf", "nan", "fast"])
def test_parser_of_a_rate_that_is_none__refused(rate: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        parser().parse_args([f"--rate={rate}"])
    assert f"invalid positive value: '{rate}'" in capsys.readouterr().err


@pytest.mark.parametrize("samples", ["0", "101", "many"])
def test_parser_of_more_samples_than_an_owner_has__refused(
    samples: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        parser().parse_args(["--root", samples])
    assert f"invalid samples_of value: '{samples}'" in capsys.readouterr().err


def test_core_grid__what_the_default_is() -> None:
    found = cells_of(parser().parse_args(["--seeds", "1"]))

    assert {cell.setting.f for cell in found} == {0, 4, 6, 8}
    assert {cell.setting.alpha for cell in found} == {None, 0.5, 0.3}
    assert {cell.attack for cell in found} == set(ATTACKS)


def test_sampled__drawn_by_the_seed_with_their_clean_runs() -> None:
    found = list(grid.Grid(["agreement"], ["sign_flip", "mimic"]).cells())
    one, same, other = (grid.sampled(found, 10, seed) for seed in (1, 1, 2))

    assert one == same != other
    assert {grid.baseline(cell).key() for cell in one} <= {cell.key() for cell in one}


def test_sampled__every_rule_meets_the_same_scenes_whatever_rules_there_are() -> None:
    both, one = (
        grid.sampled(list(grid.Grid(rules, ["sign_flip", "mimic"]).cells()), 10, 1)
        for rules in (["agreement", "fltrust"], ["fltrust"])
    )
    scenes = [
        {(cell.setting, cell.attack, cell.seed) for cell in both if cell.rule == rule}
        for rule in ("agreement", "fltrust")
    ]

    assert (
        scenes[0]
        == scenes[1]
        == {(cell.setting, cell.attack, cell.seed) for cell in one if cell.rule == "fltrust"}
    )
    assert len(scenes[0]) == 10


def test_run_stopped_and_started_again__plays_the_rest_only(tmp_path: Path) -> None:
    path, played = tmp_path / "lines.jsonl", []

    def stop_at_three(cell: grid.Cell) -> Outcome:
        if len(played) == 3:
            raise KeyboardInterrupt
        played.append(cell.key())
        return made(0.9)

    with pytest.raises(KeyboardInterrupt):
        grid.run(cells(), path, stop_at_three, quiet=True)
    path.write_text(path.read_text() + '{"key": "cut o')
    again: list[str] = []
    grid.run(cells(), path, lambda cell: again.append(cell.key()) or made(0.9), quiet=True)

    assert not set(again) & set(played)
    assert set(again) | set(played) == {cell.key() for cell in cells()} == grid.finished(path).keys()


def test_finished_of_a_foreign_file__refused(tmp_path: Path) -> None:
    (tmp_path / "x").write_text("hello\n{}\n")
    with pytest.raises(InputError, match="x, line 1"):
        grid.finished(tmp_path / "x")


def test_report__losses_in_points_and_the_worst_attack(tmp_path: Path) -> None:
    accuracy = {"none": 0.9, "sign_flip": 0.85}
    path = tmp_path / "lines.jsonl"
    grid.run(cells(), path, lambda cell: made(accuracy[cell.attack]), quiet=True)
    found = report.report(grid.finished(path).values())
    hit = next(one for one in found["settings"] if one["f"] == 4)

    assert (hit["clean loss"], hit["worst loss"], hit["worst attack"], hit["lost runs"]) == (
        0,
        5,
        "sign_flip",
        0,
    )
    assert hit["attacks"]["sign_flip"]["weight"] == 0.1
    assert "| digits | mlp | 20 | 4 | iid | agreement | 0.0 | 5.0 | sign_flip |" in report.table(found)
    assert json.loads(json.dumps(found)) == found


def test_margins__mean_tenth_worst_and_lost_of_each_rule_in_the_same_scenes() -> None:
    def run(rule: str, n: int, loss: float) -> dict[str, object]:
        names = {"rule": rule, "data": "digits", "model": "mlp", "n": n, "f": n // 5, "alpha": None}
        return {**names, "loss": loss, "lost": loss > 40}

    runs = [run("ours", 20, loss) for loss in range(10)] + [run("ours", 50, 50), run("theirs", 20, -1.25)]

    assert report.margins({"runs": [*runs, run("ours", 20, 99) | {"f": 0}]}).splitlines() == [
        "| | runs | ours | theirs |",
        "|---|---|---|---|",
        "| all | 11 | 8.6, 9.0, 50.0; 1 lost | -1.2, -1.2, -1.2 |",
        "| 20 trainers | 10 | 4.5, 8.0, 9.0 | -1.2, -1.2, -1.2 |",
        "| 50 trainers | 1 | 50.0, 50.0, 50.0; 1 lost | - |",
    ]


@pytest.mark.parametrize(("accuracy", "lost"), [(0.53, True), (0.541, False)])
def test_report_of_a_run_below_six_tenths__lost(accuracy: float, lost: bool, tmp_path: Path) -> None:
    path = tmp_path / "lines.jsonl"
    grid.run(cells(), path, lambda cell: made(0.9 if cell.attack == "none" else accuracy), quiet=True)
    rows = report.with_losses(list(grid.finished(path).values()))

    assert {row["lost"] for row in rows if row["attack"] == "sign_flip"} == {lost}


@pytest.mark.parametrize("options", [["--fraction", "0.5"], ["--fraction", "-0.1"], ["--alpha", "0"]])
def test_parser_of_values_out_of_range__refused(options: list[str]) -> None:
    with pytest.raises(SystemExit):
        parser().parse_args(options)


def test_expanded__groups_give_their_members_once() -> None:
    found = expanded(["adaptive", "sign_flip", "ad_dot"])

    assert found[0] == "none"
    assert found[-1] == "sign_flip"
    assert len(set(found)) == len(found) == 7


@pytest.mark.parametrize("group", GROUPS)
def test_groups__name_attacks_that_exist(group: str) -> None:
    assert set(GROUPS[group]) <= ATTACKS.keys()
