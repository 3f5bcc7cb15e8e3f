"""Rules as the simulator calls them: Gram rules in integers, and rules on float vectors."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final, Protocol

import numpy as np
from numpy.typing import NDArray

from aggregator.fixed import F
from aggregator.sketch import sketch_of
from benchmarks.robustness.agreement import GRAM_LIMIT, Agreement, Array, Params, State, Verdict, isqrt
from benchmarks.robustness.trusted import Trusted
from market.codec import UPDATE, blocks, encode

Floats = NDArray[np.float32]
Ints16 = NDArray[np.int16]

LSB: Final = 2.0**-17
"""Of updates and model."""


@dataclass(frozen=True)
class Around:
    """What is known beside the updates: `reference` int16 (1, d), or (0, d) without; the last global `deltas`
    int16 (k, d), newest first; `past` int16 (k, n, d), the updates of the rounds before, newest first."""

    reference: Ints16
    deltas: Ints16
    past: Ints16


@dataclass(frozen=True)
class Posted:
    """What a round hands to a rule: `updates` int16 (n, d), what is `around` them, and the 32-byte `seed` of signs
    and rotations."""

    updates: Ints16
    around: Around
    seed: bytes


@dataclass
class Decision:
    """`delta`: int16 (d,), what the model moves by. `shares`: (n,), parts of the whole weight; None if the
    rule has no weights."""

    delta: Ints16
    shares: NDArray[np.float64] | None = None
    labels: list[str] = field(default_factory=list)


class Rule(Protocol):
    """A rule with its memory of one run."""

    name: str
    uses_reference: bool

    def begin(self, n: int, f: int) -> None:
        """Forget everything; `f` is for rules that must be told."""

    def decide(self, posted: Posted) -> Decision:
        """Judge a round and remember it."""

    def ask(self, updates: Floats, around: Around) -> tuple[Floats, NDArray[np.float64]]:
        """What an attacker can compute: aggregate (d,) and coefficients (n,) for updates, memory unchanged.

        It does not know the signs of the round, which are drawn after the seals; nor do coefficients exist
        for every rule (then they are zero).
        """


class Judge(Protocol):
    """A rule in Gram form: see `benchmarks.robustness.agreement`. What it is given beside the updates it says by
    `uses_reference`, `uses_deltas` (rows that follow) and `uses_f` (the number of attackers); each is False if it is
    not there, and `name` the class's."""

    def start(self, n: int) -> State:
        """The state before round 1."""

    def weigh(self, gram: Array, state: State, params: Params) -> Verdict:
        """Weights of a round."""


class GramRule:
    """A Gram rule on real sketches of 256 columns. Rows: updates, the reference and the last deltas if it uses them,
    and, where `public` is set, files of the rounds before."""

    def __init__(self, judge: Judge, public: bool = False) -> None:
        self.judge, self.public = judge, public
        self.name: str = getattr(judge, "name", type(judge).__name__)
        self.uses_reference, self.uses_deltas, self.uses_f = (
            bool(getattr(judge, f"uses_{what}", False)) for what in ("reference", "deltas", "f")
        )

    def begin(self, n: int, f: int) -> None:
        """The judge's start state."""
        self.n, self.state = n, self.judge.start(n)
        self.f = f if self.uses_f else 0

    @property
    def rate(self) -> float:
        """Factor of the learning rate that trainers are advised to take."""
        return float(self.state["rate"][0]) / F if "rate" in self.state else 1.0

    def decide(self, posted: Posted) -> Decision:
        """Sketches, Gram matrix, weights, weighted sum, as the aggregator does."""
        verdict = self.judge.weigh(self.gram(posted), self.state, self.params(posted.around))
        self.state = verdict.state
        factors = verdict.coefficients
        sums = factors.astype(np.float64) @ posted.updates.astype(np.float64)
        delta = (sums.astype(np.int64) + (1 << 15)) >> 16
        clipped = np.clip(delta, -32768, 32767).astype(np.int16)
        return Decision(clipped, factors / 65535, verdict.labels)

    def params(self, around: Around) -> Params:
        """What the judge is told."""
        deltas = len(around.deltas) if self.uses_deltas else 0
        return Params(self.f, self.uses_reference, deltas, len(around.past) if self.public else 0)

    def gram(self, posted: Posted) -> Array:
        """Exact inner products of the sketches, int64."""
        return exact_gram(sketches(self.rows(posted.updates, posted.around), posted.seed))

    def rows(self, updates: Any, around: Around) -> Any:
        """All rows in their order."""
        parts = [updates]
        if self.uses_reference:
            parts.append(around.reference)
        if self.uses_deltas:
            parts.append(around.deltas)
        if self.public:
            parts += [*around.past]
        return np.concatenate(parts) if len(parts) > 1 else updates

    def ask(self, updates: Floats, around: Around) -> tuple[Floats, NDArray[np.float64]]:
        """With exact inner products in place of sketched ones."""
        rows = self.rows(updates / np.float32(LSB), around).astype(np.float32)
        gram = np.rint((rows @ rows.T).astype(np.float64))
        limit = float(GRAM_LIMIT - 1)
        whole = np.clip(gram, -limit, limit).astype(np.int64)
        verdict = self.judge.weigh(whole, self.state, self.params(around))
        factors = verdict.coefficients / 65536
        return factors.astype(np.float32) @ updates, factors


