"""The registry agrees with the description, and torch only ever holds what the flat vector says."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from sample_projects import DIGITS, described

from market.codec import MODEL, decode, encode
from market.errors import UpdateError
from market.initial import initial_model
from trainer import models, tensors

IMAGES = DIGITS["data"] | {"shape": [1, 8, 8]}


def cnn(channels: list[int], shape: list[int], hidden: int = 8):
    return described(
        model={"kind": "cnn", "channels": channels, "hidden": hidden}, data=DIGITS["data"] | {"shape": shape}
    )


@pytest.mark.parametrize(
    "description",
    [
        described(),
        described(model={"kind": "mlp", "hidden": []}),
        described(model={"kind": "mlp", "hidden": [5, 4, 3]}, data=IMAGES),
        cnn([4], [1, 8, 8]),
        cnn([4, 8, 2], [3, 8, 11]),
    ],
)
def test_build__has_the_parameters_that_the_description_counts(description):
    module = models.build(description)
    assert sum(parameter.numel() for parameter in module.parameters()) == description.d
    tensors.load(module, np.zeros(description.d, dtype=np.float32))
    logits = module(torch.zeros(2, *description.data.shape))
    assert logits.shape == (2, 10)


@settings(max_examples=30, deadline=None)
@given(
    st.lists(st.integers(1, 9), min_size=1, max_size=3),
    st.integers(1, 4),
    st.integers(8, 17),
    st.integers(8, 17),
    st.integers(1, 20),
)
def test_build_any_cnn__agrees_with_the_count(channels, depth, height, width, hidden):
    description = cnn(channels, [depth, height, width], hidden)
    module = models.build(description)
    assert sum(parameter.numel() for parameter in module.parameters()) == description.d


def test_build__leaves_torch_random_state_alone(digits):
    before = torch.random.get_rng_state()
    models.build(digits)
    assert torch.equal(before, torch.random.get_rng_state())


def test_load_then_flatten__is_the_identity(digits):
    flat = np.arange(digits.d, dtype=np.float32)
    module = models.build(digits)
    tensors.load(module, flat)
    assert np.array_equal(tensors.flatten(module), flat)
    assert module[1].weight[1, 0] == 64  # the second output's first input: [out, in], rows first


@pytest.mark.parametrize("wrong", [-1, 1])
def test_load_wrong_length__refuses(digits, wrong):
    with pytest.raises(UpdateError, match=r"E121 shape: got \(24\d\d,\), expected \(2410,\)"):
        tensors.load(models.build(digits), np.zeros(digits.d + wrong, dtype=np.float32))


def test_weights__are_exact_multiples_of_the_lsb():
    model = np.array([0, 1, -1, 2**24, -(2**24), 65_536], dtype=np.int32)
    expected = [0.0, 2.0**-16, -(2.0**-16), 256.0, -256.0, 1.0]
    assert tensors.weights(model, 6, 16).tolist() == expected


def test_weights_padded__drops_zeros_and_refuses_others(digits):
    model = initial_model(digits)
    assert len(tensors.weights(model, digits.d, 16)) == digits.d
    model[digits.d + 2] = 5
    with pytest.raises(UpdateError, match="E111 padding: coefficient 2412 is 5, expected 0"):
        tensors.weights(model, digits.d, 16)


@pytest.mark.parametrize(
    ("model", "message"),
    [
        (np.zeros(5, dtype=np.int32), "E121 shape"),
        (np.zeros((6, 1), dtype=np.int32), "E121 shape"),
        (np.zeros(6, dtype=np.int64), "E122 dtype: got int64, expected int32"),
        (np.zeros(6, dtype=np.float32), "E122 dtype: got float32"),
    ],
)
def test_weights_wrong_array__refuses(model, message):
    with pytest.raises(UpdateError, match=message):
        tensors.weights(model, 6, 16)


def test_initial_model__survives_the_file(digits):
    model = models.initial_model(digits)
    file = encode(model[: digits.d], MODEL)
    assert len(file) == 4 * digits.d_pad
    assert np.array_equal(decode(file, digits.d, MODEL), model[: digits.d])
