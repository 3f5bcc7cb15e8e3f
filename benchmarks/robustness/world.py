"""One run: trainers, attackers, a rule, forty rounds."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from aggregator.rows import DELTAS as PUBLIC_DELTAS
from aggregator.rows import MEMORY
from benchmarks.robustness import poison
from benchmarks.robustness.data import ROOT, Data, split
from benchmarks.robustness.nets import HIDDEN, Cnn, Floats, Mlp, Net
from benchmarks.robustness.paid import Paymaster
from benchmarks.robustness.rules import LSB, Around, Decision, Ints16, Posted, Rule
from benchmarks.robustness.scene import Attack, Batch, Scene
from market.errors import InputError

DELTAS: Final = 5
"""Past global deltas that attackers may use."""
LAST: Final = 5
"""Rounds over which the final accuracy is averaged."""


@dataclass(frozen=True)
class Setting:
    """Everything of a run but rule, attack and seed. `alpha`: Dirichlet, None for equal distributions. `root`: samples
    of the owner's reference, at most `ROOT`. `hidden`: units of an MLP."""

    data: str = "digits"
    model: str = "mlp"
    n: int = 20
    f: int = 0
    alpha: float | None = 0.5
    rounds: int = 40
    steps: int = 10
    batch: int = 16
    rate: float = 0.1
    root: int = 40
    hidden: int = HIDDEN


@dataclass
class Outcome:
    """What a run leaves. `weight`, `pay`: shares of the attackers over all rounds, None if the rule has none;
    `success`: of the backdoor, None without one; `accused`: honest seats called malicious in any round."""

    accuracy: float
    curve: list[float]
    weight: float | None
    pay: float | None
    success: float | None
    accused: int
    seconds: float

    def fields(self) -> dict[str, Any]:
        """As a line of the report, without the curve."""
        out = asdict(self)
        del out["curve"]
        return out


@dataclass
class World:
    """A run in progress."""

    setting: Setting
    data: Data
    rule: Rule
    attack: Attack
    seed: int
    deltas: list[Ints16] = field(default_factory=list)
    past: list[Ints16] = field(default_factory=list)
    memory: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        s = self.setting
        self.hostile = min(s.f, self.attack.seats or s.f)
        self.net = net_of(s.model, self.data, s.hidden)
        self.parts = split(self.data.y, s.n, s.alpha, np.random.default_rng([self.seed, 3]))
        self.parts.append(np.arange(min(s.root, ROOT)))
        start = self.net.start(np.random.default_rng([self.seed, 1]))
        self.model = np.rint(start / LSB).astype(np.int64)
        self.carried = np.zeros((s.n + 1, self.net.d), np.float32)
        self.inputs = self.net.prepare(self.data.x)
        self.test = self.net.prepare(self.data.x_test)
        self.edges = poison.edges(self.data)
        self.rule.begin(s.n, s.f)

    @property
    def weights(self) -> Floats:
        """Parameters of the present model."""
        return (self.model * LSB).astype(np.float32)

    def train(self, now: int) -> Floats:
        """Updates of all trainers, the last row the owner's reference, float32 (n + 1, d)."""
        s = self.setting
        rows = np.stack([order_of(self.parts[seat], s, self.seed, seat, now) for seat in range(s.n + 1)])
        x, y = self.inputs[rows], self.data.y[rows]
        if self.attack.spoil and self.hostile:
            bad = slice(s.n - self.hostile, s.n)
            rng = np.random.default_rng([self.seed, 5, now])
            batch = Batch(self.data.x[rows[bad]], y[bad], self.data.classes, self.edges, rng)
            spoilt, y[bad] = self.attack.spoil(batch)
            x[bad] = self.net.prepare(spoilt)
        base, factor = self.weights, getattr(self.rule, "rate", 1.0)
        w = np.tile(base, (s.n + 1, 1))
        for step in range(s.steps):
            cut = slice(step * s.batch, (step + 1) * s.batch)
            w -= np.float32(s.rate * factor) * self.net.gradient(w, x[:, cut], y[:, cut])
        return w - base

    def quantise(self, updates: Floats, now: int, rows: slice) -> Ints16:
        """Stochastic rounding to int16 with the rest carried to the next round."""
        rng = np.random.default_rng([self.seed, 6, now, rows.start])
        wanted = np.clip(updates / np.float32(LSB), -1e6, 1e6) + self.carried[rows]
        whole = np.clip(np.floor(wanted + rng.random(updates.shape, np.float32)), -32768, 32767)
        self.carried[rows] = np.clip(wanted - whole, -1, 1)
        return whole.astype(np.int16)

    def round(self, now: int) -> tuple[Posted, Decision]:
        """Train, attack, judge, move."""
        s = self.setting
        trained = self.train(now)
        reference = self.quantise(trained[s.n :], now, slice(s.n, s.n + 1))
        good = s.n - self.hostile
        honest = self.quantise(trained[:good], now, slice(0, good))
        updates, around = honest, self.around(reference)
        if self.hostile:
            sent = self.craft(honest, trained[good : s.n], around, now)
            updates = np.concatenate([honest, self.quantise(sent, now, slice(good, s.n))])
        posted = Posted(updates, around, _hash(self.seed, now))
        decision = self.rule.decide(posted)
        self.model = self.model + decision.delta
        self.deltas = [decision.delta, *self.deltas][:DELTAS]
        self.past = [updates, *self.past][:MEMORY]
        return posted, decision

    def around(self, reference: Ints16) -> Around:
        """What is public when a round is judged."""
        s, d = self.setting, self.net.d
        deltas = np.array(self.deltas[:PUBLIC_DELTAS], np.int16).reshape(-1, d)
        shown = reference if self.rule.uses_reference else reference[:0]
        return Around(shown, deltas, np.array(self.past, np.int16).reshape(-1, s.n, d))

    def craft(self, honest: Ints16, own: Floats, around: Around, now: int) -> Floats:
        """What the attackers send. Raises InputError E108 if it has the wrong shape or is not finite."""
        s, floats = self.setting, honest * np.float32(LSB)
        peers = [files[: s.n - self.hostile] * np.float32(LSB) for files in self.past]
        past = np.array(self.deltas, np.float32).reshape(-1, self.net.d) * np.float32(LSB)
        rng = np.random.default_rng([self.seed, 9, now])

        def ask(sent: Floats) -> tuple[Floats, NDArray[np.float64]]:
            return self.rule.ask(np.concatenate([floats, sent]), around)

        scene = Scene(floats, own, past, now, rng, ask, peers, self.memory)
        sent = np.asarray(self.attack.craft(scene))
        if sent.shape != own.shape:
            raise InputError(
                "E108",
                f"attack {self.attack.name} gave {sent.shape}, expected {own.shape}: one row an attacker",
            )
        if not np.isfinite(sent).all():
            raise InputError(
                "E108", f"attack {self.attack.name} gave numbers that are not finite; give finite ones"
            )
        return sent.astype(np.float32)

    def rate(self, inputs: Floats, wanted: Any) -> float:
        """How often prepared inputs get the wanted class."""
        return float((self.net.logits(self.weights, inputs).argmax(axis=1) == wanted).mean())

    def accuracy(self) -> float:
        """On the test part."""
        return self.rate(self.test, self.data.y_test)

    def success(self) -> float | None:
        """How often the backdoor works on test samples of other classes (corner) or on rare ones (edge)."""
        if self.attack.goal == "corner":
            others = self.data.x_test[self.data.y_test != poison.TARGET]
            x, target = poison.trigger(others), poison.TARGET
        elif self.attack.goal == "edge":
            x, target = poison.edges(self.data, test=True), poison.EDGE_TARGET
        else:
            return None
        return self.rate(self.net.prepare(x), target) if len(x) else None


