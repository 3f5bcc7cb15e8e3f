"""Pay: agreement with the others, gated on how much of it goes beyond what was public before the round.

Steps of version 1, after those of `aggregator.rule` and `aggregator.novelty` (O = 2^16 is one). Claims are made
of sums over rounds that lose a sixteenth each round, so a newcomer catches up and an idler fades; a round pays
what is missing between a seat's part of all claims and what it has received, so that early luck evens out.
Near-duplicates count once; the largest and smallest pair terms are trimmed. Agreement is the cosine of an
update with the weighted sum of the others; new agreement is the same between residuals.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import numpy as np

from aggregator.fixed import Ints, O, bound, clip, decayed, floor_sqrt, lower_median, ramp
from aggregator.rule import MIN_SEATS
from aggregator.steps import Step, View, matrix, rows, scalar, vector

# Fractions in Q16.
_TWIN_START: Final = 9830
"""0.15: what the residual cosine of two seats exceeds the typical one by when they begin to count as one."""
_TWIN_WIDTH: Final = 9830
_TWIN_PRIOR: Final = 1
"""Rounds of no resemblance that every pair starts with: more lets twins earn twice for longer."""
_LEAST_HEARD: Final = 4096
"""1/16 of a full say: were nobody heard, nobody could come to agree."""
_GATE_START: Final = 16384
"""0.25 of the median new agreement."""
_GATE_WIDTH: Final = 16384
_FLOOR: Final = 3276
"""0.05: average agreement below which a seat is not judged by what is new in it, but not paid; from it on it has
its full say."""
_SHARE: Final = 1 << 32
"""What a round gives out, in the units that received pay is counted in."""
_WORTH_BITS: Final = 32
_TERM_LIMIT: Final = 1 << 34
"""4 in Q32; larger terms of a pair come from sums that cancel. Keeps running sums in 8 bytes."""


@vector()
def residual_norm(v: View, i: int) -> int:
    """Length of the residual sketch (floor)."""
    return floor_sqrt(v.residual_gram[i, i])


@vector()
def pay_clipping(v: View, i: int) -> int:
    """Factor (O) that brings the norm down to the median."""
    return min(O, int(O * v.norm_median // _length(v, i)))


@vector()
def live(v: View, i: int) -> int:
    """1 if norm and residual are long enough for cosines of residuals to mean anything."""
    return int(1000 * _length(v, i) > v.norm_median and 100 * v.residual_norm[i] > 3 * _length(v, i))


@vector(carried=True)
def age(v: View, i: int) -> int:
    """Rounds (O each, decaying) of i in which residuals could tell what is new."""
    return int(decayed(v.before_age[i]) + (O if _counts(v, i) else 0))


@matrix(carried=True)
def twin(v: View, i: int) -> Ints:
    """Decaying sum of residual cosines (O) of each pair."""
    kept = decayed(v.before_twin[i])
    if not (_counts(v, i) and v.live[i]):
        return np.asarray(kept)
    e = np.maximum(v.residual_norm, 1)
    now = clip(O * v.residual_gram[i] // (e[i] * e), -O, O) * v.live
    now[i] = 0
    return np.asarray(kept + now)


@rows()
def twin_mean(v: View, seats: Sequence[int]) -> Ints:
    """Residual cosine (O) of each pair, averaged over rounds."""
    ages = np.minimum.outer(v.age[seats], v.age)
    return np.asarray(v.twin[seats] * O // (ages + _TWIN_PRIOR * O) * v.is_included)


@vector()
def twin_typical(v: View, i: int) -> int:
    """Lower median of i's averages with the other included seats."""
    return lower_median(v.of_others(v.twin_mean[i], i))


@scalar
def twin_bar(v: View) -> int:
    """Average from which two seats begin to count as one: 0.15 above what is typical for this project.

    Who trains long on the same distribution leaves residuals that resemble each other; only those who
    resemble each other much more than that are twins.
    """
    return _TWIN_START + max(lower_median(v.twin_typical[i] for i in v.included), 0)