class VectorRule:
    """A rule on float vectors: `aggregate(updates (n, d), f) -> (d,)`."""

    uses_reference = False

    def __init__(self, name: str, make: Callable[[int], Callable[[Floats], Any]]) -> None:
        self.name, self.make = name, make

    def begin(self, n: int, f: int) -> None:
        """A fresh aggregator for f attackers."""
        self.n, self.aggregate = n, self.make(f)

    def decide(self, posted: Posted) -> Decision:
        """The aggregate, rounded to steps of the model; a result that is not finite changes nothing."""
        out = self._finite(posted.updates.astype(np.float32) * np.float32(LSB)) / LSB
        return Decision(np.clip(np.rint(out), -32768, 32767).astype(np.int16))

    def ask(self, updates: Floats, around: Around) -> tuple[Floats, NDArray[np.float64]]:
        """The aggregate; there are no coefficients."""
        return self._finite(updates.astype(np.float32)), np.zeros(len(updates))

    def _finite(self, updates: Floats) -> Floats:
        out = self.aggregate(updates.copy())
        if out is None:
            return np.zeros(updates.shape[1], np.float32)
        return np.nan_to_num(np.asarray(out, np.float32), nan=0.0, posinf=0.0, neginf=0.0)


class Mean:
    """Equal weights, no defence: what losses are measured against."""

    name, paper = "average", ""

    def start(self, n: int) -> State:
        """Nothing to remember."""
        return {"n": np.array([n])}

    def weigh(self, gram: Array, state: State, params: Params) -> Verdict:
        """1 / n each."""
        n = int(state["n"][0])
        return Verdict(np.full(n, 65535 // n), np.full(n, F), state)


class FlTrust(Mean):
    """Cao, Fang, Liu, Gong 2021: weight max(0, cosine with the reference), norms brought to the reference's."""

    name, paper, uses_reference = "fltrust", "arXiv:2012.13995", True

    def weigh(self, gram: Array, state: State, params: Params) -> Verdict:
        """The reference is row n."""
        n = int(state["n"][0])
        norm = isqrt(np.diag(gram))
        trust = np.maximum(0, gram[:n, n] * F // np.maximum(norm[:n] * norm[n], 1))
        total = int(trust.sum())
        weights = trust * 65535 // total if total else np.zeros(n, np.int64)
        factors = np.where(norm[:n] > 0, norm[n] * F // np.maximum(norm[:n], 1), 0)
        return Verdict(weights, factors, state)


def sketches(rows: Ints16, seed: bytes) -> Array:
    """Sketches int64 (rows, 256) with the signs and rotations of the protocol."""
    return np.stack(
        [sketch_of(blocks([encode(row, UPDATE)], len(row), UPDATE), seed) for row in rows]
    ).astype(np.int64)


def exact_gram(sketch: Array) -> Array:
    """Inner products of sketches below 2^22, exact in doubles."""
    wide = sketch.astype(np.float64)
    return (wide @ wide.T).astype(np.int64)


RULES: Final[dict[str, Callable[[], Rule]]] = {
    "average": lambda: GramRule(Mean()),
    "agreement": lambda: GramRule(Agreement()),
    "agreement+trust": lambda: GramRule(Trusted()),
    "fltrust": lambda: GramRule(FlTrust()),
}
