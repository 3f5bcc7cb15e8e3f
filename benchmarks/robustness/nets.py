"""Two small networks for many trainers at once, in numpy; the parameters of one are one float32 vector.

Leading axis n everywhere: n trainers, each with parameters and batches of its own, one product a layer.
"""

from __future__ import annotations

from typing import Any, Final, Protocol

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Labels = NDArray[np.int64]

HIDDEN: Final = 64
CHANNELS: Final = 16
KERNEL: Final = 3


class Net(Protocol):
    """A classifier of rows of features."""

    d: int

    def start(self, rng: np.random.Generator) -> Floats:
        """Parameters before round 1, (d,)."""

    def prepare(self, x: Floats) -> Floats:
        """Features in the form the other calls take, (..., p) to (..., inputs)."""

    def gradient(self, w: Floats, x: Floats, y: Labels) -> Floats:
        """Mean gradients of the loss, (n, d), for w (n, d), prepared x (n, b, ...), y (n, b)."""

    def logits(self, w: Floats, x: Floats) -> Floats:
        """Scores (b, classes) that parameters (d,) give prepared x (b, ...)."""


class Mlp:
    """features-64-classes with ReLU and cross-entropy."""

    def __init__(self, features: int, classes: int, hidden: int = HIDDEN) -> None:
        self.shapes = [(features, hidden), (hidden,), (hidden, classes), (classes,)]
        self.fans = [features, features, hidden, hidden]
        self.d = sum(int(np.prod(shape)) for shape in self.shapes)

    def start(self, rng: np.random.Generator) -> Floats:
        """Uniform in +-1/sqrt(fan in), as PyTorch's Linear."""
        return _uniform(rng, self.shapes, self.fans)

    def prepare(self, x: Floats) -> Floats:
        """As they are."""
        return x

    def gradient(self, w: Floats, x: Floats, y: Labels) -> Floats:
        """Mean gradients, (n, d)."""
        w1, b1, w2, b2 = _split(w, self.shapes)
        h = np.maximum(x @ w1 + b1[:, None], 0)
        p = _softmax_less_target(h @ w2 + b2[:, None], y)
        back = (p @ w2.transpose(0, 2, 1)) * (h > 0)
        parts = [x.transpose(0, 2, 1) @ back, back.sum(1), h.transpose(0, 2, 1) @ p, p.sum(1)]
        return np.concatenate([part.reshape(len(w), -1) for part in parts], axis=1)

    def logits(self, w: Floats, x: Floats) -> Floats:
        """Scores of the classes."""
        w1, b1, w2, b2 = (part[0] for part in _split(w[None], self.shapes))
        return np.maximum(x @ w1 + b1, 0) @ w2 + b2


class Cnn:
    """3 x 3 convolution, ReLU, mean pooling by 2, one dense layer; square images of one channel.

    Inputs are prepared once as all patches of an image, so that the convolution is one product.
    """

    def __init__(self, side: int, classes: int, channels: int = CHANNELS) -> None:
        self.side, self.out = side, side - KERNEL + 1
        self.pooled = self.out // 2
        dense = self.pooled * self.pooled * channels
        self.channels = channels
        self.shapes = [(KERNEL * KERNEL, channels), (channels,), (dense, classes), (classes,)]
        self.fans = [KERNEL * KERNEL, KERNEL * KERNEL, dense, dense]
        self.d = sum(int(np.prod(shape)) for shape in self.shapes)

    def start(self, rng: np.random.Generator) -> Floats:
        """Uniform in +-1/sqrt(fan in)."""
        return _uniform(rng, self.shapes, self.fans)

    def prepare(self, x: Floats) -> Floats:
        """Patches: (..., side^2) to (..., positions, 9)."""
        image = x.reshape(*x.shape[:-1], self.side, self.side)
        patches = np.lib.stride_tricks.sliding_window_view(image, (KERNEL, KERNEL), axis=(-2, -1))
        used = 2 * self.pooled
        patches = patches[..., :used, :used, :, :]
        return np.ascontiguousarray(patches).reshape(*x.shape[:-1], used * used, KERNEL * KERNEL)

    def gradient(self, w: Floats, x: Floats, y: Labels) -> Floats:
        """Mean gradients, (n, d)."""
        n, b, places, _ = x.shape
        w1, b1, w2, b2 = _split(w, self.shapes)
        flat = x.reshape(n, b * places, -1)
        h = np.maximum(flat @ w1 + b1[:, None], 0)
        pool = self._pool(h.reshape(n, b, places, -1))
        p = _softmax_less_target(pool @ w2 + b2[:, None], y)
        spread = self._unpool((p @ w2.transpose(0, 2, 1)).reshape(n, b, -1))
        back = spread.reshape(n, b * places, -1) * (h > 0)
        parts = [flat.transpose(0, 2, 1) @ back, back.sum(1), pool.transpose(0, 2, 1) @ p, p.sum(1)]
        return np.concatenate([part.reshape(n, -1) for part in parts], axis=1)

    def logits(self, w: Floats, x: Floats) -> Floats:
        """Scores of the classes."""
        w1, b1, w2, b2 = (part[0] for part in _split(w[None], self.shapes))
        pool = self._pool(np.maximum(x @ w1 + b1, 0)[None])[0]
        return pool @ w2 + b2

    def _pool(self, h: Floats) -> Floats:
        n, b, _, _ = h.shape
        m = self.pooled
        means = h.reshape(n, b, m, 2, m, 2, self.channels).mean(axis=(3, 5))
        return means.reshape(n, b, -1)

    def _unpool(self, g: Floats) -> Floats:
        n, b, _ = g.shape
        m = self.pooled
        quarter = (g / 4).reshape(n, b, m, 1, m, 1, self.channels)
        return np.broadcast_to(quarter, (n, b, m, 2, m, 2, self.channels)).reshape(n, b, 4 * m * m, -1)


def _uniform(rng: np.random.Generator, shapes: list[Any], fans: list[int]) -> Floats:
    parts = [rng.uniform(-1, 1, shape) / np.sqrt(fan) for shape, fan in zip(shapes, fans, strict=True)]
    return np.concatenate([part.ravel() for part in parts]).astype(np.float32)


def _split(w: Floats, shapes: list[Any]) -> list[Floats]:
    """Views of the tensors of all trainers."""
    out, at = [], 0
    for shape in shapes:
        size = int(np.prod(shape))
        out.append(w[:, at : at + size].reshape(len(w), *shape))
        at += size
    return out


def _softmax_less_target(logits: Floats, y: Labels) -> Floats:
    """Gradient of the mean cross-entropy with respect to the logits (n, b, classes)."""
    p = np.exp(logits - logits.max(axis=-1, keepdims=True))
    p /= p.sum(axis=-1, keepdims=True)
    n, b = y.shape
    p[np.arange(n)[:, None], np.arange(b)[None], y] -= 1
    p /= b
    return p
