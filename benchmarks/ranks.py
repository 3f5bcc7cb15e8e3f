"""Federated rank learning against the weighted sums of the market, on the data of the robustness bench.

    python -m benchmarks.ranks [--seeds 5] [--alpha 0.5] [--hidden 64 256]

FRL (Mozaffari, Shejwalkar, Houmansadr, USENIX Security 2023, https://arxiv.org/abs/2110.04350): the weights stay random
and fixed, trainers train scores (edge-popup: Ramanujan et al. 2020, https://arxiv.org/abs/1911.13299) and send how
each layer's scores rank; positions are summed over trainers, and the model is the upper half of each layer in the
order of the sums. Attackers send what their paper calls worst, the honest order reversed, or turn only the edges at
the border (Gong et al. 2025, https://arxiv.org/abs/2503.08976), as many as flips most of the mask.

Splits, samples of a round and seeds are those of `benchmarks.robustness`, so losses compare: points below the plain
mean of all trainers, honest, in the same network.
"""

from __future__ import annotations

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")

import argparse
from collections.abc import Callable
from statistics import mean
from typing import Final

import numpy as np
from numpy.typing import NDArray

from benchmarks.robustness.data import digits, split
from benchmarks.robustness.nets import Floats, Mlp
from benchmarks.robustness.world import LAST, Setting, order_of

Ranks = NDArray[np.int64]
"""(k,) or (n, k): position of each edge of a layer in its order, 0 the least."""
RATES: Final = {64: 0.1, 256: 0.4}
"""Local learning rate of scores by hidden units: the best of .1, .4 and 1.6 on seed 0 without attackers."""
MOMENTUM: Final = 0.9
PARTS: Final = (0, 4, 6, 8)


def ranks_of(scores: NDArray[np.float32] | Ranks) -> Ranks:
    """Positions along the last axis; ties in the order of edges."""
    return scores.argsort(axis=-1, kind="stable").argsort(axis=-1, kind="stable")


def reversed_order(honest: Ranks) -> Ranks:
    """The honest order, reversed."""
    total = ranks_of(honest.sum(axis=0))
    return len(total) - 1 - total


