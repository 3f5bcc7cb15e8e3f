"""A small federated simulator in numpy: digits, an MLP, int16 updates, the real rule and pay of a round."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from sklearn.datasets import load_digits

from aggregator.aggregate import moved, rounded, scaled_sum
from aggregator.decide import Seats, decide
from aggregator.rows import COLUMNS, DELTAS, MEMORY, Shape
from aggregator.sketch import sketch_of
from aggregator.state import empty_state, state_of
from aggregator.verdicts import verdict
from market.codec import UPDATE, blocks, encode
from market.keccak import keccak256
from market.records import START_REPUTATION

LSB: Final = 2.0**-15
TEST: Final = 360
POT: Final = 10**18
FIRST_NOISE: Final = 64.0
"""Root mean square, in LSB, of what cheats send before there is anything to copy."""
Floats = NDArray[np.float32]
Ints16 = NDArray[np.int16]


@dataclass(frozen=True)
class Training:
    """Local training: `steps` of plain SGD on batches of own data, the same for everybody."""

    hidden: int = 64
    batch: int = 16
    steps: int = 50
    rate: float = 0.3


@dataclass
class Run:
    """What one run leaves behind; lists have one entry a round, arrays one a seat."""

    accuracy: list[float] = field(default_factory=list)
    pay: list[list[int]] = field(default_factory=list)
    verdicts: list[list[str]] = field(default_factory=list)
    views: list[Any] = field(default_factory=list)

    def total(self) -> NDArray[np.float64]:
        """Pay of each seat over all rounds, in pots."""
        total: NDArray[np.float64] = np.array(self.pay, dtype=float).sum(axis=0)
        return total / POT


class Mlp:
    """64-hidden-10 with ReLU and cross-entropy; all parameters in one float32 vector."""

    def __init__(self, hidden: int) -> None:
        self.shapes = [(64, hidden), (hidden,), (hidden, 10), (10,)]
        self.d = sum(int(np.prod(shape)) for shape in self.shapes)

    def start(self, rng: np.random.Generator) -> Floats:
        """Uniform weights in +-1/sqrt(fan in), as PyTorch's Linear."""
        fans = [64, 64, self.shapes[1][0], self.shapes[1][0]]
        parts = [
            rng.uniform(-1, 1, shape) / np.sqrt(fan) for shape, fan in zip(self.shapes, fans, strict=True)
        ]
        return np.concatenate([part.ravel() for part in parts]).astype(np.float32)

    def split(self, w: Floats) -> list[Floats]:
        """Views of the four tensors."""
        out, at = [], 0
        for shape in self.shapes:
            size = int(np.prod(shape))
            out.append(w[at : at + size].reshape(shape))
            at += size
        return out

    def gradient(self, w: Floats, x: Floats, y: NDArray[np.int64]) -> Floats:
        """Mean gradient of the loss over a batch."""
        w1, b1, w2, b2 = self.split(w)
        h = np.maximum(x @ w1 + b1, 0)
        logits = h @ w2 + b2
        p = np.exp(logits - logits.max(axis=1, keepdims=True))
        p /= p.sum(axis=1, keepdims=True)
        p[np.arange(len(y)), y] -= 1
        p /= len(y)
        back = (p @ w2.T) * (h > 0)
        parts = [x.T @ back, back.sum(axis=0), h.T @ p, p.sum(axis=0)]
        return np.concatenate([part.ravel() for part in parts]).astype(np.float32)

    def accuracy(self, w: Floats, x: Floats, y: NDArray[np.int64]) -> float:
        """Share of right answers."""
        w1, b1, w2, b2 = self.split(w)
        return float((np.argmax(np.maximum(x @ w1 + b1, 0) @ w2 + b2, axis=1) == y).mean())


def digits(seed: int) -> tuple[Floats, NDArray[np.int64], Floats, NDArray[np.int64]]:
    """Training and test part (360 samples) of the bundled digits, inputs in [0, 1]."""
    data = load_digits()
    order = np.random.default_rng(seed).permutation(len(data.target))
    x, y = (data.data[order] / 16).astype(np.float32), data.target[order].astype(np.int64)
    return x[TEST:], y[TEST:], x[:TEST], y[:TEST]


def dirichlet(
    y: NDArray[np.int64], seats: int, alpha: float, rng: np.random.Generator
) -> list[NDArray[np.int64]]:
    """Indices of each seat: every class is divided by a Dirichlet(alpha) draw; at least 8 samples each."""
    while True:
        parts: list[list[int]] = [[] for _ in range(seats)]
        for label in range(10):
            rows = rng.permutation(np.flatnonzero(y == label))
            cuts = (np.cumsum(rng.dirichlet([alpha] * seats))[:-1] * len(rows)).astype(int)
            for part, chunk in zip(parts, np.split(rows, cuts), strict=True):
                part.extend(chunk.tolist())
        if min(map(len, parts)) >= 8:
            return [np.array(part) for part in parts]


def sized(y: NDArray[np.int64], sizes: Sequence[int], rng: np.random.Generator) -> list[NDArray[np.int64]]:
    """Disjoint parts of the given sizes of the same distribution."""
    order = rng.permutation(len(y))
    return np.split(order[: sum(sizes)], np.cumsum(sizes)[:-1])


def quantise(
    delta: NDArray[np.floating[Any]], carried: Floats, rng: np.random.Generator
) -> tuple[Ints16, Floats]:
    """Stochastic rounding of delta + carried rest to int16; returns the rest to carry."""
    wanted = delta / LSB + carried
    whole = np.clip(np.floor(wanted + rng.random(len(delta))), -32768, 32767).astype(np.int16)
    return whole, np.clip(wanted - whole, -1, 1).astype(np.float32)


