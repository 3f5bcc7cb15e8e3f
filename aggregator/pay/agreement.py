"""Agreement and new agreement: with the weighted sum of the others, of updates and of residuals."""

from __future__ import annotations

from typing import Any, Final

import numpy as np

from aggregator.fixed import F, Ints, O, bound, clip, decayed, floor_sqrt
from aggregator.pay.twins import counts, length
from aggregator.steps import Step, View, matrix, vector

_LEAST_HEARD: Final = 4096
"""1/16 of a full say: were nobody heard, nobody could come to agree."""
_FULL_SAY: Final = 13107
"""0.2: average agreement from which on a seat has its full say."""
_TERM_LIMIT: Final = 1 << 34
"""4 in Q32; larger terms of a pair come from sums that cancel. Keeps running sums in 8 bytes."""


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
    if not counts(v, i):
        return np.asarray(kept)
    return np.asarray(kept + _terms(v, i, v.new_voice, v.residual_gram[i], v.new_others_norm[i]))


def _heard(v: View, i: int) -> int:
    """Part (O) of a full say, by average agreement before this round."""
    if not v.before_age[i]:
        return O
    full = max(_FULL_SAY * v.before_age[i] // O, 1)
    return int(_LEAST_HEARD + (O - _LEAST_HEARD) * bound(v.before_agreed_sum[i], 0, full) // full)


def _others_length(voices: Ints, echoes: Ints, square: int, i: int) -> int:
    """Length of a weighted sum of vectors without the i-th; `square`: its squared length."""
    rest = int(voices @ echoes) - 2 * voices[i] * echoes[i] + voices[i] * voices[i] * square
    return floor_sqrt(max(rest, 1))


def _terms(v: View, i: int, voices: Ints, products: Ints, others_length: int) -> Ints:
    """Share (Q32) of each other seat in the cosine of i with the weighted sum of the others."""
    scale: Any = length(v, i) * others_length
    terms = clip(((O - v.alike[i]) * voices * products << 16) // scale, -_TERM_LIMIT, _TERM_LIMIT)
    terms[i] = 0
    return terms


STEPS: Final[list[Step]] = [
    pay_voice, pay_echo, others_norm, agreed, new_voice, new_echo, new_others_norm, new_sum,
]  # fmt: skip
