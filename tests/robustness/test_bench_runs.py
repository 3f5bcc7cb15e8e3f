"""Runs of the bench: the same by seed, resumed where they stopped, refused with a next step."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from benchmarks.robustness import data, files, grid, named, report
from benchmarks.robustness.__main__ import attack_of, cells_of, data_of, expanded, parser, rule_of
from benchmarks.robustness.agreement import Agreement
from benchmarks.robustness.catalogue import ATTACKS, GROUPS
from benchmarks.robustness.nets import Cnn, Mlp
from benchmarks.robustness.rules import RULES, GramRule
from benchmarks.robustness.scene import Attack
from benchmarks.robustness.world import Outcome, Setting, World, net_of, play
from market.errors import InputError

SMALL = Setting(n=6, f=2, rounds=2, steps=2)


def once(attack: str = "none", rule: str = "agreement", seed: int = 0, **more: object) -> Outcome:
    return play(SMALL, data.digits(seed), RULES[rule](), ATTACKS[attack], seed, **more)  # type: ignore[arg-type]


def test_play__the_same_seed_gives_the_same_run() -> None:
    one, two, other = once("ad_dot"), once("ad_dot"), once("ad_dot", seed=1)

    assert (one.accuracy, one.weight) == (two.accuracy, two.weight)
    assert (one.accuracy, one.weight) != (other.accuracy, other.weight)


class Doubled(GramRule):
    """Advises twice the described learning rate, whatever happens."""

    @property
    def rate(self) -> float:
        return 2.0


def test_world_of_a_rule_that_advises__trains_with_its_rate() -> None:
    """One step is linear in the rate."""
    setting = Setting(n=6, rounds=2, steps=1)
    as_described, doubled = (
        World(setting, data.digits(0), rule, ATTACKS["none"], 0).train(0)
        for rule in (GramRule(Agreement()), Doubled(Agreement()))
    )

    assert doubled == pytest.approx(2 * as_described, abs=1e-6)
    assert as_described.any()


def test_play_paid__weights_of_the_aggregator_and_shares_of_one() -> None:
    found = once("sign_flip", paid=True)

    assert found.weight is not None
    assert found.pay is not None
    assert 0 <= found.pay < 2 / 6


@pytest.mark.parametrize("attack", ["fr_delta", "fr_delta_noise", "fr_mix"])
def test_play_paid_six_free_riders_of_twenty__earn_next_to_nothing(attack: str) -> None:
    """Together they earn more than the honest until ratios tell, and would be the median if they counted by that."""
    found = play(Setting(f=6), data.digits(0), RULES["agreement"](), ATTACKS[attack], 0, paid=True)

    assert found.pay is not None
    assert found.pay < 0.05 * 6 / 20


@pytest.mark.parametrize("name", dict(named.rules()))
def test_play_of_a_named_rule__weights_within_the_whole(name: str) -> None:
    rule = dict(named.rules())[name]()
    wide = Setting(n=9, f=2, rounds=2, steps=2)
    found = play(wide, data.digits(0), rule, ATTACKS["sign_flip"], 0)

    assert found.weight is not None
    assert 0 <= found.weight <= 1
    assert rule.name == name


def test_play_with_a_backdoor__reports_its_success() -> None:
    assert once("backdoor").success is not None
    assert once("edge_pgd").success is not None
    assert once("label_flip").success is None


def test_play_of_an_attack_with_a_wrong_shape__refused() -> None:
    with pytest.raises(InputError, match=r"E108 attack bad gave \(2, 3\), expected \(2, 4810\)"):
        play(
            SMALL,
            data.digits(0),
            RULES["average"](),
            Attack("bad", lambda s: np.zeros((2, 3), np.float32)),
            0,
        )


def test_play_of_an_attack_that_is_not_finite__refused() -> None:
    with pytest.raises(InputError, match="not finite"):
        play(
            SMALL, data.digits(0), RULES["average"](), Attack("bad", lambda s: s.own * np.float32(np.nan)), 0
        )


@pytest.mark.parametrize("net", [Mlp(16, 3, hidden=5), Cnn(6, 3, channels=2)])
def test_gradient__slope_of_the_loss(net: Mlp | Cnn) -> None:
    rng = np.random.default_rng(0)
    x = net.prepare(rng.random((1, 7, 16 if isinstance(net, Mlp) else 36)).astype(np.float32))
    y = rng.integers(0, 3, (1, 7))
    w = net.start(rng)[None]
    direction = rng.standard_normal(w.shape).astype(np.float32)

    def loss(at: np.ndarray) -> float:
        scores = net.logits(at[0], x[0]).astype(float)
        return float((np.log(np.exp(scores).sum(axis=1)) - scores[np.arange(7), y[0]]).mean())

    step = 1e-3 * direction
    slope = (loss(w + step) - loss(w - step)) / 2e-3
    assert float((net.gradient(w, x, y) * direction).sum()) == pytest.approx(slope, rel=0.01)


def test_net_of_data_that_is_no_image__refused_for_a_cnn() -> None:
    rows = data.Data(
        np.zeros((4, 5), np.float32), np.zeros(4, int), np.zeros((4, 5), np.float32), np.zeros(4, int)
    )
    with pytest.raises(InputError, match="square images"):
        net_of("cnn", rows)


@pytest.mark.parametrize("alpha", [None, 0.5, 0.1])
def test_split__disjoint_enough_for_all_and_the_owners_samples_kept(alpha: float | None) -> None:
    y = data.digits(0).y
    parts = data.split(y, 20, alpha, np.random.default_rng(0))
    together = np.concatenate(parts)

    assert len(set(together)) == len(together) == len(y) - data.ROOT
    assert together.min() == data.ROOT
    assert min(map(len, parts)) >= data.LEAST


@pytest.mark.parametrize(("seats", "fits"), [(10, True), (11, False)])
def test_split_of_too_few_samples__refused(seats: int, fits: bool) -> None:
    y = np.zeros(data.ROOT + 2 * data.LEAST * 10, int)
    if fits:
        assert len(data.split(y, seats, None, np.random.default_rng(0))) == seats
    else:
        with pytest.raises(InputError, match="260 samples are too few for 11 trainers: give 276"):
            data.split(y, seats, None, np.random.default_rng(0))


def test_moved__is_harder_and_keeps_copies_of_an_image_in_one_part() -> None:
    made = data.moved(0)

    assert made.x.shape == (3 * (1797 - data.TEST), data.SIDE**2)
    assert (made.y_test.reshape(-1, 3) == made.y_test[::3, None]).all()
    assert 0 <= made.x.min() <= made.x.max() <= 1


# --- files of a user ---


def write(folder: Path, text: str) -> str:
    path = folder / "mine.py"
    path.write_text(text)
    return str(path)


def test_attack_of_a_file__gets_what_the_signature_names(tmp_path: Path) -> None:
    file = write(
        tmp_path,
        "def mine(honest, own, past_global, round, rng):\n"
        "    assert honest.shape == (4, 4810) and own.shape == (2, 4810) and len(past_global) == round\n"
        "    return own * 0 - honest.mean(axis=0)\n",
    )
    found = play(SMALL, data.digits(0), RULES["average"](), attack_of(file + ":mine"), 0)

    assert found.accuracy < once("none", "average").accuracy + 0.05


def test_rule_of_a_file__function_and_class(tmp_path: Path) -> None:
    file = write(
        tmp_path,
        "from benchmarks.robustness.rules import Mean as Judged\n"
        "def median(updates, f):\n    import numpy\n    return numpy.median(updates, axis=0)\n",
    )
    for name in ("median", "Judged"):
        assert rule_of(f"{file}:{name}")().name == f"{file}:{name}"
        assert play(SMALL, data.digits(0), rule_of(f"{file}:{name}")(), ATTACKS["none"], 0).accuracy > 0


@pytest.mark.parametrize(
    ("text", "name", "words"),
    [
        ("def mine(x): return x", "mine", r"takes \(x\), expected a function of \(honest, own"),
        ("mine = 3", "mine", "expected a function"),
        ("def other(): pass", "mine", "it has other"),
        ("1 / 0", "mine", "cannot be loaded: ZeroDivisionError"),
    ],
)
def test_attack_of_a_bad_file__refused_with_the_next_step(
    tmp_path: Path, text: str, name: str, words: str
) -> None:
    with pytest.raises(InputError, match=words):
        files.attack_of(f"{write(tmp_path, text)}:{name}")


MEAN = """
import numpy as np
from benchmarks.robustness.agreement import Verdict

