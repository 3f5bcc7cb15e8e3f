"""Rounds whose numbers do not follow from each other: each is drawn alone, in the range of honest rounds.

A step is a function of the numbers before it, whatever they are; many are tiny, so these reach limits
that real rounds seldom do.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from step_rounds import trees_of

from aggregator.fixed import Ints, ints, zeros
from aggregator.refute.trees import Case, Trees
from aggregator.rows import Shape
from aggregator.state import CARRIED, state_of, with_newcomers
from aggregator.steps import Step, View
from aggregator.trees import SCALARS, SLOTS
from tests.aggregator.sample_rounds import POSTER, UNIT

BITS: Mapping[str, int] = {
    # bits of a number; below zero: it has a sign
    "norm": 36, "norm_median": 36, "clipping": 14, "has_public": 1, "residual_gram": -70, "residual_norm": 36,
    "live": 1, "age": 20, "twin": -20, "twin_mean": -17, "twin_typical": -17, "twin_bar": 17,
    "alike": 16, "crowd": 26, "pay_voice": 17, "pay_echo": -96, "others_norm": 62, "agreed": -18,
    "new_voice": 18, "new_echo": -96, "new_others_norm": 62, "new_sum": -42, "residual_share": 20,
    "residual_share_median": 20, "earned": -24, "agreed_sum": -24, "newness": -36, "doubt": 36, "ratio": -40,
    "doubt_median": 36, "earned_median": 24, "ratio_weight": 24, "ratio_bar": -40, "gate": 16, "claim": 24, "had": 36,
    "worth": 68, "points": 36, "points_sum": 46, "pay": 96, "received": 36,
}  # fmt: skip
DIVISORS = {"crowd", "others_norm", "new_others_norm"}
"""Never zero."""


def random_trees(seats: int, rng: np.random.Generator) -> Trees:
    """A round drawn at random, above another. About a fifth of the seats is missing, a fifth new."""
    shape = Shape(1, seats)
    included = [seat for seat in range(seats) if rng.random() < 0.8] or [0]
    first = [bool(rng.random() < 0.2) for _ in range(seats)]
    below = _view(shape, included, rng)
    state = with_newcomers(state_of(below), ints([int(x) for x in first]))
    view = _view(shape, included, rng)
    view.__dict__.update({f"before_{name}": values for name, values in state.items()})
    present = {
        row for row in range(shape.rows) if row != shape.reference and (row >= seats or row in included)
    }
    case = Case(
        shape=shape, poster=POSTER, seed=bytes(32), included=frozenset(included), present=frozenset(present),
        first=first, sealed=[True] * seats, start=False, merged=True, to_pay=view.to_pay, unit=UNIT, paid=0,
    )  # fmt: skip
    return trees_of(case, view, trees_of(case, below, None, None).steps, None)


def _view(shape: Shape, included: list[int], rng: np.random.Generator) -> View:
    seats = range(shape.seats)
    there = np.array([int(seat in included) for seat in seats], dtype=object)
    gram = _numbers(-70, (shape.rows, shape.rows), rng)
    rows = [
        row for row in range(shape.rows) if row == shape.reference or (row < shape.seats and not there[row])
    ]
    gram[rows] = 0
    gram[:, rows] = 0
    view = View(
        shape=shape, included=included, n=len(included), is_included=there, gram=gram,
        to_pay=int(_numbers(96, (1,), rng)[0]),
    )  # fmt: skip
    for step in SLOTS:
        setattr(view, step.name, _entries(step, shape, there, rng))
    for step in SCALARS:
        setattr(view, step.name, int(_numbers(BITS.get(step.name, 0), (1,), rng)[0]))
    _meet_limits(view, rng)
    return view


def _entries(step: Step, shape: Shape, there: Ints, rng: np.random.Generator) -> Ints:
    """All entries of a step; zero outside included seats unless it is carried."""
    if step.kind == "vector":
        values = _numbers(BITS.get(step.name, 0), (step.rows(shape.seats),), rng)
        values = np.maximum(values, 1) if step.name in DIVISORS else values
        return values if step.carried else np.asarray(values * there)
    values = _numbers(BITS.get(step.name, 0), (shape.seats, step.length(shape.seats)), rng)
    if step.carried:
        return values
    return np.asarray(values * there[:, None] * (there if step.name in BITS else 1))


def _meet_limits(view: View, rng: np.random.Generator) -> None:
    """Puts some seats exactly on the limits of what is live, judged, a twin, or let through a gate."""
    for i in view.included:
        if rng.random() < 0.3:
            view.norm[i] = 100 * int(rng.integers(1, 50))
            view.residual_norm[i] = 3 * view.norm[i] // 100 + int(rng.integers(0, 2))
            view.norm_median = 1000 * view.norm[i] - int(rng.integers(0, 2))
        if rng.random() < 0.3:
            rounds = int(rng.integers(0, 16))
            view.age[i], view.agreed_sum[i] = rounds << 16, 3276 * rounds
            view.earned[i] = -int(rng.integers(0, 2))


def _numbers(bits: int, shape: tuple[int, ...], rng: np.random.Generator) -> Ints:
    """Numbers of some random length up to `bits` bits, half of the time of at most two."""
    out, most = zeros(*shape), abs(bits)
    length = int(rng.integers(0, min(most, 2) + 1)) if rng.random() < 0.5 else int(rng.integers(0, most + 1))
    for place in np.ndindex(*shape):
        value = int.from_bytes(rng.bytes(16), "big") >> 128 - length if length else 0
        out[place] = -value if bits < 0 and rng.random() < 0.5 else value
    return out


assert {step.name for step in CARRIED} - {"kinship", "strikes", "advice"} <= set(BITS)