def order_of(part: NDArray[np.int64], setting: Setting, seed: int, seat: int, now: int) -> NDArray[np.int64]:
    """Samples of a trainer in a round: its data in random order, again and again."""
    rng = np.random.default_rng([seed, 2, seat, now])
    wanted = setting.steps * setting.batch
    times = -(-wanted // len(part))
    return np.concatenate([rng.permutation(part) for _ in range(times)])[:wanted]


def play(
    setting: Setting,
    data: Data,
    rule: Rule,
    attack: Attack,
    seed: int,
    paid: bool = False,
    watch: Callable[[int, Decision], None] | None = None,
) -> Outcome:
    """A whole run. `paid`: also the pay of every round (only for the rule of the market without reference)."""
    started = time.perf_counter()
    world = World(setting, data, rule, attack, seed)
    master = Paymaster(world.net.d, setting.n) if paid else None
    curve, shares, accused = [], [], set()
    first = setting.n - world.hostile
    for now in range(setting.rounds):
        posted, decision = world.round(now)
        if master:
            master.round(posted, decision)
        if decision.shares is not None:
            shares.append(decision.shares)
        accused |= {seat for seat, label in enumerate(decision.labels[:first]) if label == "malicious"}
        if watch:
            watch(now, decision)
        curve.append(world.accuracy() if now >= setting.rounds - LAST or watch else float("nan"))
    return Outcome(
        accuracy=round(float(np.mean(curve[-LAST:])), 5),
        curve=curve,
        weight=_share(shares, first),
        pay=_share(master.pay, first) if master else None,
        success=world.success(),
        accused=len(accused),
        seconds=round(time.perf_counter() - started, 3),
    )


def net_of(model: str, data: Data, hidden: int = HIDDEN) -> Net:
    """The network of a setting. Raises InputError E108 for an unknown one or data that it cannot take."""
    if model == "mlp":
        return Mlp(data.x.shape[1], data.classes, hidden)
    if model == "cnn" and data.side >= 4:
        return Cnn(data.side, data.classes)
    raise InputError(
        "E108", f"model {model!r} with rows of {data.x.shape[1]}: take mlp, or cnn with square images"
    )


def _share(rows: list[Any], first: int) -> float | None:
    """Part of the last seats in the total, None without rounds."""
    if not rows:
        return None
    total = np.array(rows, dtype=float).sum(axis=0)
    return round(float(total[first:].sum() / total.sum()), 5) if total.sum() else 0.0


def _hash(seed: int, now: int) -> bytes:
    return hashlib.sha256(f"{seed} {now}".encode()).digest()