@rows()
def alike(v: View, seats: Sequence[int]) -> Ints:
    """How far (O) two seats count as one."""
    out = clip((v.twin_mean[seats] - v.twin_bar) * O // _TWIN_WIDTH, 0, O) * v.is_included
    out[range(len(seats)), seats] = 0
    return np.asarray(out)


@vector()
def crowd(v: View, i: int) -> int:
    """Number (O) of seats that i counts as one with, itself included."""
    return int(O + v.alike[i].sum())


@vector()
def heard(v: View, i: int) -> int:
    """Part (O) of a full say, by average agreement so far: noise should not say what agreement is."""
    if not v.before_age[i]:
        return O
    full = max(_FLOOR * v.before_age[i] // O, 1)
    return int(_LEAST_HEARD + (O - _LEAST_HEARD) * bound(v.before_earned[i], 0, full) // full)


@vector()
def pay_voice(v: View, i: int) -> int:
    """Weight (O) of i in the sum that agreement is measured against."""
    return int(v.pay_clipping[i] * v.heard[i] // v.crowd[i])


@vector(width=16)
def pay_echo(v: View, i: int) -> int:
    """Inner product of i with that sum; below 2^70 x 2^16 x 2^10."""
    return int(v.gram[i, : v.shape.seats] @ v.pay_voice)


@scalar
def pay_echo_sum(v: View) -> int:
    """Squared length of that sum; below 2^122."""
    return int(v.pay_voice @ v.pay_echo)


@vector()
def others_norm(v: View, i: int) -> int:
    """Length of that sum without i; below 2^62."""
    own = v.pay_voice[i] * v.pay_voice[i] * v.gram[i, i]
    return floor_sqrt(max(v.pay_echo_sum - 2 * v.pay_voice[i] * v.pay_echo[i] + own, 1))


@vector()
def agreed(v: View, i: int) -> int:
    """Leave-one-out agreement (O) of i, twins not counted."""
    terms = _terms(v, i, v.pay_voice, v.gram[i, : v.shape.seats], _length(v, i) * v.others_norm[i])
    return int(terms.sum() >> 16)


@vector()
def new_voice(v: View, i: int) -> int:
    """Weight (O) of i in the sum that new agreement is measured against: only who agrees speaks."""
    return int(v.pay_voice[i] * max(v.agreed[i], 0) // O)


@vector(width=16)
def new_echo(v: View, i: int) -> int:
    """Inner product of the residual of i with that sum of residuals."""
    return int(v.residual_gram[i] @ v.new_voice)


@scalar
def new_echo_sum(v: View) -> int:
    """Squared length of that sum."""
    return int(v.new_voice @ v.new_echo)


@vector()
def new_others_norm(v: View, i: int) -> int:
    """Length of that sum without i."""
    own = v.new_voice[i] * v.new_voice[i] * v.residual_gram[i, i]
    return floor_sqrt(max(v.new_echo_sum - 2 * v.new_voice[i] * v.new_echo[i] + own, 1))


@matrix(carried=True)
def new_sum(v: View, i: int) -> Ints:
    """Decaying sum (Q32) of each pair's term of new agreement: a cosine of residuals, so that noise beside the last
    delta counts as noise. A residual shorter than a quarter of the update counts as that long: the rest of what is
    public is no work."""
    kept = decayed(v.before_new_sum[i])
    if not (_counts(v, i) and v.live[i]):
        return np.asarray(kept)
    scale = max(v.residual_norm[i], _length(v, i) // 4) * v.new_others_norm[i]
    return np.asarray(kept + _terms(v, i, v.new_voice, v.residual_gram[i], scale))


@vector(carried=True)
def earned(v: View, i: int) -> int:
    """Decaying sum of agreement (O) of updates that public vectors do not explain altogether."""
    counts = v.is_included[i] and (v.live[i] or not v.has_public)
    return int(decayed(v.before_earned[i]) + (v.agreed[i] if counts else 0))


@vector()
def newness(v: View, i: int) -> int:
    """Summed new agreement (O) with the other included seats, a part of the extreme pairs trimmed."""
    terms = sorted(v.of_others(v.new_sum[i], i))
    cut = 3 * v.n // 20
    return int(sum(terms[cut : len(terms) - cut]) >> 16)


@vector()
def judged(v: View, i: int) -> int:
    """1 if the seat agrees enough for what is new in it to mean anything."""
    return int(v.earned[i] * O > _FLOOR * v.age[i])


@scalar
def newness_median(v: View) -> int:
    """Lower median of the new agreement of judged seats."""
    return lower_median(v.newness[i] for i in v.included if v.judged[i])


@vector()
def ratio(v: View, i: int) -> int:
    """New agreement in units (O) of the median: nearly the same for all who train, near 0 for who re-sends."""
    return int(v.newness[i] * O // v.newness_median) if v.newness_median > 0 else 0


@vector()
def gate(v: View, i: int) -> int:
    """Part (O) of what was earned that counts. Open where nothing can be said: a median that is not positive tells
    nobody apart, and closing the gate for all would end in equal pay, for copies too."""
    if not v.age[i] or v.n < MIN_SEATS:
        return O
    if not v.judged[i]:
        return 0
    if v.newness_median <= 0:
        return O
    return ramp(v.ratio[i], _GATE_START, _GATE_WIDTH)


@scalar
def earned_bar(v: View) -> int:
    """What counts at most of earned sums: the largest, with eight seats the second, and so on. Who adds the last
    delta to honest work agrees more than anybody honest."""
    return sorted((max(v.earned[i], 0) for i in v.included), reverse=True)[v.n // 8] if v.n else 0


@vector()
def claim(v: View, i: int) -> int:
    """Part of everything paid so far, this round included, that i has a claim to."""
    return int(min(max(v.earned[i], 0), v.earned_bar) * v.gate[i] // v.crowd[i])


@vector()
def had(v: View, i: int) -> int:
    """What i has received of it before (`_SHARE` a round, decaying as claims do)."""
    return int(decayed(v.before_received[i]))


@scalar
def worth(v: View) -> int:
    """What a claim is worth (Q32): all that included seats had, and this round's share, over all claims."""
    claims = sum(v.claim[i] for i in v.included)
    return (sum(v.had[i] for i in v.included) + _SHARE << _WORTH_BITS) // claims if claims else 0


@vector()
def points(v: View, i: int) -> int:
    """Pay before scaling to the pot: a sixteenth of all that i has a claim to, as every round gives, and an eighth
    of what is missing of the rest; who had too much before gets at least half of the former. Were all that is
    missing paid at once, the luck of one seed would decide a round's pay."""
    whole = v.claim[i] * v.worth >> _WORTH_BITS
    now = whole // 16
    return int(max(now + (whole - now - v.had[i]) // 8, now // 2))


@scalar
def points_sum(v: View) -> int:
    """Sum over included seats."""
    return sum(v.points[i] for i in v.included)


@vector(width=16)
def pay(v: View, i: int) -> int:
    """Smallest units of i for this round, rounded down; the same for all if nobody has points."""
    if not v.points_sum:
        return int(v.to_pay // v.n)
    return int(v.to_pay * v.points[i] // v.points_sum)


@scalar
def paid(v: View) -> int:
    """Sum of pay: what the result names, at most pot less fee."""
    return sum(v.pay[i] for i in v.included)


@vector(carried=True)
def received(v: View, i: int) -> int:
    """Decaying sum of what i received of each round's share."""
    kept = decayed(v.before_received[i])
    if not v.is_included[i]:
        return int(kept)
    return int(kept + (_SHARE * v.points[i] // v.points_sum if v.points_sum else _SHARE // v.n))


def _length(v: View, i: int) -> int:
    return max(int(v.norm[i]), 1)


def _counts(v: View, i: int) -> bool:
    return bool(v.is_included[i] and v.has_public)


def _terms(v: View, i: int, voices: Ints, products: Ints, scale: Any) -> Ints:
    """Share (Q32) of each other seat in the cosine of i with the weighted sum of the others. `scale`: product of
    their lengths."""
    terms = clip(((O - v.alike[i]) * voices * products << 16) // scale, -_TERM_LIMIT, _TERM_LIMIT)
    terms[i] = 0
    return terms


STEPS: Final[list[Step]] = [
    residual_norm, pay_clipping, live,
    age, twin, twin_mean, twin_typical, twin_bar, alike, crowd,
    heard, pay_voice, pay_echo, pay_echo_sum, others_norm, agreed,
    new_voice, new_echo, new_echo_sum, new_others_norm, new_sum,
    earned, newness, judged, newness_median, ratio, gate,
    earned_bar, claim, had, worth, points, points_sum, pay, paid, received,
]  # fmt: skip
