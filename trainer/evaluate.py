"""Measure a model on labelled data. Found by `market` through the entry point `fairtrain.evaluators`.

Only plain bytes, text and built-in numbers cross this border, so that `market` needs no torch.
"""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from market.codec import MODEL, decode
from market.description import Description, parse
from trainer import models, tensors
from trainer.data import Dataset, load
from trainer.local import deterministic

BATCH = 1_024


def evaluate_model(description: bytes, model: bytes, test: str) -> dict[str, float | int]:
    """Accuracy (0 to 1), mean cross-entropy and number of samples of a model file on the data `test`.

    `description` is the project's document, `model` the model file (big-endian int32, padded), `test` a path
    or specification (`trainer.data`). Raises DocumentError, UpdateError E101, E111, InputError E125, E126.
    """
    project = parse(description)
    values = decode(model, project.d, MODEL).astype(np.int32)
    accuracy, loss, samples = evaluate(values, load(test, project), project)
    return {"accuracy": accuracy, "loss": loss, "samples": samples}


def evaluate(model: NDArray[np.int32], data: Dataset, description: Description) -> tuple[float, float, int]:
    """Accuracy, mean cross-entropy and number of samples of `model` (int32 [d or d_pad]), on the CPU.

    Batches in the order of the data and float32 sums of one thread: the same figures on every run.
    """
    flat = tensors.weights(model, description.d, description.lsb_exponent)
    right, loss = 0, 0.0
    with deterministic(), torch.no_grad():
        network = models.build(description).eval()
        tensors.load(network, flat)
        for start in range(0, len(data), BATCH):
            logits = network(torch.from_numpy(data.inputs[start : start + BATCH]))
            labels = torch.from_numpy(data.labels[start : start + BATCH])
            right += int((logits.argmax(dim=1) == labels).sum())
            loss += float(nn.functional.cross_entropy(logits, labels, reduction="sum"))
    return right / len(data), loss / len(data), len(data)
