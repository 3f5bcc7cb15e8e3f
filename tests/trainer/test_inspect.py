"""What a data file holds, as an owner's description needs it: shape, class names, a coarse scale."""

from pathlib import Path

import numpy as np
import pytest
from sample_projects import described

from market.errors import InputError
from trainer.data import load
from trainer.inspect import inspect_data, label_names, natural_shape, suggest_scale


def saved(folder: Path, inputs: np.ndarray, labels: object) -> str:
    path = folder / "mine.npz"
    np.savez(path, X=inputs, y=np.array(labels))
    return str(path)


def test_inspect_data__gives_plain_types_that_a_description_takes():
    found = inspect_data("sklearn:wine")

    assert found["shape"] == [13]
    assert found["labels"] == ["0", "1", "2"]
    assert found["samples"] == 178
    assert all(type(text) is str for text in found["subtract"] + found["divide_by"])
    parts = {name: found[name] for name in ("shape", "labels", "subtract", "divide_by")}
    scaled = load("sklearn:wine?test=0", described(data=parts)).inputs
    assert np.abs(scaled.mean(axis=0)).max() < 0.3
    assert 0.7 < scaled.std(axis=0).min() <= scaled.std(axis=0).max() < 1.3


@pytest.mark.parametrize("largest", [1, 16, 255])
def test_inspect_data_whole_numbers_from_zero__divides_by_the_largest(tmp_path: Path, largest: int):
    inputs = np.array([[0, 1], [largest, 0]], dtype=np.uint8)

    found = inspect_data(saved(tmp_path, inputs, [0, 1]))

    assert (found["subtract"], found["divide_by"]) == (["0"], [str(largest)])


def test_inspect_data_pictures__have_one_channel_and_one_scale(tmp_path: Path):
    inputs = np.linspace(0, 1, 2 * 9).reshape(2, 3, 3)

    found = inspect_data(saved(tmp_path, inputs, ["a", "b"]))

    assert found["shape"] == [1, 3, 3]
    assert (found["subtract"], found["divide_by"]) == (["0.5"], ["0.31"])


def test_inspect_data_constant_column__is_divided_by_one(tmp_path: Path):
    found = inspect_data(saved(tmp_path, np.array([[7.25, 1.0], [7.25, 2.0]]), [0, 1]))

    assert (found["subtract"][0], found["divide_by"][0]) == ("7.2", "1")


@pytest.mark.parametrize("features", [256, 257])
def test_suggest_scale__one_a_feature_up_to_256(features: int):
    values = np.random.default_rng(0).normal(size=(5, features))

    subtract, divide_by = suggest_scale(values)

    assert len(subtract) == len(divide_by) == (features if features == 256 else 1)


def test_inspect_data_tiny_and_large_columns__stay_in_nine_digits(tmp_path: Path):
    inputs = np.array([[1e-12, 9e8], [3e-12, -9e8]])

    found = inspect_data(saved(tmp_path, inputs, [0, 1]))

    assert found["divide_by"] == ["0.000000001", "900000000"]
    described(data={name: found[name] for name in ("shape", "labels", "subtract", "divide_by")})


def test_label_names__numbers_by_value_texts_by_alphabet():
    assert label_names(np.array([10, 9, 9, -1]), "") == ["-1", "9", "10"]
    assert label_names(np.array([2.0, 1.0]), "") == ["1", "2"]
    assert label_names(np.array(["b", "a"]), "") == ["a", "b"]


@pytest.mark.parametrize(
    ("inputs", "labels", "text"),
    [
        (np.ones((3, 2)), [1, 1, 1], "1 different labels"),
        (np.ones((2, 2)), [0.5, 1.0], "fractions"),
        (np.ones((2, 2)), [[0], [1]], "expected one a sample"),
        (np.array([[1.0, np.nan], [1.0, 2.0]]), [0, 1], "sample 0"),
        (np.array([["a"], ["b"]]), [0, 1], "expected numbers"),
        (np.ones((2, 2)), [0, 1, 2], "2 samples and 3 labels"),
        (np.ones((0, 2)), [], "0 samples"),
        (np.full((2, 1), 1e9), [0, 1], "rescale"),
        (np.ones((2, 1, 1, 1, 1)), [0, 1], "--shape"),
        (np.ones((1025, 1)), list(range(1025)), "1025 different labels"),
    ],
)
def test_inspect_data_unusable__refuses(tmp_path: Path, inputs: np.ndarray, labels: object, text: str):
    with pytest.raises(InputError, match="E126") as caught:
        inspect_data(saved(tmp_path, inputs, labels))
    assert text in caught.value.text


def test_inspect_data_another_shape__refuses():
    with pytest.raises(InputError, match="cannot be"):
        inspect_data("sklearn:digits", (1, 8, 9))


def test_natural_shape_of_samples_without_numbers__refuses():
    with pytest.raises(InputError, match="--shape"):
        natural_shape(np.ones(3), "x")
