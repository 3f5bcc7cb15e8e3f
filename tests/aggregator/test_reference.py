"""The owner's reference: what it decides, and what it cannot."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from sample_rounds import decided, random_sketch

from aggregator import novelty, pay
from aggregator.fixed import F
from aggregator.rows import COLUMNS, Shape
from aggregator.rule import HOSTILE, STEPS, STRIKES
from aggregator.state import state_of
from aggregator.steps import View

Sketch = NDArray[np.int32]
PAID = [step.name for step in (*novelty.STEPS, *pay.STEPS)]


def with_reference(sketch: Sketch, row: NDArray[np.float64] | Sequence[int]) -> Sketch:
    """The sketch with this reference."""
    out = sketch.copy()
    out[(len(sketch) - 4) // 3] = np.clip(row, -(2**31), 2**31 - 1)
    return out


def played(sketches: Sequence[Sketch], seats: int) -> list[View]:
    """Rounds that follow each other, all seats in all."""
    shape, views = Shape(1, seats), list[View]()
    for number, sketch in enumerate(sketches):
        before = views[-1] if views else None
        state, reputation = (state_of(before), list(before.reputation)) if before else (None, None)
        views.append(decided(sketch, shape, state, reputation, first=range(seats) if not number else ()))
    return views


def strange(kind: str, sketch: Sketch, seats: int, rng: np.random.Generator) -> NDArray[np.float64]:
    """A reference that serves its owner."""
    rows = sketch[:seats].astype(float)
    return {
        "against all": -rows.sum(axis=0),
        "against one": -100 * rows[0],
        "one's own": rows[seats - 1],
        "random": rng.normal(0, 1000, COLUMNS),
        "largest": np.where(rng.random(COLUMNS) < 0.5, -(2.0**31), 2.0**31 - 1),
    }[kind]


KINDS = st.sampled_from(["against all", "against one", "one's own", "random", "largest"])


# ----- what it decides -----


@pytest.mark.parametrize("seats", [1, 3, 4, 9])
def test_a_reference_of_zeros__changes_no_number(seats: int) -> None:
    sketch = random_sketch(Shape(1, seats), np.random.default_rng(seats))
    sketch[seats] = 0
    shape = Shape(1, seats)
    views = [decided(sketch, shape), decided(with_reference(sketch, np.zeros(COLUMNS)), shape)]

    for step in STEPS:
        one, two = (np.asarray(getattr(view, step.name)) for view in views)
        assert (one == two).all(), step.name
    assert not views[0].trust.any()


def test_least_reference__counts_from_one_on() -> None:
    """A length of one is not zero."""
    shape = Shape(1, 5)
    sketch = random_sketch(shape, np.random.default_rng(0))
    one = np.zeros(COLUMNS)
    one[3] = 1
    view = decided(with_reference(sketch, one), shape)

    assert [bool(x) for x in view.trust] == [True] * 5
    assert (view.voice == 7 * decided(sketch, shape).voice).all()


def test_direction_with_a_reference__is_seven_parts_seats_and_three_the_reference() -> None:
    """Agreement with all others and the reference, in doubles."""
    shape, rng = Shape(1, 6), np.random.default_rng(1)
    sketch = with_reference(random_sketch(shape, rng), rng.normal(0, 50, COLUMNS))
    view = decided(sketch, shape)
    unit = sketch[:7] / np.linalg.norm(sketch[:7].astype(float), axis=1)[:, None]
    says = view.voice[:6].astype(float)

    for i in range(6):
        others = np.delete(np.arange(6), i)
        direction = says[others] @ unit[others] + 3 / 7 * says.sum() * unit[6]
        wanted = unit[i] @ direction / np.linalg.norm(direction)
        assert view.agreement[i] / F == pytest.approx(wanted, abs=2e-3)


def test_an_update_that_points_away_from_the_reference__weighs_nothing() -> None:
    shape, rng = Shape(1, 6), np.random.default_rng(2)
    sketch = random_sketch(shape, rng)
    view = decided(with_reference(sketch, -sketch[2].astype(float)), shape)

    assert (view.trust[2], view.presence[2], view.weight[2]) == (-F, 0, 0)
    assert (np.asarray([view.weight[i] > 0 for i in range(6)]) <= (view.trust > 0)).all()


@pytest.mark.parametrize("seats", [1, 2, 3])
@settings(max_examples=20, deadline=None)
@given(KINDS, st.integers(0, 2**32))
def test_fewer_than_four_seats__weigh_the_same_with_any_reference(seats: int, kind: str, seed: int) -> None:
    rng, shape = np.random.default_rng(seed), Shape(1, seats)
    sketch = random_sketch(shape, rng)
    view = decided(with_reference(sketch, strange(kind, sketch, seats, rng)), shape)

    assert view.weight.tolist() == [65535 // seats] * seats
    assert view.reputation.tolist() == view.before_reputation.tolist()


# ----- what it cannot -----


@settings(max_examples=30, deadline=None)
@given(st.integers(1, 9), st.lists(KINDS, min_size=3, max_size=3), st.integers(0, 2**32))
def test_pay__does_not_depend_on_the_reference(seats: int, kinds: list[str], seed: int) -> None:
    """Not over rounds either: no step of pay, nor what it carries, differs by a bit."""
    rng, shape = np.random.default_rng(seed), Shape(1, seats)
    plain = [random_sketch(shape, rng) for _ in kinds]
    owned = [with_reference(s, strange(k, s, seats, rng)) for s, k in zip(plain, kinds, strict=True)]

    for one, two in zip(played(plain, seats), played(owned, seats), strict=True):
        for name in PAID:
            assert (np.asarray(getattr(one, name)) == np.asarray(getattr(two, name))).all(), name


@settings(max_examples=30, deadline=None)
@given(st.integers(4, 9), st.lists(KINDS, min_size=5, max_size=5), st.integers(0, 2**32))
def test_strikes__only_where_more_than_half_of_the_seats_point_away(
    seats: int, kinds: list[str], seed: int
) -> None:
    """Kinship reads neither the reference nor reputations, so no owner can make a seat pay whom half resemble."""
    rng, shape = np.random.default_rng(seed), Shape(1, seats)
    plain = [random_sketch(shape, rng, 300) for _ in kinds]
    owned = [with_reference(s, strange(k, s, seats, rng)) for s, k in zip(plain, kinds, strict=True)]

    for one, two in zip(played(plain, seats), played(owned, seats), strict=True):
        assert (one.kinship == two.kinship).all()
        away = 2 * (two.kinship < 0).sum(axis=1) > seats
        assert not (two.strikes > 0)[~away].any()


def around(seats: int, rounds: int, hostile: int) -> list[Sketch]:
    """Rounds of a common direction with noise; the last `hostile` seats send its opposite."""
    rng, shape, out = np.random.default_rng(3), Shape(1, seats), []
    for _ in range(rounds):
        sketch = random_sketch(shape, rng, 300)
        common = rng.normal(0, 500, COLUMNS)
        sketch[:seats] += common.astype(np.int32)
        sketch[seats - hostile : seats] -= 2 * common.astype(np.int32)
        out.append(sketch)
    return out


def test_an_owner_against_one_seat__takes_its_weight_and_no_unit() -> None:
    """The owner does push it below the limit of strikes round after round: only the others keep it from paying."""
    rng, shape, sketches = np.random.default_rng(3), Shape(1, 7), []
    for _ in range(5):
        rows = rng.normal(0, 1000, (shape.rows, COLUMNS)) + 0.5 * rng.normal(0, 1000, COLUMNS)
        sketches.append(with_reference(rows.astype(np.int32), -rows[0]))
    views = played(sketches, 7)

    for view in views:
        assert view.agreement[0] <= -HOSTILE
        assert view.agreement_median > 0
        assert view.weight[0] == 0
        assert not view.strikes.any()


def test_strikes_of_whom_most_seats_point_away_from__count_with_a_reference_too() -> None:
    sketches = around(7, 4, 2)
    views = played([with_reference(s, s[0].astype(float)) for s in sketches], 7)

    assert views[-1].strikes.tolist() == [0, 0, 0, 0, 0, 4, 4]
    assert [int(view.penalty[6]) for view in views] == [0, 0, 1, 1]


# ----- strikes of rounds that nobody can say anything about -----


def test_strikes_while_the_median_agreement_is_not_positive__start_afresh() -> None:
    """Two camps that point away from each other: most disagree with the sum, so nobody pays."""
    views = played([*around(9, 2, 2), *around(9, 3, 4)], 9)
    clear = [view.agreement_median > 0 for view in views]

    assert clear[:2] == [True, True]
    assert views[1].strikes[8] == 2
    for view, is_clear in zip(views, clear, strict=True):
        assert is_clear or not view.strikes.any()
        assert all(view.agreement[i] <= -HOSTILE for i in range(9) if view.strikes[i])


@pytest.mark.parametrize("by", [-1, 0, 1])
def test_strikes_at_their_limits__agreement_median_and_half_of_the_seats(by: int) -> None:
    """One step beside each limit, all else as in a round in which seat 6 of 7 is struck."""
    *_, view = played(around(7, STRIKES, 2), 7)
    step = next(step for step in STEPS if step.name == "strikes")
    assert step.entry(view, 6) == STRIKES

    agreement, median, kinship = view.agreement.copy(), view.agreement_median, view.kinship.copy()
    view.agreement[6] = -HOSTILE + by
    assert step.entry(view, 6) == (STRIKES if by <= 0 else 0)
    view.agreement = agreement
    view.agreement_median = by
    assert step.entry(view, 6) == (STRIKES if by > 0 else 0)
    view.agreement_median = median
    view.kinship[6, :6] = [-1] * (3 + by) + [0] * (3 - by)  # more than 3.5 of 7 have to point away
    assert step.entry(view, 6) == (STRIKES if by > 0 else 0)
    view.kinship = kinship
    assert step.entry(view, 6) == STRIKES
