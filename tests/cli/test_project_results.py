"""`fairtrain project model` and `evaluate`: models checked against their roots, and the owner's own figures."""

import json
import sqlite3
from contextlib import closing
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from market.cli.project.evaluate import Accuracy, Figures
from market.codec import MODEL, decode, encode, model_root
from market.description import parse
from market.initial import initial_model
from market.phases import Phase
from tests.cli.project_world import FIRST_TRAINER, OWNER, PARAMETERS, Terminal, World

pytestmark = pytest.mark.chain
TEST_SET = "sklearn:iris?test=1"


# ----- model -----


def test_model_before_any_result__is_the_first(terminal: Terminal):
    project, target = terminal.create(), terminal.home / "m.i32"

    said = terminal("model", project, "-o", target)

    first = encode(initial_model(parse(terminal.description.read_bytes())), MODEL)
    assert target.read_bytes() == first
    assert (said.body["round"], said.body["model_root"]) == (0, "0x" + model_root(first).hex())


def test_model__is_that_of_the_newest_standing_result(terminal: Terminal, running: World):
    models = [running.play(1), running.play(2)]
    target = terminal.home / "m.i32"

    newest = terminal("model", running.project, "-o", target)
    assert (newest.body["round"], target.read_bytes()) == (2, models[1])
    older = terminal("model", running.project, "--round", 1, "-o", target)
    assert (older.body["round"], target.read_bytes()) == (1, models[0])
    assert sorted(path.name for path in terminal.home.glob("*part")) == []


def test_model_of_a_proposed_result__only_when_it_is_named(terminal: Terminal, running: World):
    running.posters.send("open", running.project)
    running.seal_and_reveal(1)
    running.post(1, seats=(0,))
    target = terminal.home / "m.i32"

    assert terminal("model", running.project, "-o", target).body["round"] == 0
    named = terminal("model", running.project, "--round", 1, "-o", target, as_json=False)
    assert "PROPOSED" in named.out
    assert "may still be challenged" in named.out


def test_model_as_npz__holds_every_tensor_exactly(terminal: Terminal, running: World):
    values = decode(running.play(1), PARAMETERS, MODEL)
    target = terminal.home / "m.npz"

    said = terminal("model", running.project, "-o", target, "--format", "npz")

    assert said.code == 0
    with np.load(target, allow_pickle=False) as arrays:
        assert arrays["linear0.weight"].tolist() == values[:12].reshape(3, 4).tolist()
        assert arrays["linear0.bias"].tolist() == values[12:].tolist()
        assert arrays["lsb_exponent"] == parse(terminal.description.read_bytes()).lsb_exponent
    first = target.read_bytes()
    terminal("model", running.project, "-o", target, "--format", "npz")
    assert target.read_bytes() == first


def test_model_of_a_round_without_result__refuses(terminal: Terminal, running: World):
    running.posters.send("open", running.project)

    said = terminal("model", running.project, "--round", 1, "-o", terminal.home / "m")

    assert (said.code, said.error["code"]) == (2, "E109")
    assert "COMMIT" in said.error["error"]


def test_model_that_nobody_serves__refuses_and_leaves_no_file(terminal: Terminal):
    target = terminal.home / "m.i32"

    said = terminal("model", terminal.create(), "-o", target, "--store", f"folder:{terminal.home / 'other'}")

    assert (said.code, said.error["code"]) == (3, "E143")
    assert not target.exists()


def test_model_that_was_changed_in_the_store__refuses(terminal: Terminal):
    project, target = terminal.create(), terminal.home / "m.i32"
    size = MODEL.file_bytes(PARAMETERS)
    (kept,) = (p for p in (terminal.home / "store").rglob("b*") if p.is_file() and p.stat().st_size == size)
    kept.chmod(0o600)
    kept.write_bytes(b"\x01" + kept.read_bytes()[1:])

    said = terminal("model", project, "-o", target)

    assert (said.code, said.error["code"]) == (2, "E110")
    assert not target.exists()


def test_model_with_a_posted_digest_of_another_file__refuses(terminal: Terminal, running: World):
    running.play(1)
    honest, running.store.put = running.store.put, lambda data: honest(bytes(len(data)))  # type: ignore[method-assign]
    running.posters.send("open", running.project)
    running.store.put = honest  # type: ignore[method-assign]
    running.seal_and_reveal(2)
    running.store.put = lambda data: honest(bytes(len(data)))  # type: ignore[method-assign]
    running.post(2)

    said = terminal("model", running.project, "-o", terminal.home / "m.i32")

    assert (said.code, said.error["code"]) == (2, "E110")


