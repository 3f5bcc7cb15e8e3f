"""Attacks, rules and data of a user's own, from files: what they are given, and what is refused with a next step."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from benchmarks.robustness import data, files
from benchmarks.robustness.__main__ import attack_of, data_of, rule_of
from benchmarks.robustness.catalogue import ATTACKS
from benchmarks.robustness.rules import RULES
from benchmarks.robustness.world import Setting, play
from market.errors import InputError

SMALL = Setting(n=6, f=2, rounds=2, steps=2)


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

    honest = play(SMALL, data.digits(0), RULES["average"](), ATTACKS["none"], 0)
    assert found.accuracy < honest.accuracy + 0.05


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
