"""The lines that load a project's model in PyTorch: text only, nothing here runs it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from itertools import pairwise
from math import prod

from market.description import Cnn, Description, parse


def torch_lines(description: Mapping[str, object] | None) -> list[str]:
    """Three lines that load an .npz of `fairtrain project model`; empty while the description is unknown."""
    if description is None:
        return []
    made = parse(json.dumps(description).encode())
    return [
        "import numpy as np, torch, torch.nn as nn",
        f'net, f = nn.Sequential({", ".join(_layers(made))}), np.load("model.npz")',
        'for p, k in zip(net.parameters(), f.files): p.data = torch.tensor(f[k]) * 2.0 ** -int(f["lsb_exponent"])',
    ]


def _layers(made: Description) -> list[str]:
    model, data = made.model, made.data
    if not isinstance(model, Cnn):
        return ["nn.Flatten()", *_head((prod(data.shape), *model.hidden, len(data.labels)))]
    channels, height, width = data.shape
    layers = []
    for out in model.channels:
        layers += [f"nn.Conv2d({channels}, {out}, 3, padding=1)", "nn.ReLU()", "nn.MaxPool2d(2)"]
        channels, height, width = out, height // 2, width // 2
    return [*layers, "nn.Flatten()", *_head((channels * height * width, model.hidden, len(data.labels)))]


def _head(sizes: tuple[int, ...]) -> list[str]:
    layers: list[str] = []
    for fan_in, out in pairwise(sizes):
        layers += [f"nn.Linear({fan_in}, {out})", "nn.ReLU()"]
    return layers[:-1]