Part = NDArray[np.int64]
Attack = Callable[["Federation", int, Ints16], Ints16]


class Federation:
    """One project: `parts` of the data by seat, `attacks` by seat, the rest honest."""

    def __init__(
        self,
        seed: int,
        parts: list[Part],
        attacks: dict[int, Attack],
        training: Training,
        data: tuple[Floats, Part, Floats, Part],
    ) -> None:
        self.rng = np.random.default_rng([seed, 7])
        self.seed, self.parts, self.attacks, self.training, self.data = seed, parts, attacks, training, data
        self.mlp = Mlp(training.hidden)
        self.shape = Shape(self.mlp.d, len(parts))
        start = self.mlp.start(np.random.default_rng([seed, 1]))
        self.model = np.round(start / LSB).astype(np.int32)
        self.carried = [np.zeros(self.mlp.d, np.float32) for _ in parts]
        self.deltas: list[Ints16] = []
        self.past: list[list[Ints16]] = []
        self.state = empty_state(len(parts))
        self.reputation = [START_REPUTATION] * len(parts)
        self.run = Run()

    def train(self, seat: int) -> Ints16:
        """Honest update of a seat."""
        x, y, _, _ = self.data
        part, t = self.parts[seat], self.training
        w = (self.model * LSB).astype(np.float32)
        base = w.copy()
        rng = np.random.default_rng([self.seed, 2, seat, len(self.past)])
        order: list[int] = []
        for _ in range(t.steps):
            if len(order) < t.batch:
                order = [*order, *rng.permutation(part).tolist()]
            batch, order = order[: t.batch], order[t.batch :]
            w -= t.rate * self.mlp.gradient(w, x[batch], y[batch])
        update, self.carried[seat] = quantise(w - base, self.carried[seat], rng)
        return update

    def round(self) -> None:
        """One round of everybody."""
        n = len(self.parts)
        updates = []
        for seat in range(n):
            attack = self.attacks.get(seat)
            needs = attack is None or attack in (flip, lazy)
            own = self.train(seat) if needs else np.zeros(self.mlp.d, np.int16)
            updates.append(attack(self, seat, own) if attack else own)
        view = self.judge(updates)
        sums = np.zeros(self.mlp.d, np.int32)
        for seat, update in enumerate(updates):
            scaled_sum(update, int(view.coefficient[seat]), sums)
        delta = rounded(sums)
        self.model = moved(self.model, delta)
        self.deltas.insert(0, delta)
        self.past.insert(0, updates)
        self.state, self.reputation = state_of(view), [int(r) for r in view.reputation]
        _, _, x, y = self.data
        self.run.accuracy.append(self.mlp.accuracy((self.model * LSB).astype(np.float32), x, y))
        self.run.pay.append([int(p) for p in view.pay])
        self.run.verdicts.append([verdict(view, seat) for seat in range(n)])
        self.run.views.append(view)

    def judge(self, updates: Sequence[Ints16]) -> Any:
        """The numbers of a round."""
        n, shape = len(self.parts), self.shape
        seed = keccak256(f"{self.seed} {len(self.past)}".encode())
        rows = dict(enumerate(updates))
        rows |= {shape.delta(age): delta for age, delta in enumerate(self.deltas[:DELTAS])}
        for age, files in enumerate(self.past[:MEMORY]):
            rows |= {shape.past(age, seat): update for seat, update in enumerate(files)}
        sketch = np.zeros((shape.rows, COLUMNS), np.int32)
        for row, update in rows.items():
            sketch[row] = sketch_of(blocks([encode(update, UPDATE)], shape.d, UPDATE), seed)
        everyone = [True] * n
        seats = Seats(everyone, everyone, self.first())
        return decide(shape, sketch, seats, self.state, self.reputation, POT)

    def first(self) -> list[bool]:
        """Whether this is the first round of each seat's holder."""
        return [not self.past] * len(self.parts)


def noise(federation: Federation, scale: float) -> Ints16:
    """Gaussian noise of `scale` steps."""
    return np.round(federation.rng.normal(0, scale, federation.mlp.d)).astype(np.int16)


def flip(federation: Federation, seat: int, own: Ints16) -> Ints16:
    """Trains, then sends the opposite."""
    return (-own.astype(np.int32)).clip(-32768, 32767).astype(np.int16)


def lazy(federation: Federation, seat: int, own: Ints16) -> Ints16:
    """Trains like anybody (a control)."""
    return own


def rider(federation: Federation, seat: int, own: Ints16) -> Ints16:
    """Sends the last global delta and a tenth of its size in noise; noise alone in the first round."""
    if not federation.deltas:
        return noise(federation, FIRST_NOISE)
    last = federation.deltas[0].astype(np.int32)
    return (last + noise(federation, 0.1 * float(last.std()))).clip(-32768, 32767).astype(np.int16)


def copier(federation: Federation, seat: int, own: Ints16) -> Ints16:
    """Sends what an honest peer revealed in the round before; noise in the first round."""
    if not federation.past:
        return noise(federation, FIRST_NOISE)
    honest = [peer for peer in range(len(federation.parts)) if peer not in federation.attacks]
    return federation.past[0][honest[seat % len(honest)]]


ATTACKS: Final[dict[str, Attack]] = {"flip": flip, "rider": rider, "copier": copier}