class Mine:
    {more}

    def start(self, n):
        return {{"n": np.array([n])}}

    def weigh(self, gram, state, params):
        n = int(state["n"][0])
        assert (len(gram) - n, params.f, params.reference, params.deltas) == {told}
        return Verdict(np.full(n, 65535 // n), np.full(n, 1 << 14), state)
"""


@pytest.mark.parametrize(
    ("more", "told"),
    [
        ("pass", "(0, 0, False, 0)"),
        ("uses_f = True", "(0, 2, False, 0)"),
        ("uses_reference = True", "(1, 0, True, 0)"),
        ("uses_deltas = True", "(params.deltas, 0, False, params.deltas)"),
    ],
)
def test_rule_of_a_file__is_given_what_it_asks_for(tmp_path: Path, more: str, told: str) -> None:
    rule = files.rule_of(write(tmp_path, MEAN.format(more=more, told=told)) + ":Mine")
    found = play(SMALL, data.digits(0), rule(), ATTACKS["sign_flip"], 0)

    assert rule().name.endswith("mine.py:Mine")
    assert found.weight == pytest.approx(2 / 6, abs=1e-3)


def test_rule_of_a_bad_file__refused_with_the_next_step(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"expected a class with start\(n\)"):
        files.rule_of(write(tmp_path, "class Mine: pass") + ":Mine")
    with pytest.raises(InputError, match="there is no file"):
        files.rule_of(str(tmp_path / "none.py") + ":Mine")


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"X": np.zeros((5, 2, 2))}, r"X is \(5, 2, 2\)"),
        ({"y": np.zeros(5)}, "float64"),
        ({"y": np.zeros(4, int)}, r"y is \(4,\)"),
        ({"y_test": -np.ones(5, int)}, "negative"),
        ({"X": np.full((5, 4), np.nan)}, "not finite"),
        ({"X": np.zeros((5, 3))}, "rows of X have 3 numbers, of X_test 4"),
        ({"X_test": None}, "X_test"),
    ],
)
def test_from_file_of_bad_arrays__refused(tmp_path: Path, change: dict[str, object], words: str) -> None:
    arrays = {
        "X": np.zeros((5, 4)),
        "y": np.zeros(5, int),
        "X_test": np.zeros((5, 4)),
        "y_test": np.zeros(5, int),
    }
    kept = {name: value for name, value in {**arrays, **change}.items() if value is not None}
    np.savez(tmp_path / "mine.npz", **kept)
    with pytest.raises(InputError, match=words):
        data.from_file(tmp_path / "mine.npz")


def test_data_of__a_file_or_a_name(tmp_path: Path) -> None:
    np.savez(
        tmp_path / "a.npz", X=np.ones((5, 4)), y=np.arange(5), X_test=np.ones((2, 4)), y_test=np.arange(2)
    )

    assert data_of(str(tmp_path / "a.npz"), 0).classes == 5
    for name, words in (("nothing", "digits, moved or an .npz"), (str(tmp_path / "b.npz"), "No such file")):
        with pytest.raises(InputError, match=words):
            data_of(name, 0)


@pytest.mark.parametrize("find", [rule_of, attack_of])
def test_unknown_name__refused_with_the_known_ones(find: object) -> None:
    with pytest.raises(InputError, match=r"E108 unknown .* 'x': take .* or file.py:name"):
        find("x")  # type: ignore[operator]


# --- the grid ---


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
