"""The registry of models: a description names one, and only these exist. Code from strangers is never run.

Parameters stand in the order of `market.description.parameters`, which is what the flat vector follows; the
first model is drawn in integers by `market.initial`, never by torch.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from math import prod

import torch
from torch import nn

from market.description import Cnn, Data, Description, Mlp, parameters
from market.initial import initial_model

__all__ = ["MODELS", "build", "initial_model"]


def _head(sizes: tuple[int, ...]) -> list[nn.Module]:
    layers: list[nn.Module] = []
    for fan_in, out in pairwise(sizes):
        layers += [nn.Linear(fan_in, out), nn.ReLU()]
    return layers[:-1]


def _mlp(model: Mlp, data: Data) -> nn.Module:
    return nn.Sequential(nn.Flatten(), *_head((prod(data.shape), *model.hidden, len(data.labels))))


def _cnn(model: Cnn, data: Data) -> nn.Module:
    channels, height, width = data.shape
    layers: list[nn.Module] = []
    for out in model.channels:
        layers += [nn.Conv2d(channels, out, kernel_size=3, padding=1), nn.ReLU(), nn.MaxPool2d(2)]
        channels, height, width = out, height // 2, width // 2
    head = _head((channels * height * width, model.hidden, len(data.labels)))
    return nn.Sequential(*layers, nn.Flatten(), *head)


MODELS: dict[str, Callable[..., nn.Module]] = {"mlp": _mlp, "cnn": _cnn}


def build(description: Description) -> nn.Module:
    """A module without weights yet (`tensors.load`): float32 [batch, *shape] -> logits [batch, classes]."""
    with torch.random.fork_rng(devices=[]):  # torch draws first weights; they are replaced, its state is kept
        module = MODELS[description.model.kind](description.model, description.data)
    found = [tuple(tensor.shape) for tensor in module.parameters()]
    expected = [parameter.shape for parameter in parameters(description.model, description.data)]
    assert found == expected, f"layout of {description.model.kind} differs: {found} != {expected}"
    return module