def at_the_border(honest: Ranks, f: int) -> Ranks:
    """Edges next to the border go to the other end, as many as flip most of the mask with f such votes."""
    total = honest.sum(axis=0)
    ranks, half = ranks_of(total), honest.shape[1] // 2

    def turned(width: int) -> Ranks:
        key = ranks.copy()
        key[(ranks >= half) & (ranks < half + width)] -= len(key)
        key[(ranks < half) & (ranks >= half - width)] += len(key)
        return ranks_of(key)

    def flips(width: int) -> int:
        voted = ranks_of(total + f * turned(width)) >= half
        return int((voted != (ranks >= half)).sum())

    return turned(max((max(1, half * k // 16) for k in range(1, 17)), key=flips))


class Ranked:
    """A run of FRL on the digits; `attack` makes the attackers' order from the honest ones of a layer."""

    def __init__(
        self, setting: Setting, hidden: int, seed: int, attack: Callable[[Ranks, int], Ranks]
    ) -> None:
        self.setting, self.seed, self.attack, self.data = setting, seed, attack, digits(seed)
        self.net, self.rate = Mlp(self.data.x.shape[1], self.data.classes, hidden), RATES[hidden]
        rng = np.random.default_rng([seed, 1])
        self.parts = split(self.data.y, setting.n, setting.alpha, np.random.default_rng([seed, 3]))
        self.weights = np.zeros(self.net.d, np.float32)
        self.layers: list[tuple[slice, Floats]] = []
        self.order: list[Ranks] = []
        at = 0
        for shape, fan in zip(self.net.shapes, self.net.fans, strict=True):
            size = int(np.prod(shape))
            if len(shape) == 2:  # biases stay zero
                self.weights[at : at + size] = rng.choice([-1, 1], size) * np.sqrt(4 / fan)
                first = np.sort(rng.uniform(0, 1 / np.sqrt(fan), size)).astype(np.float32)
                self.layers.append((slice(at, at + size), first))
                self.order.append(rng.permutation(size))
            at += size

    def scores(self) -> Floats:
        """First scores in the present order, (d,)."""
        out = np.zeros(self.net.d, np.float32)
        for (layer, first), ranks in zip(self.layers, self.order, strict=True):
            out[layer] = first[ranks]
        return out

    def masked(self, scores: Floats) -> Floats:
        """Weights of the upper half of each layer, zero elsewhere; (n, d)."""
        out = np.zeros_like(scores)
        for layer, _ in self.layers:
            part = scores[:, layer]
            least = np.partition(part, part.shape[1] // 2, axis=1)[:, part.shape[1] // 2, None]
            out[:, layer] = self.weights[layer] * (part >= least)
        return out

    def round(self, now: int) -> None:
        """Trainers train scores, attackers replace the last orders, positions are summed."""
        s, scores = self.setting, np.tile(self.scores(), (self.setting.n, 1))
        rows = np.stack([order_of(self.parts[seat], s, self.seed, seat, now) for seat in range(s.n)])
        x, y, speed = self.data.x[rows], self.data.y[rows], np.zeros_like(scores)
        for step in range(s.steps):
            cut = slice(step * s.batch, (step + 1) * s.batch)
            speed = (
                MOMENTUM * speed + self.net.gradient(self.masked(scores), x[:, cut], y[:, cut]) * self.weights
            )
            scores -= np.float32(self.rate) * speed
        good = s.n - s.f
        for number, (layer, _) in enumerate(self.layers):
            ranks = ranks_of(scores[:, layer])
            if s.f:
                ranks[good:] = self.attack(ranks[:good], s.f)
            self.order[number] = ranks_of(ranks.sum(axis=0))

    def accuracy(self) -> float:
        """Mean of the last five rounds, on the test part."""
        found = []
        for now in range(self.setting.rounds):
            self.round(now)
            logits = self.net.logits(self.masked(self.scores()[None])[0], self.data.x_test)
            found.append(float((logits.argmax(axis=1) == self.data.y_test).mean()))
        return mean(found[-LAST:])


def plain_mean(setting: Setting, hidden: int, seed: int) -> float:
    """Accuracy of federated averaging in the same network, all honest."""
    data, s = digits(seed), setting
    net = Mlp(data.x.shape[1], data.classes, hidden)
    parts = split(data.y, s.n, s.alpha, np.random.default_rng([seed, 3]))
    model, found = net.start(np.random.default_rng([seed, 1])), []
    for now in range(s.rounds):
        rows = np.stack([order_of(parts[seat], s, seed, seat, now) for seat in range(s.n)])
        w = np.tile(model, (s.n, 1))
        for step in range(s.steps):
            cut = rows[:, step * s.batch : (step + 1) * s.batch]
            w -= np.float32(s.rate) * net.gradient(w, data.x[cut], data.y[cut])
        model = w.mean(axis=0)
        found.append(float((net.logits(model, data.x_test).argmax(axis=1) == data.y_test).mean()))
    return mean(found[-LAST:])


def main() -> None:
    """Command line: one line a number of attackers and attack."""
    options = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    options.add_argument("--seeds", type=int, default=5)
    options.add_argument("--alpha", type=float, default=0.5)
    options.add_argument("--hidden", type=int, nargs="+", default=list(RATES), choices=list(RATES))
    chosen = options.parse_args()
    attacks = {"reversed": lambda honest, f: reversed_order(honest), "border": at_the_border}
    for hidden in chosen.hidden:
        clean = [plain_mean(Setting(alpha=chosen.alpha), hidden, seed) for seed in range(chosen.seeds)]
        print(f"{hidden} hidden units: plain mean {mean(clean):.3f}", flush=True)
        for f in PARTS:
            for name, attack in attacks.items() if f else [("nobody attacks", reversed_order)]:
                setting = Setting(alpha=chosen.alpha, f=f)
                runs = [Ranked(setting, hidden, seed, attack).accuracy() for seed in range(chosen.seeds)]
                lost = [100 * (without - run) for without, run in zip(clean, runs, strict=True)]
                print(
                    f"  {f} of {setting.n}, {name}: loses {mean(lost):.1f} (worst {max(lost):.1f})",
                    flush=True,
                )


if __name__ == "__main__":
    main()
