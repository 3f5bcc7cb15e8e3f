"""Rounds for the checks of the rule: with sketches, after a FLAT round, with numbers at the limits of steps."""

from copy import copy
from dataclasses import replace

import numpy as np
from step_rounds import agreeing, rounds, trees_of

from aggregator import novelty, rule
from aggregator.refute.proof_tree import Group, Leaves, ProofTree
from aggregator.refute.trees import Trees, steps_tree
from aggregator.rows import COLUMNS, Shape
from aggregator.rule import F
from aggregator.steps import recompute
from tests.aggregator.sample_rounds import decided

STEPS = rule.STEPS + novelty.STEPS
NAMES = [step.name for step in STEPS]
MATRICES = [step.name for step in STEPS if step.kind == "matrix"]


def sketched(trees: Trees, d: int, rng: np.random.Generator) -> Trees:
    """The same round with running sums of files of `d` coefficients; all but the last sums are arbitrary."""
    case = replace(trees.case, shape=Shape(d, trees.case.shape.seats))
    shape, sketch = case.shape, trees.view.sketch  # type: ignore[union-attr]

    def row(number: int) -> ProofTree | None:
        if number not in case.present:
            return None
        sums = rng.integers(-(2**31), 2**31, (shape.segments, COLUMNS))
        sums[-1] = sketch[number]
        data = sums.astype(">i4").view(np.uint8).reshape(shape.segments, -1)
        return Leaves(shape.segment_bits, number << shape.segment_bits, data, tag=case.poster)

    tree = Group(shape.row_bits, shape.segment_bits, shape.rows, row, tag=case.poster, kept=shape.rows)
    return replace(trees, case=case, sketches=tree)


def flat_before(seats: int, rng: np.random.Generator) -> Trees:
    """A round on the start in which no seat is new."""
    *_, other = rounds(seats, 1, agreeing, rng, missing=0.0)
    view = decided(other.view.sketch.astype(np.int32), other.case.shape)
    case = replace(other.case, first=[False] * seats, sealed=[True] * seats)
    return sketched(trees_of(case, view, None, None), 1, rng)


POOL: dict[str, list[int]] = {
    "norm": [0, 1, 2, 1000, 2**36 - 1],
    "cosine": [-F, -1, 0, 1, 9, F],
    "kinship": [-F, -1, 0, 1, 9, F],
    "kinship_bar": [0, 1, 9, F],
    "cosine_bar": [0, 1, 9, F],
    "coherence_past": [0, 1, 700, F],
    "coherence_now": [0, 1, 700, F],
    "discount": [0, 1, 999, F],
    "standing": [0, 1, 63, F],
    "pull": [-(2**30), -1, 0, F * F, 2**30],
    "outlook": [-(2**30), -1, 0, 1, F * F, 2**30],
    "outlook_median": [-F, -1, 0, 1, 9, 600, F],
    "trust": [-F, -1, 0, 1, 9, F],
    "voice": [0, 1, 77, F, 7 * F],
    "echo": [-(2**30), -1, 0, F * F, 2**30],
    "agreement": [-F, -3278, -3277, -3276, -820, -819, -818, 0, 600, F],
    "presence": [0, 1, F],
    "reputation": [-F, -1, 0, 1, F],
    "merit": [0, 1, F],
    "weight": [0, 1, 65535],
    "clipping": [0, 1, F],
    "coefficient": [0, 65535],
    "strikes": [0, 1, 2, 3, 4],
    "own_fit": [-(2**62), -1, 0, 1, 2**62],
    "candidate": [0, 1, 2, 2**69],
    "fit": [-(2**63), -(2**20), 0, 1, 2**63],
    "gathered": [-(2**31), -1, 0, 1, 2**31 - 1],
    "residual": [-(2**31), -1, 0, 1, 2**31 - 1],
    "norm_median": [0, 1, 2**36 - 1],
    "coherence_past_median": [0, 1, 700, F],
    "coherence_now_median": [0, 1, 700, F],
    "pull_median": [-F, -1, 0, 1, 9, 600, F],
    "echo_sum": [-(2**40), 0, 1, 2**44],
    "agreement_median": [-F, 0, 1, 3276, 3277, 3278, F],
    "merit_sum": [0, 1, 9 * F],
}
"""Numbers at the limits of what steps may be: they need not follow from each other."""


def with_any_inputs(trees: Trees, rng: np.random.Generator) -> Trees:
    """The same round with other numbers in most steps; entries of seats that are not included stay zero."""
    view, seats = copy(trees.view), sorted(trees.case.included)
    for name, pool in POOL.items():
        values = getattr(view, name)
        if isinstance(values, int):
            setattr(view, name, int(rng.choice(np.array(pool, dtype=object))))
            continue
        values = values.copy()
        square = values.ndim == 2 and values.shape[1] == len(values)
        places_ = np.ix_(seats, seats) if square else seats
        values[places_] = rng.choice(np.array(pool, dtype=object), values[places_].shape)
        setattr(view, name, values)
    return replace(trees, steps=steps_tree(view, []), view=view)


def recomputed(trees: Trees, name: str, rng: np.random.Generator) -> tuple[int, int, int]:
    """Some entry (i, j) of a step as Python computes it from the inputs that are posted."""
    i, j = int(rng.choice(sorted(trees.case.included))), 0
    i = int(rng.integers(len(trees.view.advice))) if name == "advice" else i
    value = recompute(STEPS, trees.view, name, i)
    if name in MATRICES:
        j = int(rng.integers(len(value)))
        value = value[j]
    return i, j, int(value)
