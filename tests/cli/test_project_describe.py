"""`fairtrain project describe`: a description from a data file, and how values are written and read."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from market.cli import fairtrain, run
from market.cli.project.values import DURATION, NUMBERS, Unit, span
from market.description import parse
from market.errors import InputError

CSV = "length,width,kind\n5.1,3.5,red\n4.9,3.0,blue\n6.2,3.4,red\n5.9,3.2,blue\n"


class Folder:
    """Runs `describe` in a folder with a data file."""

    def __init__(self, path: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.path, self.capsys = path, capsys
        self.data, self.target = path / "mine.csv", path / "project.json"
        self.data.write_text(CSV)

    def __call__(self, *words: object, data: object = None, name: str = "mine") -> tuple[int, Any]:
        line = [
            "--json",
            "project",
            "describe",
            "--data",
            data or self.data,
            "--name",
            name,
            "-o",
            self.target,
        ]
        self.capsys.readouterr()
        code = run(fairtrain, [str(word) for word in (*line, *words)])
        said = self.capsys.readouterr()
        return code, json.loads(said.err if code else said.out)


@pytest.fixture
def folder(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Folder:
    return Folder(tmp_path, capsys)


def test_describe_csv__takes_shape_labels_and_a_coarse_scale(folder: Folder):
    code, body = folder("--title", "My flowers", "--hidden", "8,4", "--seed", 3)

    made = parse(folder.target.read_bytes())
    assert code == 0
    assert (made.title, made.data.shape, made.data.labels) == ("My flowers", (2,), ("blue", "red"))
    assert made.data.subtract == ("5.53", "3.28")
    assert made.data.divide_by == ("0.54", "0.19")
    assert made.model.hidden == (8, 4)
    assert made.initialiser is not None
    assert made.initialiser.seed == 3
    assert body["parameters"] == made.d == 2 * 8 + 8 + 8 * 4 + 4 + 4 * 2 + 2
    assert body["samples"] == 4


def test_describe_without_seed__draws_another_each_time(folder: Folder):
    folder()
    first = parse(folder.target.read_bytes()).initialiser
    folder("--force")

    assert parse(folder.target.read_bytes()).initialiser != first


def test_describe_label_by_name__leaves_the_other_columns(folder: Folder):
    folder.data.write_text("kind,a,b\nx,1,2\ny,3,4\n")

    assert folder("--label", "kind")[0] == 0
    assert parse(folder.target.read_bytes()).data.labels == ("x", "y")


def test_describe_bundled_digits__divides_by_their_largest_value(folder: Folder):
    code, body = folder(
        "--model", "cnn", "--shape", "1,8,8", "--channels", "4", "--hidden", "16", data="sklearn:digits"
    )

    made = parse(folder.target.read_bytes())
    assert (code, body["samples"]) == (0, 1797)
    assert (made.data.shape, made.data.subtract, made.data.divide_by) == ((1, 8, 8), "0", "16")
    assert made.data.labels == tuple("0123456789")


def test_describe_with_own_terms__takes_them(folder: Folder):
    words = ["--subtract", "5,3", "--divide-by", "2", "--learning-rate", "0.5", "--momentum", "0.9"]
    words += ["--local-steps", "20", "--batch-size", "8", "--step-bound", "4"]

    assert folder(*words)[0] == 0
    made = parse(folder.target.read_bytes())
    assert (made.data.subtract, made.data.divide_by) == (("5", "3"), "2")
    assert made.training.model_dump() == {
        "optimizer": "sgd",
        "learning_rate": "0.5",
        "momentum": "0.9",
        "batch_size": 8,
        "local_steps": 20,
        "step_bound": "4",
    }


@pytest.mark.parametrize(
    ("words", "code", "text"),
    [
        (["--hidden", "0"], "E180", "hidden"),
        (["--learning-rate", "0"], "E180", "learning_rate"),
        (["--batch-size", "0"], "E180", "batch_size"),
        (["--subtract", "1,2,3"], "E180", "3 entries"),
        (["--divide-by", "0"], "E180", "divide_by"),
        (["--title", "a\u202eb"], "E180", "U+202E"),
        (["--model", "cnn"], "E180", "channels, height, width"),
        (["--channels", "4"], "E107", "--model cnn"),
        (["--model", "cnn", "--hidden", "8,8"], "E107", "one width"),
        (["--shape", "3"], "E126", "cannot be [3]"),
        (["--label", "colour"], "E125", "length, width, kind"),
        (["--label", "length"], "E126", "'red' is not a number"),
        (["--hidden", "a,b"], "E100", "32,32"),
    ],
)
def test_describe_bad_option__refuses_and_writes_nothing(
    folder: Folder, words: list[str], code: str, text: str
):
    exit_code, error = folder(*words)

    assert (exit_code, error["code"]) == (2, code)
    assert text in error["error"]
    assert not folder.target.exists()


@pytest.mark.parametrize("data", ["/nowhere.csv", "sklearn:faces", "mine.txt"])
def test_describe_no_such_data__refuses(folder: Folder, data: str):
    assert folder(data=data)[1]["code"] == "E125"


def test_describe_over_an_existing_file__only_with_force(folder: Folder):
    folder.target.write_text("precious")

    assert folder()[1]["code"] == "E108"
    assert folder.target.read_text() == "precious"
    assert folder("--force")[0] == 0


def test_describe_too_many_labels_for_the_document__refuses(folder: Folder):
    np.savez(
        folder.path / "many.npz",
        X=np.arange(1000.0).reshape(-1, 1),
        y=np.array([f"{i:032d}" for i in range(1000)]),
    )

    assert folder(data=folder.path / "many.npz")[1]["code"] == "E180"
    assert not folder.target.exists()


# ----- values -----


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("90", 90), ("90s", 90), ("5m", 300), ("18h", 64_800), ("30d", 2_592_000), ("2w", 1_209_600)],
)
def test_duration__counts_seconds(text: str, seconds: int):
    assert DURATION.convert(text, None, None) == seconds


@pytest.mark.parametrize("text", ["", "m", "-5m", "1.5h", "5 m", "5y", "12345678901"])
def test_duration_of_another_form__refuses(text: str):
    with pytest.raises(Exception, match="30d"):
        DURATION.convert(text, None, None)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (-5, "0 s"),
        (0, "0 s"),
        (59, "59 s"),
        (60, "1 min"),
        (61, "1 min 1 s"),
        (3_605, "1 h"),
        (90_061, "1 d 1 h"),
    ],
)
def test_span__names_the_two_largest_parts(seconds: int, text: str):
    assert span(seconds) == text


@pytest.mark.parametrize(
    ("text", "units"), [("1", 1_000_000), ("0.000001 USD", 1), ("7wei", 7), ("1.5USD", 1_500_000)]
)
def test_unit_of_six_digits__reads_and_writes_exactly(text: str, units: int):
    unit = Unit("0x" + "11" * 20, "USD", 6)

    assert unit.parse(text) == units
    assert unit.parse(unit.text(units)) == units


@pytest.mark.parametrize(
    "text", ["0.0000001", "1e-7", "", "nan", "inf", "79228162514264337593543950336wei", "1 ETC"]
)
def test_unit_bad_amount__refuses(text: str):
    with pytest.raises(InputError, match="E108"):
        Unit("0x" + "11" * 20, "USD", 6).parse(text)


def test_numbers__keep_their_order():
    assert NUMBERS.convert("32, 16", None, None) == (32, 16)
    assert NUMBERS.convert("", None, None) == ()
