"""Evaluation: the right figures, the same on every run, plain values at the border, found by its entry point."""

from importlib.metadata import entry_points

import numpy as np
import pytest
from sample_projects import described

from market.codec import MODEL, encode
from market.errors import DocumentError, InputError, UpdateError
from market.initial import initial_model
from trainer.data import Dataset
from trainer.evaluate import BATCH, evaluate, evaluate_model

DIRECT = {"shape": [2], "labels": ["left", "right"]}


@pytest.fixture
def direct():
    """Two inputs, two outputs, no hidden layer: with identity weights the larger input wins."""
    return described(model={"kind": "mlp", "hidden": []}, data=DIRECT)


@pytest.fixture
def identity() -> np.ndarray:
    return np.array([1, 0, 0, 1, 0, 0], dtype=np.int32) << 16


@pytest.mark.parametrize("count", [1, BATCH - 1, BATCH, BATCH + 1])
def test_evaluate_known_model__counts_right_answers(direct, identity, count):
    inputs = np.tile(np.array([[3, 1]], np.float32), (count, 1))
    labels = np.zeros(count, dtype=np.int64)
    labels[-1] = 1
    accuracy, loss, samples = evaluate(identity, Dataset(inputs, labels), direct)
    assert (accuracy, samples) == ((count - 1) / count, count)
    assert loss == pytest.approx(np.log1p(np.exp(-2.0)) + 2.0 / count, abs=1e-5)


def test_evaluate_model__gives_plain_values_twice_the_same(digits):
    file = encode(initial_model(digits)[: digits.d], MODEL)
    first, again = (evaluate_model(digits.to_bytes(), file, "sklearn:digits?test=1") for _ in range(2))
    assert first == again
    assert {key: type(value) for key, value in first.items()} == {
        "accuracy": float,
        "loss": float,
        "samples": int,
    }
    assert first["samples"] == 359


def test_evaluate_model__is_the_entry_point():
    (found,) = [entry for entry in entry_points(group="fairtrain.evaluators") if entry.name == "torch"]
    assert found.load() is evaluate_model


@pytest.mark.parametrize("damage", [lambda m: m[:-1], lambda m: m + b"\0", lambda m: b""])
def test_evaluate_model_wrong_length__refuses(digits, damage):
    file = encode(initial_model(digits)[: digits.d], MODEL)
    with pytest.raises(UpdateError, match="E101 length"):
        evaluate_model(digits.to_bytes(), damage(file), "sklearn:digits?test=1")


def test_evaluate_model_wrong_parts__refuses(digits):
    file = bytearray(encode(initial_model(digits)[: digits.d], MODEL))
    with pytest.raises(InputError, match="E125 no such data"):
        evaluate_model(digits.to_bytes(), bytes(file), "absent.npz")
    with pytest.raises(DocumentError, match="E180"):
        evaluate_model(b"{}", bytes(file), "sklearn:digits?test=1")
    file[-1] = 9
    with pytest.raises(UpdateError, match="E111 padding"):
        evaluate_model(digits.to_bytes(), bytes(file), "sklearn:digits?test=1")
