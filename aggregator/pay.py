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

from aggregator.fixed import F, Ints, O, bound, clip, decayed, floor_sqrt, lower_median, ramp, weighted_median
from aggregator.rule import MIN_SEATS
from aggregator.steps import Step, View, matrix, rows, scalar, vector

# Fractions in Q16.
_TWIN_START: Final = 9830
"""0.15: what the residual cosine of two seats exceeds the typical one by when they begin to count as one."""
_TWIN_WIDTH: Final = 9830
_TWIN_PRIOR: Final = 1
"""Rounds of no resemblance that every pair starts with: more lets twins earn twice for longer."""
_ENERGY_START: Final = 19660
"""0.3 of the median residual share: an update whose rest is smaller is a copy of public vectors."""
_ENERGY_WIDTH: Final = 19660
_LEAST_HEARD: Final = 4096
"""1/16 of a full say: were nobody heard, nobody could come to agree."""
_FULL_SAY: Final = 13107
"""0.2: average agreement from which on a seat has its full say."""
_GATE_START: Final = 39321
"""0.6 of the median ratio of new agreement to agreement."""
_GATE_WIDTH: Final = 13107
_FLOOR: Final = 3276
"""0.05: average agreement below which a seat is not judged by its ratio, but not paid."""
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
def pay_voice(v: View, i: int) -> int:
    """Weight (O) of i in the sum that agreement is measured against: by its average agreement so far, since noise
    should not say what agreement is. Twins share one."""
    return int(v.clipping[i] * (O // F) * _heard(v, i) // v.crowd[i])


@vector(width=16)
def pay_echo(v: View, i: int) -> int:
    """Inner product of i with that sum; below 2^70 x 2^16 x 2^10."""
    return int(v.gram[i, : v.shape.seats] @ v.pay_voice)


@vector()
def others_norm(v: View, i: int) -> int:
    """Length of that sum without i; below 2^62."""
    return _others_length(v.pay_voice, v.pay_echo, v.gram[i, i], i)


@vector()
def agreed(v: View, i: int) -> int:
    """Leave-one-out agreement (O) of i, twins not counted."""
    terms = _terms(v, i, v.pay_voice, v.gram[i, : v.shape.seats], v.others_norm[i])
    return int(terms.sum() >> 16)


@vector()
def new_voice(v: View, i: int) -> int:
    """Weight (O) of i in the sum that new agreement is measured against: only who agrees speaks."""
    return int(v.pay_voice[i] * max(v.agreed[i], 0) // O)


@vector(width=16)
def new_echo(v: View, i: int) -> int:
    """Inner product of the residual of i with that sum of residuals."""
    return int(v.residual_gram[i] @ v.new_voice)


@vector()
def new_others_norm(v: View, i: int) -> int:
    """Length of that sum without i."""
    return _others_length(v.new_voice, v.new_echo, v.residual_gram[i, i], i)


@matrix(carried=True)
def new_sum(v: View, i: int) -> Ints:
    """Decaying sum (Q32) of each pair's term of new agreement."""
    kept = decayed(v.before_new_sum[i])
    if not _counts(v, i):
        return np.asarray(kept)
    return np.asarray(kept + _terms(v, i, v.new_voice, v.residual_gram[i], v.new_others_norm[i]))


@vector()
def residual_share(v: View, i: int) -> int:
    """Length of the residual over that of the update (O)."""
    return int(v.residual_norm[i] * O // _length(v, i))


@scalar
def residual_share_median(v: View) -> int:
    """Lower median over included seats."""
    return lower_median(v.residual_share[i] for i in v.included)


@vector(carried=True)
def earned(v: View, i: int) -> int:
    """Decaying sum of agreement that passed the energy gate (O): what is paid if the other gate is open."""
    return int(decayed(v.before_earned[i]) + (v.agreed[i] * energy(v, i) // O if v.is_included[i] else 0))


@vector(carried=True)
def agreed_sum(v: View, i: int) -> int:
    """Decaying sum of agreement (O) over the rounds that had public rows."""
    return int(decayed(v.before_agreed_sum[i]) + (v.agreed[i] if _counts(v, i) else 0))


@vector()
def newness(v: View, i: int) -> int:
    """Summed new agreement (O) with the other included seats, a part of the extreme pairs trimmed."""
    terms = sorted(v.of_others(v.new_sum[i], i))
    cut = 3 * v.n // 20
    return int(sum(terms[cut : len(terms) - cut]) >> 16)


@vector()
def doubt(v: View, i: int) -> int:
    """How much of it may be chance (O): the standard error of a sum of so many terms, from their spread."""
    terms = v.of_others(v.new_sum[i], i)
    n, total = max(len(terms), 1), sum(terms)
    return int(floor_sqrt(sum(x * x for x in terms) - total * total // n) >> 16)


@vector()
def ratio(v: View, i: int) -> int:
    """New agreement, at best, over agreement (O): much the same for all who train, near 0 for who re-sends."""
    return int((v.newness[i] + v.doubt[i]) * O // _agreement(v, i))


@scalar
def earned_bar(v: View) -> int:
    """What counts at most of earned sums: the largest, with eight seats the second, and so on. Who adds the last
    delta to honest work agrees more than anybody honest."""
    return sorted((max(v.earned[i], 0) for i in v.included), reverse=True)[v.n // 8] if v.n else 0


@vector()
def ratio_weight(v: View, i: int) -> int:
    """Say of i in the median ratio: what it earned, shared among twins."""
    return int(_counted(v, i) * O // v.crowd[i]) if is_judged(v, i) else 0


@scalar
def ratio_median(v: View) -> int:
    """Weighted median of the ratios of judged seats."""
    return weighted_median((v.ratio[i], v.ratio_weight[i]) for i in v.included)


@vector()
def gate(v: View, i: int) -> int:
    """Part (O) of what was earned that counts, the benefit of the doubt given once more. Open where nothing can be
    said: a median ratio that is not positive tells nobody apart, and closing the gate for all would end in equal
    pay, for copies too."""
    if not v.age[i] or v.n < MIN_SEATS:
        return O
    if not is_judged(v, i):
        return 0
    if v.ratio_median <= 0:
        return O
    at_best = (v.newness[i] + 2 * v.doubt[i]) * O // _agreement(v, i)
    return ramp(at_best * O // v.ratio_median, _GATE_START, _GATE_WIDTH)


@vector()
def claim(v: View, i: int) -> int:
    """Part of everything paid so far, this round included, that i has a claim to."""
    return int(_counted(v, i) * v.gate[i] // v.crowd[i])


@scalar
def claim_sum(v: View) -> int:
    """Sum over included seats."""
    return sum(v.claim[i] for i in v.included)


@vector()
def had(v: View, i: int) -> int:
    """What i has received of it before (`_SHARE` a round, decaying as claims do)."""
    return int(decayed(v.before_received[i]))


@scalar
def worth(v: View) -> int:
    """What a claim is worth (Q32): all that included seats had, and this round's share, over all claims."""
    if not v.claim_sum:
        return 0
    return (sum(v.had[i] for i in v.included) + _SHARE << _WORTH_BITS) // v.claim_sum


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


def energy(v: View, i: int) -> int:
    """Gate (O) on the residual share, against updates that public vectors explain."""
    if not (v.has_public and v.residual_share_median) or v.n < MIN_SEATS:
        return O
    return ramp(v.residual_share[i] * O // v.residual_share_median, _ENERGY_START, _ENERGY_WIDTH)


def _length(v: View, i: int) -> int:
    return max(int(v.norm[i]), 1)


def _counts(v: View, i: int) -> bool:
    return bool(v.is_included[i] and v.has_public)


def _heard(v: View, i: int) -> int:
    """Part (O) of a full say, by average agreement before this round."""
    if not v.before_age[i]:
        return O
    full = max(_FULL_SAY * v.before_age[i] // O, 1)
    return int(_LEAST_HEARD + (O - _LEAST_HEARD) * bound(v.before_agreed_sum[i], 0, full) // full)


def is_judged(v: View, i: int) -> bool:
    """Whether the seat agrees enough for its ratio to mean anything."""
    return bool(v.agreed_sum[i] * O > _FLOOR * v.age[i])


def _agreement(v: View, i: int) -> int:
    """Summed agreement (O) that new agreement is compared with; at least the floor, and 1."""
    return int(max(v.agreed_sum[i], _FLOOR * v.age[i] // O, 1))


def _counted(v: View, i: int) -> int:
    return int(min(max(v.earned[i], 0), v.earned_bar))


def _others_length(voices: Ints, echoes: Ints, square: int, i: int) -> int:
    """Length of a weighted sum of vectors without the i-th; `square`: its squared length."""
    rest = int(voices @ echoes) - 2 * voices[i] * echoes[i] + voices[i] * voices[i] * square
    return floor_sqrt(max(rest, 1))


def _terms(v: View, i: int, voices: Ints, products: Ints, others_length: int) -> Ints:
    """Share (Q32) of each other seat in the cosine of i with the weighted sum of the others."""
    scale: Any = _length(v, i) * others_length
    terms = clip(((O - v.alike[i]) * voices * products << 16) // scale, -_TERM_LIMIT, _TERM_LIMIT)
    terms[i] = 0
    return terms


STEPS: Final[list[Step]] = [
    residual_norm, live,
    age, twin, twin_mean, twin_typical, twin_bar, alike, crowd,
    pay_voice, pay_echo, others_norm, agreed,
    new_voice, new_echo, new_others_norm, new_sum,
    residual_share, residual_share_median,
    earned, agreed_sum, newness, doubt, ratio, earned_bar, ratio_weight, ratio_median,
    gate, claim, claim_sum, had, worth, points, points_sum, pay, paid, received,
]  # fmt: skip
