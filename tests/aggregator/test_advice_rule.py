"""Advice as the rule moves it, and the proof of it that a result document carries."""

from __future__ import annotations

import numpy as np
import pytest
from sample_rounds import decided, random_sketch

from aggregator.rows import COLUMNS, Shape
from aggregator.rule import FULL_WEIGHT, MOST_RATE, STEPS, F
from aggregator.state import empty_state, read_state, state_bytes, state_of
from aggregator.steps import View
from aggregator.trees import SLOTS, chunk_bits, step_roots, steps_root
from market.advice import LEAST, MOST, SLOT, START, checked_advice, proof_of, slot_root
from market.errors import DocumentError, UpdateError
from market.merkle import clog2

ADVICE = next(step for step in STEPS if step.name == "advice")


def view(seats: int = 5, scale: float = 1000, before: tuple[int, ...] = START) -> View:
    shape = Shape(1, seats)
    state = {**empty_state(seats), "advice": np.array(before, dtype=object)}
    return decided(random_sketch(shape, np.random.default_rng(seats), scale), shape, state)


def test_advice_before_the_first_result__is_the_description() -> None:
    assert tuple(empty_state(3)["advice"]) == START == (F, F, F, FULL_WEIGHT)


def turned(made: View, cosine: int) -> View:
    """The same round after two global deltas with that cosine, in F."""
    last, older = made.shape.delta(0), made.shape.delta(1)
    made.root[[last, older]] = 128  # the root of F
    made.gram[last, older] = cosine
    return made


@pytest.mark.parametrize(
    ("cosine", "before", "after"),
    [
        (10_650, F, F),
        (10_651, F, F + F // 8),
        (10_651, 3 * F, 3 * F + 3 * F // 8),
        (10_651, MOST_RATE - 1, MOST_RATE),
        (F, MOST_RATE, MOST_RATE),
        (4915, 20_000, 20_000),
        (4914, 20_000, 18_750),
        (4914, F + 1, F),
        (-F, F, F),
    ],
)
def test_learning_rate__grows_while_the_model_goes_straight_and_shrinks_when_it_turns(
    cosine: int, before: int, after: int
) -> None:
    made = turned(view(before=(F, before, F, FULL_WEIGHT)), cosine)

    assert [ADVICE.entry(made, k) for k in range(4)] == [F, after, F, FULL_WEIGHT]


def test_learning_rate_at_its_most__is_one_that_trainers_follow() -> None:
    assert LEAST <= F < MOST_RATE <= MOST


@pytest.mark.parametrize("cosine", [-F, F])
@pytest.mark.parametrize("age", [0, 1])
def test_learning_rate_after_a_round_that_changed_nothing__stays(age: int, cosine: int) -> None:
    made = turned(view(before=(F, 20_000, F, FULL_WEIGHT)), cosine)
    made.root[made.shape.delta(age)] = 0

    assert ADVICE.entry(made, 1) == 20_000


def test_learning_rate_with_fewer_than_four_seats__stays() -> None:
    shape = Shape(1, 3)
    rows = np.tile(np.arange(1, COLUMNS + 1, dtype=np.int32), (shape.rows, 1))
    made = decided(rows, shape, {**empty_state(3), "advice": np.array([F, 20_000, F, 9], dtype=object)})

    assert made.gram[shape.delta(0), shape.delta(1)] > 0  # with four seats the rate would grow
    assert tuple(made.advice) == (F, 20_000, F, 9)


def test_advice_of_a_round_of_newcomers__is_carried_all_the_same() -> None:
    """A new holder of seat 1 resets what is known of seat 1, not entry 1 of the advice."""
    shape = Shape(1, 5)
    rows = np.tile(np.arange(1, COLUMNS + 1, dtype=np.int32), (shape.rows, 1))
    first = decided(rows, shape, first=range(5))
    second = decided(rows, shape, state_of(first), first=range(5))

    assert (first.advice[1], second.advice[1]) == (F + 2048, F + 2048 + 2304)


@pytest.mark.parametrize("seats", [1, 4, 300])
def test_state_document__carries_four_numbers_of_advice(seats: int) -> None:
    state = {**empty_state(seats), "advice": np.array([1, -2, 3, 2**40], dtype=object)}
    data = state_bytes(state)

    assert read_state(data, seats)["advice"].tolist() == [1, -2, 3, 2**40]
    with pytest.raises(DocumentError, match="E183"):
        read_state(data[:-8], seats)


# ----- proof -----


@pytest.mark.parametrize("seats", [1, 2, 5, 16, 300])
def test_checked_advice__is_what_the_steps_tree_holds(seats: int) -> None:
    made = view(seats)
    slots = step_roots(made)

    assert SLOTS[SLOT - 1].name == "advice"
    assert checked_advice([*map(int, made.advice)], proof_of(slots), steps_root(slots), seats) == tuple(
        made.advice
    )


def test_checked_advice_of_the_most_seats__knows_the_depth_of_a_slot() -> None:
    """Without a tree of a thousand seats: the levels that it climbs inside the slot."""
    for seats in (287, 288, 289, 512, 1023, 1024):
        shape = Shape(1, seats)
        bits = clog2(seats) + clog2(-(-max(9216, 32 * seats) // 256))
        assert bits == clog2(seats) + chunk_bits(shape)


def test_checked_advice_of_anything_else__is_refused() -> None:
    made = view()
    slots = step_roots(made)
    values, proof, root = [*map(int, made.advice)], proof_of(slots), steps_root(slots)

    wrong = [
        (values[:3], proof),
        ([*values, 0], proof),
        ((), ()),
        (values, proof[:-1]),
        (values, [*proof, proof[0]]),
        (values, proof[::-1]),
        *(([*values[:k], values[k] + 1, *values[k + 1 :]], proof) for k in range(4)),
        ([*values[:2], -1, values[3]], proof),
    ]
    for said, hashes in wrong:
        with pytest.raises(UpdateError, match="E113 advice"):
            checked_advice(said, hashes, root, 5)
    with pytest.raises(UpdateError, match="E113 advice"):
        checked_advice(values, proof, root, 6000)


@pytest.mark.parametrize("k", [0, 1, 2])
@pytest.mark.parametrize(("value", "follows"), [(4095, False), (4096, True), (65_536, True), (65_537, False)])
def test_checked_advice_that_no_honest_result_posts__is_refused(k: int, value: int, follows: bool) -> None:
    """A liar's result holds it, until somebody refutes it."""
    values = [*START]
    values[k] = value
    slots = [b"\x11" * 32] * SLOT + [slot_root(values, 5)] + [b"\x11" * 32] * (63 - SLOT)

    if follows:
        assert checked_advice(values, proof_of(slots), steps_root(slots), 5) == tuple(values)
    else:
        with pytest.raises(
            UpdateError, match=r"E113 advice: got factors .* honest ones lie in 4096 \.\. 65536"
        ):
            checked_advice(values, proof_of(slots), steps_root(slots), 5)
