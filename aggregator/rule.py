"""The default rule: long-run agreement x agreement now x coherence discount, each capped at the median.

Steps of version 1, from the Gram matrix to weights, reputations and penalties (F = 2^14 is one). A row that
resembles many others more than the median row does is discounted; a row is worth no more than the median.
Agreement is with the sum of all, by reputation, or with the camp around one seat if more agree with that.
Where the owner's reference is among the rows and not zero, it makes three tenths of the direction that
agreement is measured against, and weights fall with the angle to it (FLTrust: Cao, Fang, Liu, Gong 2021).
With fewer than four included seats medians say nothing: weights are equal and no state changes.
All entries fit 8 bytes unless the step says otherwise: |gram| <= 256 * 2^62 = 2^70, so a norm < 2^36.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from aggregator.fixed import F, Ints, bound, clip, floor_sqrt, ints, lower_median, products
from aggregator.steps import Step, View, matrix, of_round, rows, scalar, vector

START_REPUTATION: Final = F // 2
"""Of a seat in its first round: below the median of those who are known."""
FULL_WEIGHT: Final = 65535
"""Weights sum to at most this, so that they fit uint16."""
MIN_SEATS: Final = 4
HOSTILE: Final = 3277
"""An agreement of -0.2 or less is a strike."""
STRIKES: Final = 3
"""Strikes in a row from which each costs one unit."""
UNRELIABLE: Final = F // 4
LEAST_STANDING: Final = F // 256
"""Reputation that a voice counts with at least: so there is a direction when nobody's is positive."""
SEATS_PART: Final = 7
REFERENCE_PART: Final = 3
"""Parts of ten of the direction that the seats and the reference make, where there is one."""

RATE: Final = 1
"""Number of the learning rate in `advice`."""
MOST_RATE: Final = 4 * F
STRAIGHT: Final = 10650
"""0.65: cosine of the last two global deltas above which the learning rate grows by an eighth."""
TURNING: Final = 4915
"""0.3: below it, it shrinks by a sixteenth."""
SLACK: Final = 819
"""0.05: room for the noise of sketches in the agreement of this round."""
_SCALE_FLOOR: Final = 3277
"""0.2: below it agreement is not scaled up to the median any more."""


@vector()
def norm(v: View, i: int) -> int:
    """Length of the sketch of seat i (floor)."""
    return int(v.root[i])


