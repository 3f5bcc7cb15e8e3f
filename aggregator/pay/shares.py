"""From agreement to pay: what each has a claim to, and what a round gives of it."""

from __future__ import annotations

from typing import Final

from aggregator.fixed import O, decayed, floor_sqrt, lower_median, ramp, weighted_quantile
from aggregator.pay.twins import counts, length
from aggregator.rule import MIN_SEATS
from aggregator.steps import Step, View, scalar, vector

# Fractions in Q16.
_ENERGY_START: Final = 16384
"""0.25 of the median residual share: an update whose rest is smaller is a copy of public vectors."""
_ENERGY_WIDTH: Final = 16384
_GATE_START: Final = 40632
"""0.62 of the ratio of new agreement to agreement that three fifths of the weight do not exceed."""
_GATE_WIDTH: Final = 6553
_FLOOR: Final = 3276
"""0.05: average agreement below which a seat is not judged by its ratio, but not paid."""
_SHARE: Final = 1 << 32
"""What a round gives out, in the units that received pay is counted in."""
_WORTH_BITS: Final = 32


@vector()
def residual_share(v: View, i: int) -> int:
    """Length of the residual over that of the update (O)."""
    return int(v.residual_norm[i] * O // length(v, i))


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
    return int(decayed(v.before_agreed_sum[i]) + (v.agreed[i] if counts(v, i) else 0))


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


@scalar
def doubt_median(v: View) -> int:
    """The most doubt (O) that a seat has the benefit of: the upper median. Were there no such limit, noise would pay:
    who adds much of it, or shares it with others, is in much doubt."""
    doubts = sorted(v.doubt[i] for i in v.included)
    return int(doubts[v.n // 2]) if v.n else 0


@vector()
def ratio(v: View, i: int) -> int:
    """New agreement, at best, over agreement (O): much the same for all who train, near 0 for who re-sends. Its doubt
    may be a quarter above what `gate` grants: where honest updates hardly agree, all that is new is doubt, and what
    ratios are compared with must not sink to what a re-sent file with a little noise reaches."""
    best = v.newness[i] + min(v.doubt[i], v.doubt_median * 5 // 4)
    return int(best * O // _agreement(v, i))


@scalar
def earned_median(v: View) -> int:
    """Lower median of what judged seats earned."""
    return lower_median(max(v.earned[i], 0) for i in v.included if is_judged(v, i))


@vector()
def ratio_weight(v: View, i: int) -> int:
    """Say of i in what ratios are compared with: what it earned, shared among twins; at most the median, since who
    sends the last delta again earns more than anybody until the ratio tells."""
    if not is_judged(v, i):
        return 0
    return int(min(max(v.earned[i], 0), v.earned_median) * O // v.crowd[i])


@scalar
def ratio_bar(v: View) -> int:
    """What ratios are compared with: the least that three fifths of the weight do not exceed. Where two of five
    re-send, the median is one of the least honest ones."""
    return weighted_quantile(((v.ratio[i], v.ratio_weight[i]) for i in v.included), 3, 5)


@vector()
def gate(v: View, i: int) -> int:
    """Part (O) of what was earned that counts, the benefit of the doubt given once more. Open where nothing can be
    said: a bar that is not positive tells nobody apart, and closing the gate for all would end in equal pay, for
    copies too."""
    if not v.age[i] or v.n < MIN_SEATS:
        return O
    if not is_judged(v, i):
        return 0
    if v.ratio_bar <= 0:
        return O
    at_best = (v.newness[i] + 2 * min(v.doubt[i], v.doubt_median)) * O // _agreement(v, i)
    return ramp(int(at_best * O // v.ratio_bar), _GATE_START, _GATE_WIDTH)


@vector()
def claim(v: View, i: int) -> int:
    """Part of everything paid so far, this round included, that i has a claim to."""
    return int(max(v.earned[i], 0) * v.gate[i] // v.crowd[i])


@vector()
def had(v: View, i: int) -> int:
    """What i has received of it before (`_SHARE` a round, decaying as claims do)."""
    return int(decayed(v.before_received[i]))


@scalar
def worth(v: View) -> int:
    """What a claim is worth (Q32): all that included seats had, and this round's share, over all claims."""
    claims = sum(v.claim[i] for i in v.included)
    return int((sum(v.had[i] for i in v.included) + _SHARE << _WORTH_BITS) // claims) if claims else 0


@vector()
def points(v: View, i: int) -> int:
    """Pay before scaling to the pot: a sixteenth of all that i has a claim to, as every round gives, and a twelfth
    of what is missing of the rest; who had too much before gets at least half of the former. Were all that is
    missing paid at once, the luck of one seed would decide a round's pay: each part of it makes seeds worth more."""
    whole = v.claim[i] * v.worth >> _WORTH_BITS
    now = whole // 16
    return int(max(now + (whole - now - v.had[i]) // 12, now // 2))


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


def is_judged(v: View, i: int) -> bool:
    """Whether the seat agrees enough for its ratio to mean anything."""
    return bool(v.agreed_sum[i] * O > _FLOOR * v.age[i])


def _agreement(v: View, i: int) -> int:
    """Summed agreement (O) that new agreement is compared with; at least the floor, and 1."""
    return int(max(v.agreed_sum[i], _FLOOR * v.age[i] // O, 1))


STEPS: Final[list[Step]] = [
    residual_share, residual_share_median,
    earned, agreed_sum, newness, doubt, doubt_median, ratio, earned_median, ratio_weight, ratio_bar,
    gate, claim, had, worth, points, points_sum, pay, paid, received,
]  # fmt: skip
