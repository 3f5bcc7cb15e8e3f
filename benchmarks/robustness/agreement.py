"""The default rule of `aggregator.rule` on whole arrays of int64, without the owner's reference (`trusted` has one).

The same integers as the steps of the aggregator, by test; some fifty times faster, so that an adaptive attacker
can ask it thousands of times. Products stay below 2^63 while entries of the Gram matrix stay below 2^48, which
holds for sketches of up to 48 rows of 256 coefficients; more is refused.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from aggregator.fixed import F
from aggregator.rule import (
    FULL_WEIGHT,
    HOSTILE,
    LEAST_STANDING,
    MIN_SEATS,
    MOST_RATE,
    SLACK,
    START_REPUTATION,
    STRAIGHT,
    STRIKES,
    TURNING,
    UNRELIABLE,
)

Array = NDArray[np.int64]
State = Mapping[str, Array]

GRAM_LIMIT: Final = 1 << 48


@dataclass(frozen=True)
class Params:
    """What a rule is told: `f`, the number of attackers (only for rules that ask for it), and what rows follow
    those of the n trainers: the reference, `deltas` last global deltas, `past` times n files of rounds before."""

    f: int = 0
    reference: bool = False
    deltas: int = 0
    past: int = 0


@dataclass(frozen=True)
class Verdict:
    """What a rule says about a round: the aggregate is the sum of floor(weight * factor / F) u_i / 2^16.

    `weights`: int64 (n,), at most 65,535 in total. `factors`: int64 (n,), in F. `labels`: one word a trainer.
    """

    weights: Array
    factors: Array
    state: State
    labels: list[str] = field(default_factory=list)

    @property
    def coefficients(self) -> Array:
        """Factor of each update in the aggregate, in 2^-16."""
        return self.weights * self.factors // F


def isqrt(x: Array) -> Array:
    """Floor square roots of max(x, 0), exact below 2^62."""
    x = np.maximum(x, 0)
    root = np.sqrt(x.astype(np.float64)).astype(np.int64)
    root -= root * root > x
    return np.asarray(root + ((root + 1) * (root + 1) <= x))


def lower_median(values: Array) -> int:
    """The ((n-1) div 2)-th smallest; 0 of nothing."""
    return int(np.partition(values, (len(values) - 1) // 2)[(len(values) - 1) // 2]) if len(values) else 0


class Agreement:
    """Long-run agreement x agreement now x coherence discount, in a direction that a majority shares; see
    `aggregator.rule`. Trainers follow its advice: the state has the factor of their learning rate."""

    name = "agreement"
    paper = ""
    uses_reference = False
    uses_deltas = True

    def start(self, n: int) -> State:
        """Everybody begins below the median; no kinship is known; the description's rate."""
        return {
            "reputation": np.full(n, START_REPUTATION, np.int64),
            "kinship": np.zeros((n, n), np.int64),
            "strikes": np.zeros(n, np.int64),
            "rounds": np.zeros(1, np.int64),
            "rate": np.array([F]),
        }

    def weigh(self, gram: Array, state: State, params: Params) -> Verdict:
        """One round. Raises ValueError for inner products that do not fit."""
        if np.abs(gram).max(initial=0) >= GRAM_LIMIT:
            raise ValueError(f"an inner product is {np.abs(gram).max()}, expected less than {GRAM_LIMIT}")
        n = len(state["reputation"])
        norm = isqrt(np.diag(gram))
        cosine = cosines(gram, norm)
        clipping = self.clipping(norm[:n])
        if n < MIN_SEATS:
            merit = (norm[:n] > 0).astype(np.int64)
            return Verdict(merit * FULL_WEIGHT // max(int(merit.sum()), 1), clipping, state)
        own = cosine[:n, :n]
        kinship = (9 * state["kinship"] + own) // 10 if state["rounds"][0] else own
        discount = self.discount(own, kinship)
        standing = np.maximum(state["reputation"], LEAST_STANDING) * discount // F
        toward = n if params.reference and norm[n] else None
        voice = camp(own, standing) if toward is None else standing
        agreement = self.agreement(cosine, norm[:n], voice, toward)
        median = lower_median(agreement)
        scaled = np.clip(agreement * F // max(median, 3277), -F, F)
        reputation = (19 * state["reputation"] + scaled) // 20
        trust = np.full(n, F, np.int64) if toward is None else cosine[:n, n]
        presence = self.presence(agreement, median, trust)
        merit = np.maximum(reputation, 0) * discount // F * presence // F * (norm[:n] > 0)
        hostile = (agreement <= -HOSTILE) & (median > 0) & (2 * (kinship < 0).sum(axis=1) > n)
        strikes = np.where(hostile, state["strikes"] + 1, 0)
        total = int(merit.sum())
        weights = merit * FULL_WEIGHT // total if total else np.zeros(n, np.int64)
        after = {"reputation": reputation, "kinship": kinship, "strikes": strikes}
        deltas = slice(n + params.reference, n + params.reference + params.deltas)
        after |= {"rounds": state["rounds"] + 1, "rate": advised(state["rate"], cosine[deltas, deltas])}
        return Verdict(weights, clipping, after, labels(reputation, strikes))

    def clipping(self, norm: Array) -> Array:
        """Factors that bring norms down to their lower median."""
        median = lower_median(norm[norm > 0])
        return np.where(norm > 0, np.minimum(F, median * F // np.maximum(norm, 1)), 0)

    def discount(self, cosine: Array, kinship: Array) -> Array:
        """What remains after the coherence discount."""
        past, now = coherence(kinship), coherence(cosine)
        by_past = 13 * lower_median(past) * F // (10 * np.maximum(past, 1))
        by_now = 3 * lower_median(now) * F // (2 * np.maximum(now, 1))
        least = np.minimum(F, np.minimum(by_past, by_now))
        return np.asarray(least * least // F)

    def agreement(self, cosine: Array, norm: Array, voice: Array, reference: int | None) -> Array:
        """Leave-one-out cosine with that direction; `reference` is its row, if there is one."""
        n = len(norm)
        if reference is not None:
            voice = np.append(7 * voice, 3 * voice.sum())
            rows = [*range(n), reference]
            cosine = cosine[np.ix_(rows, rows)]
        else:
            cosine = cosine[:n, :n]
        echo = cosine @ voice
        total = int(voice @ echo)
        rest = isqrt(np.maximum(1, total - 2 * voice * echo + voice * voice * F))
        value = np.clip((echo - voice * F) * 128 // np.maximum(rest, 1), -F, F)[:n]
        return np.where(norm > 0, value, 0)

    def presence(self, agreement: Array, median: int, trust: Array) -> Array:
        """Agreement now: full from 0.7 of the median on. `trust`: cosines with the reference, F without one."""
        full = 7 * (max(median, 0) + SLACK)
        return np.minimum(F, np.maximum(agreement + SLACK, 0) * F * 10 // full)


def camp(cosine: Array, standing: Array) -> Array:
    """Voices: everybody's standing, or only that of who leans to the view that most agree with, where more agree with
    it than with the sum of all."""
    seen = np.maximum(cosine, 0) * standing // F
    views = seen @ cosine
    medians = [lean_median(view, own) for view, own in zip(views, seen, strict=True)]
    leader = int(np.argmax(medians))
    pull = cosine @ standing
    if medians[leader] <= max(lean_median(pull, standing), 0):
        return standing
    return np.where(views[leader] > seen[leader] * F, standing, 0)


def lean_median(echo: Array, voice: Array) -> int:
    """Lower median of what each resembles a direction beyond its own part of it, in units of its length."""
    length = max(int(isqrt(voice @ echo)), 1)
    return lower_median((echo - voice * F) * 128 // length)


def advised(rate: Array, deltas: Array) -> Array:
    """An eighth up where the cosine of the last two global deltas is above 0.65, a sixteenth down below 0.3, between
    one and four. `deltas`: cosines of global deltas with each other, the newest first, 0 on the diagonal where one is
    zero. As it is without two of them."""
    if len(deltas) < 2 or not deltas[0, 0] or not deltas[1, 1]:
        return rate
    if deltas[0, 1] > STRAIGHT:
        return np.minimum(MOST_RATE, rate + rate // 8)
    return np.maximum(F, rate - rate // 16) if deltas[0, 1] < TURNING else rate


def cosines(gram: Array, norm: Array) -> Array:
    """Cosines in F, clipped; rows of zero vectors are zero."""
    ones = np.maximum(norm, 1)
    out: Array = np.clip(gram * F // (ones[:, None] * ones), -F, F)
    np.fill_diagonal(out, np.where(norm > 0, F, 0))
    return out


def coherence(cosine: Array) -> Array:
    """Root mean square of the k = (n-1) div 2 largest entries of each row but its own, negative ones as 0."""
    n = len(cosine)
    k = (n - 1) // 2
    others = np.maximum(cosine, 0)
    np.fill_diagonal(others, -1)
    top = -np.partition(-others, k - 1, axis=1)[:, :k]
    return isqrt((top * top).sum(axis=1) // k)


def labels(reputation: Array, strikes: Array) -> list[str]:
    """The verdict of each, as `aggregator.verdicts` words it."""
    pairs: list[tuple[Any, Any]] = list(zip(reputation, strikes, strict=True))
    return ["malicious" if s >= STRIKES else "unreliable" if r < UNRELIABLE else "honest" for r, s in pairs]