@rows()
def cosine(v: View, seats: Sequence[int]) -> Ints:
    """Cosines in F, clipped; rows of zero vectors are zero."""
    n, ones = v.shape.seats, np.maximum(v.norm, 1)
    out = clip(v.gram[seats, :n] * F // np.outer(ones[seats], ones), -F, F)
    out[range(len(seats)), seats] = F * np.minimum(v.norm[seats], 1)
    return out


@scalar
def norm_median(v: View) -> int:
    """Lower median of the norms that are not zero: what longer updates are clipped to."""
    return lower_median(v.norm[i] for i in v.included if v.norm[i])


@vector()
def clipping(v: View, i: int) -> int:
    """Factor in F that brings the norm down to the median."""
    return min(F, v.norm_median * F // v.norm[i]) if v.norm[i] else 0


@matrix(carried=True)
def kinship(v: View, i: int) -> Ints:
    """Moving average of cosines over the rounds that both were in; starts at the first cosine."""
    if not v.is_included[i] or v.n < MIN_SEATS:
        return np.asarray(v.before_kinship[i])
    average = (9 * v.before_kinship[i] + v.cosine[i]) // 10
    met = np.where((v.is_first == 1) | bool(v.is_first[i]), v.cosine[i], average)
    return np.asarray(np.where(v.is_included == 1, met, v.before_kinship[i]))


@vector()
def kinship_bar(v: View, i: int) -> int:
    """The k-th largest average cosine of i with another, k = (n - 1) div 2."""
    return _bar(v, v.kinship[i], i)


@vector()
def cosine_bar(v: View, i: int) -> int:
    """The k-th largest cosine of i with another."""
    return _bar(v, v.cosine[i], i)


@vector()
def coherence_past(v: View, i: int) -> int:
    """Root mean square of the k largest average cosines of i, negative ones as 0."""
    return _coherence(v, v.kinship[i], v.kinship_bar[i], i)


@vector()
def coherence_now(v: View, i: int) -> int:
    """The same from the cosines of this round."""
    return _coherence(v, v.cosine[i], v.cosine_bar[i], i)


@scalar
def coherence_past_median(v: View) -> int:
    """Lower median over included seats."""
    return lower_median(v.coherence_past[i] for i in v.included)


@scalar
def coherence_now_median(v: View) -> int:
    """Lower median over included seats."""
    return lower_median(v.coherence_now[i] for i in v.included)


@vector()
def discount(v: View, i: int) -> int:
    """What remains after the coherence discount: colluders resemble each other more than the median does."""
    past = 13 * v.coherence_past_median * F // (10 * max(v.coherence_past[i], 1))
    now = 3 * v.coherence_now_median * F // (2 * max(v.coherence_now[i], 1))
    least = min(F, past, now)
    return int(least * least // F)


@vector()
def standing(v: View, i: int) -> int:
    """Reputation before this round, at least a trifle, x discount."""
    return int(max(v.before_reputation[i], LEAST_STANDING) * v.discount[i] // F)


@vector()
def pull(v: View, i: int) -> int:
    """Inner product of i with the main direction: the sum of all, by standing."""
    return int(v.cosine[i] @ v.standing)


@scalar
def pull_median(v: View) -> int:
    """Lower median of the cosines (F) with the main direction."""
    return _lean_median(v, v.pull, v.standing)


@rows(dtype=np.int64)
def outlook(v: View, seats: Sequence[int]) -> NDArray[np.int64]:
    """Row k: inner product of each with the direction that seat k sees, the sum of those that resemble k."""
    return np.asarray(products(_seen(v, seats), np.asarray(v.cosine, np.int64)))


@vector()
def outlook_median(v: View, k: int) -> int:
    """Lower median of the cosines (F) with the direction that seat k sees."""
    return _lean_median(v, v.outlook[k], ints(_seen(v, [k])[0]))


@vector()
def trust(v: View, i: int) -> int:
    """Cosine (F) of i with the reference; 0 without one."""
    length = max(v.norm[i], 1) * max(v.root[v.shape.reference], 1)
    return bound(v.gram[i, v.shape.reference] * F // length, -F, F)


@vector()
def voice(v: View, i: int) -> int:
    """Weight of i in the direction that agreement is measured against: its standing, but 0 outside the leader's camp.

    Two fifths of the seats that point together outweigh the others in the main direction, and are no majority."""
    if has_reference(v):
        return int(SEATS_PART * v.standing[i])
    k = leader(v)
    if k is not None and v.outlook[k, i] <= max(v.cosine[k, i], 0) * v.standing[i] // F * F:
        return 0
    return int(v.standing[i])


@vector()
def echo(v: View, i: int) -> int:
    """Inner product of i with that direction."""
    return int(v.cosine[i] @ v.voice + v.trust[i] * _reference_voice(v))


@scalar
def echo_sum(v: View) -> int:
    """Squared length of that direction."""
    reference = _reference_voice(v)
    return int(v.voice @ v.echo + reference * (v.trust @ v.voice + F * reference))


@vector()
def agreement(v: View, i: int) -> int:
    """Cosine (F) of i with the direction of the others; 0 for a zero vector."""
    if not v.norm[i]:
        return 0
    own = v.voice[i] * v.voice[i] * F
    rest = floor_sqrt(max(1, v.echo_sum - 2 * v.voice[i] * v.echo[i] + own))
    # 128 = sqrt(F): the root of a quantity in F is in sqrt(F).
    return bound((v.echo[i] - v.voice[i] * F) * 128 // rest, -F, F)


@scalar
def agreement_median(v: View) -> int:
    """Lower median over included seats."""
    return lower_median(v.agreement[i] for i in v.included)


@vector()
def presence(v: View, i: int) -> int:
    """Agreement now, full from 0.7 of the median on; with a reference, times the square of trust in units of the
    median, at most one."""
    typical = max(v.agreement_median, 0) + SLACK
    now = min(F, int(max(v.agreement[i] + SLACK, 0) * F * 10 // (7 * typical)))
    if not has_reference(v):
        return now
    trusted = min(F, int(max(v.trust[i], 0) * F // typical))
    return now * trusted // F * trusted // F


@vector(carried=True)
def reputation(v: View, i: int) -> int:
    """Moving average of agreement in units of the median. It stands in the accounts tree."""
    if v.is_included[i]:
        if v.n < MIN_SEATS:
            return int(v.before_reputation[i])
        scaled = bound(v.agreement[i] * F // max(v.agreement_median, _SCALE_FLOOR), -F, F)
        return int((19 * v.before_reputation[i] + scaled) // 20)
    # Sealed but left out: as for agreement 0. Not sealed: nothing happened.
    return int(19 * v.before_reputation[i] // 20 if v.is_sealed[i] else v.before_reputation[i])


@vector()
def merit(v: View, i: int) -> int:
    """Reputation x discount x presence; one each with fewer than four seats."""
    if not v.norm[i]:
        return 0
    if v.n < MIN_SEATS:
        return 1
    return int(max(v.reputation[i], 0) * v.discount[i] // F * v.presence[i] // F)


@scalar
def merit_sum(v: View) -> int:
    """Sum over included seats; if 0 the round changes nothing."""
    return sum(v.merit[i] for i in v.included)


@vector()
def weight(v: View, i: int) -> int:
    """Share of i in the aggregate, in 1/65536; fits uint16."""
    return v.merit[i] * FULL_WEIGHT // v.merit_sum if v.merit_sum else 0


@vector()
def coefficient(v: View, i: int) -> int:
    """Factor of the update of i in the aggregate: weight x clipping; all sum to at most 65535."""
    return int(v.weight[i] * v.clipping[i] // F)


@vector(carried=True)
def strikes(v: View, i: int) -> int:
    """Rounds in a row in which i pulled against a direction that most seats agree with, and most seats point away
    from i. The first keeps the honest from paying once attackers own the direction; the second, which reads
    neither reputations nor the reference, keeps an owner from making anybody pay whom most seats resemble."""
    if not v.is_included[i] or v.n < MIN_SEATS:
        return int(v.before_strikes[i])
    if v.agreement[i] > -HOSTILE or v.agreement_median <= 0:
        return 0
    away = sum(x < 0 for x in v.of_others(v.kinship[i], i))
    return int(v.before_strikes[i] + 1) if 2 * away > v.n else 0


@vector()
def penalty(v: View, i: int) -> int:
    """Units that i loses for this round: one from the third strike in a row on."""
    return int(v.n >= MIN_SEATS and v.strikes[i] >= STRIKES)


@of_round(F, F, F, FULL_WEIGHT)
def advice(v: View, k: int) -> int:
    """What trainers train the next round with, as factors (F) of what the description says: 0 local steps, 1 learning
    rate, 2 clip bound; 3 the server rate, of which weights are shares. Only the learning rate moves: up to four times
    the description's while the model goes on in one direction, back to it when it turns. The inner product of two
    steps is what the first would have gained by being longer (Baydin, Cornish, Martinez Rubio, Schmidt, Wood 2018,
    Online learning rate adaptation with hypergradient descent). Steps that are not there, or zero, say nothing."""
    before = int(v.before_advice[k])
    last, older = v.shape.delta(0), v.shape.delta(1)
    length = int(v.root[last] * v.root[older])
    if k != RATE or v.n < MIN_SEATS or not length:
        return before
    cosine_ = v.gram[last, older] * F // length
    if cosine_ > STRAIGHT:
        return min(MOST_RATE, before + before // 8)
    return max(F, before - before // 16) if cosine_ < TURNING else before


def leader(v: View) -> int | None:
    """The first seat whose outlook most agree with, if it is positive and more do than with the main direction."""
    first = int(np.argmax(v.outlook_median))
    return first if v.outlook_median[first] > max(v.pull_median, 0) else None


def has_reference(v: View) -> bool:
    """Whether the owner's reference is among the rows, and not zero."""
    return bool(v.root[v.shape.reference] > 0)


def _seen(v: View, seats: Sequence[int]) -> NDArray[np.int64]:
    """Weights of all in the directions that some seats see: standing x the positive part of the cosine."""
    cosines = np.asarray(v.cosine[seats], np.int64)
    return np.asarray(np.maximum(cosines, 0) * np.asarray(v.standing, np.int64) // F)


def _lean_median(v: View, echo: Ints, voice: Ints) -> int:
    """Lower median of the cosines (F) with a direction, each without its own part; that is not in the length."""
    length = max(floor_sqrt(int(voice @ echo)), 1)
    # 128 = sqrt(F): the root of a quantity in F is in sqrt(F).
    return lower_median((echo[i] - voice[i] * F) * 128 // length for i in v.included)


def _reference_voice(v: View) -> int:
    """Weight of the reference in the direction: that of all seats, 3 to 7."""
    return REFERENCE_PART * int(v.voice.sum()) // SEATS_PART if has_reference(v) else 0


def _bar(v: View, row: Ints, i: int) -> int:
    k = (v.n - 1) // 2
    return max(sorted(v.of_others(row, i), reverse=True)[k - 1], 0) if k else 0


def _coherence(v: View, row: Ints, bar: int, i: int) -> int:
    """From the bar it takes one pass: entries above it, and as many at it as are missing to k."""
    k = (v.n - 1) // 2
    above = [x for x in v.of_others(row, i) if x > bar]
    return floor_sqrt((sum(x * x for x in above) + (k - len(above)) * bar * bar) // k) if k else 0


STEPS: Final[list[Step]] = [
    norm, cosine, norm_median, clipping,
    kinship, kinship_bar, cosine_bar, coherence_past, coherence_now,
    coherence_past_median, coherence_now_median,
    discount, standing, pull, pull_median, outlook, outlook_median,
    trust, voice, echo, echo_sum, agreement, agreement_median, presence,
    reputation, merit, merit_sum, weight, coefficient, strikes, penalty,
    advice,
]  # fmt: skip