def test_model_to_a_folder_that_is_not_there__refuses(terminal: Terminal):
    said = terminal("model", terminal.create(), "-o", terminal.home / "none" / "m.i32")

    assert (said.code, said.error["code"]) == (2, "E108")


# ----- evaluate -----


def test_evaluate__keeps_the_figures_as_the_owner_s_own(terminal: Terminal, running: World):
    running.play(1)

    said = terminal("evaluate", running.project, "--test", TEST_SET)

    assert said.code == 0
    (figures,) = said.body["figures"]
    assert (figures["round"], figures["samples"]) == (1, 30)
    (line,) = Path(said.body["file"]).read_text().splitlines()
    kept = json.loads(line)
    assert kept["what"] == said.body["what"] == "owner's own figures"
    assert {name: kept[name] for name in figures} == figures


def test_evaluate_with_an_index__shows_the_figures_on_the_dashboard(
    terminal: Terminal, running: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    database = tmp_path / "index.sqlite"
    monkeypatch.setenv("FAIRTRAIN_DATABASE", f"sqlite:///{database}")

    figures = terminal("evaluate", running.project, "--test", TEST_SET).body["figures"][0]

    with closing(sqlite3.connect(database)) as tables:
        rows = tables.execute("SELECT round, accuracy_ppm, samples FROM measurements").fetchall()
    millionths = figures["right"] * 1_000_000 // figures["samples"]
    assert rows == [(figures["round"], millionths, figures["samples"])]


def test_evaluate_all__measures_the_first_model_and_every_result(terminal: Terminal, running: World):
    running.play(1)
    running.play(2)

    said = terminal("evaluate", running.project, "--test", TEST_SET, "--all", as_json=False)
    body = terminal("evaluate", running.project, "--test", TEST_SET, "--all", "--no-record").body

    assert "nobody else can check them" in said.out
    assert [one["round"] for one in body["figures"]] == [0, 1, 2]
    assert body["file"] is None
    (file,) = terminal.home.rglob("evaluations.jsonl")
    assert len(file.read_text().splitlines()) == 3


def test_evaluate_stop_at__stops_when_it_is_reached_and_not_before(terminal: Terminal):
    project = terminal.create()
    figures = terminal("evaluate", project, "--test", TEST_SET).body["figures"][0]
    reached, above = f"{figures['accuracy'][:-1]}", "100%"
    words = ["evaluate", project, "--test", TEST_SET, "--stop-at"]

    assert terminal(*words, above, key=OWNER).body["stopped"] is False
    assert terminal("show", project).body["state"] == "running"
    assert terminal(*words, reached, key=OWNER).body["stopped"] is True
    assert terminal("show", project).body["state"] == "stopped"
    assert terminal(*words, reached, key=OWNER).code == 0


def test_evaluate_stop_at_by_another_key__refuses_before_the_work(terminal: Terminal):
    said = terminal(
        "evaluate", terminal.create(), "--test", "/nowhere", "--stop-at", "0.5", key=FIRST_TRAINER
    )

    assert (said.code, said.error["code"]) == (2, "E107")
    assert "only the owner" in said.error["error"]


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (["--test", "/nowhere.csv"], "E125"),
        (["--test", TEST_SET, "--stop-at", "0"], "E100"),
        (["--test", TEST_SET, "--stop-at", "1.01"], "E100"),
        (["--test", TEST_SET, "--stop-at", "nan"], "E100"),
        (["--test", TEST_SET, "--all", "--round", "0"], "E107"),
        (["--test", TEST_SET, "--round", "1"], "E109"),
    ],
)
def test_evaluate_bad_option__refuses_and_keeps_nothing(terminal: Terminal, words: list[str], code: str):
    said = terminal("evaluate", terminal.create(), *words, key=OWNER)

    assert (said.code, said.error["code"]) == (2, code)
    assert not list(terminal.home.rglob("evaluations.jsonl"))


@pytest.mark.parametrize(
    ("text", "value"), [("0.95", Fraction(19, 20)), ("95%", Fraction(19, 20)), ("1", Fraction(1))]
)
def test_accuracy__is_exact(text: str, value: Fraction):
    assert Accuracy().convert(text, None, None) == value


def test_figures__round_down():
    figures = Figures(1, Phase.FINAL, bytes(32), 2, 3, "0.5")
    assert figures.percent() == "66.66 %"
    assert figures.accuracy == Fraction(2, 3)
