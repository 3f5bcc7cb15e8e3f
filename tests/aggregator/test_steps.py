"""The form of the program: every entry can be recomputed alone, fits its width, and has its place in a tree."""

import numpy as np
import pytest
from sample_rounds import decided, random_sketch

from aggregator.fixed import ints
from aggregator.rows import COLUMNS, Shape
from aggregator.state import CARRIED, STEPS, empty_state, read_state, state_bytes, state_of, with_newcomers
from aggregator.steps import View, fits, recompute
from aggregator.trees import (
    SCALARS,
    SLOTS,
    carried_roots,
    entries_bytes,
    gram_root,
    start_step_roots,
    state_roots,
    step_roots,
    steps_root,
)
from market.errors import DocumentError
from market.merkle import ABSENT, clog2, leaf_hash, root_of

SHAPE = Shape(1, 6)


def two_rounds(included: list[int] | None = None) -> View:
    rng = np.random.default_rng(0)
    first = decided(random_sketch(SHAPE, rng), SHAPE, first=range(6))
    return decided(random_sketch(SHAPE, rng), SHAPE, state_of(first), included=included)


VIEW = two_rounds([0, 1, 2, 3, 5])


@pytest.mark.parametrize("step", STEPS, ids=lambda step: step.name)
def test_recompute_one_entry__equals_the_whole(step) -> None:
    whole = getattr(VIEW, step.name)
    seats = range(step.rows(6)) if step.carried else VIEW.included
    for seat in seats:
        alone = recompute(STEPS, VIEW, step.name, seat)
        assert alone == whole if step.kind == "scalar" else np.all(alone == whole[seat])


@pytest.mark.parametrize("step", STEPS, ids=lambda step: step.name)
def test_step__reads_only_earlier_steps(step) -> None:
    """Later steps are taken away before the entry is computed again."""
    earlier = STEPS[: STEPS.index(step)]
    later = {other.name for other in STEPS} - {other.name for other in earlier}
    view = View(**{name: value for name, value in vars(VIEW).items() if name not in later})

    assert np.all(step.compute(view) == getattr(VIEW, step.name))


@pytest.mark.parametrize("step", STEPS, ids=lambda step: step.name)
def test_step__holds_exact_integers_of_its_shape(step) -> None:
    value = getattr(VIEW, step.name)
    shapes = {"scalar": (), "vector": (step.rows(6),), "matrix": (6, step.length(6))}

    assert np.shape(value) == shapes[step.kind]
    assert {type(x) for x in np.asarray(value, dtype=object).ravel()} == {int}
    assert step.carried or step.kind == "scalar" or not np.any(value[4])


def test_rows_of_many_seats__equal_those_one_by_one() -> None:
    """More seats than are computed at once, some of them not in."""
    shape = Shape(1, 70)
    included = [seat for seat in range(70) if seat % 9]
    view = decided(random_sketch(shape, np.random.default_rng(0)), shape, included=included)

    for step in (step for step in STEPS if step.whole):
        whole = getattr(view, step.name)
        assert not np.any(whole[9])
        assert all(np.all(recompute(STEPS, view, step.name, seat) == whole[seat]) for seat in (1, 62, 64, 69))


def test_view_of_an_unknown_step__says_so() -> None:
    with pytest.raises(AttributeError, match="'pay' is not known yet"):
        View().pay  # noqa: B018


@pytest.mark.parametrize("fill", ["max", "min", "mixed", "one", "tiny and huge"])
@pytest.mark.parametrize("n", [1, 4, 8])
def test_entries_at_the_limits_of_int32__fit_their_widths(fill: str, n: int) -> None:
    shape, rng = Shape(1, n), np.random.default_rng(1)
    extremes = np.array([-(2**31), 2**31 - 1], np.int64)
    sketches = {
        "max": np.full((shape.rows, COLUMNS), 2**31 - 1),
        "min": np.full((shape.rows, COLUMNS), -(2**31)),
        "mixed": rng.choice(extremes, (shape.rows, COLUMNS)),
        "one": np.eye(shape.rows, COLUMNS),
        "tiny and huge": np.where(np.arange(shape.rows) % 2, 1, 2**31 - 1)[:, None] * np.ones(COLUMNS),
    }
    state, reputation = None, None
    for number in range(4):
        sketch = sketches[fill].astype(np.int32)
        view = decided(sketch, shape, state, reputation, first=range(n) if not number else ())
        state, reputation = state_of(view), list(view.reputation)
        assert all(fits(getattr(view, step.name), step.width) for step in STEPS)
        step_roots(view)


@pytest.mark.parametrize(("width", "limit"), [(4, 2**31), (8, 2**63), (16, 2**127)])
def test_entries_bytes__are_big_endian_up_to_the_limit(width, limit: int) -> None:
    values = ints([0, 1, -1, limit - 1, -limit, 2**30, -(2**30)])

    assert [row.tobytes() for row in entries_bytes(values, width)] == [
        int(x).to_bytes(width, "big", signed=True) for x in values
    ]
    for wrong in (limit, -limit - 1):
        with pytest.raises(OverflowError):
            entries_bytes(ints([wrong]), width)


def naive_steps_root(view: View) -> bytes:
    """The layout of `market.merkle`, leaf by leaf."""
    longest = max(-(-step.length(6) * step.width // 256) for step in STEPS)
    rows, chunks = clog2(6), clog2(max(longest, -(-len(SCALARS) * 16 // 256)))
    leaves = [ABSENT] * (1 << 6 + rows + chunks)

    def put(slot: int, row: int, values, width: int) -> None:
        data = b"".join(int(x).to_bytes(width, "big", signed=True) for x in values)
        data += bytes(-len(data) % 256)
        for chunk in range(len(data) // 256):
            index = (slot << rows | row) << chunks | chunk
            leaves[index] = leaf_hash(index, data[256 * chunk : 256 * chunk + 256])

    put(0, 0, [getattr(view, step.name) for step in SCALARS], 16)
    for slot, step in enumerate(SLOTS, start=1):
        value = getattr(view, step.name)
        if step.kind == "vector":
            put(slot, 0, value, step.width)
        else:
            for seat in range(6) if step.carried else view.included:
                put(slot, seat, value[seat], step.width)
    return root_of(leaves, 6 + rows + chunks)


def test_steps_root__is_the_written_layout() -> None:
    assert steps_root(step_roots(VIEW)) == naive_steps_root(VIEW)


def test_gram_root__is_the_written_layout() -> None:
    present = [*VIEW.included, *range(SHAPE.seats + 1, SHAPE.rows)]
    bits = SHAPE.row_bits
    leaves = [ABSENT] * (1 << 2 * bits)
    for i in present:
        for j in present:
            index = i << bits | j
            leaves[index] = leaf_hash(index, int(VIEW.gram[i, j]).to_bytes(16, "big", signed=True))

    assert gram_root(VIEW.gram, present, SHAPE) == root_of(leaves, 2 * bits)


def test_state_document__is_read_back_exactly() -> None:
    data = state_bytes(state_of(VIEW))
    again = read_state(data, 6)

    assert len(data) == 8 * (
        4 + sum(6 if step.kind == "vector" else 36 for step in CARRIED if step.name != "advice")
    )
    assert all((again[step.name] == getattr(VIEW, step.name)).all() for step in CARRIED)
    assert state_roots(again, SHAPE) == carried_roots(step_roots(VIEW))


@pytest.mark.parametrize("change", [-1, 1, 8])
def test_state_document_of_another_length__is_refused(change: int) -> None:
    data = state_bytes(empty_state(6)) + bytes(8)
    with pytest.raises(DocumentError, match="E183 state: got"):
        read_state(data[: len(data) - 8 + change], 6)


def test_state_with_one_entry_changed__has_another_root() -> None:
    data = bytearray(state_bytes(state_of(VIEW)))
    data[100] ^= 1

    assert state_roots(read_state(bytes(data), 6), SHAPE) != carried_roots(step_roots(VIEW))


def test_start_roots__are_those_of_the_empty_state() -> None:
    roots = start_step_roots(SHAPE, empty_state(6))

    assert carried_roots(roots) == state_roots(empty_state(6), SHAPE)
    assert len(roots) == 64
    assert ABSENT not in roots


def test_with_newcomers__resets_rows_and_columns_and_leaves_the_rest() -> None:
    state = state_of(VIEW)
    fresh = with_newcomers(state, ints([0, 0, 1, 0, 0, 0]))

    assert fresh["advice"].tolist() == state["advice"].tolist()
    for step in (step for step in CARRIED if step.name != "advice"):
        assert not np.any(fresh[step.name][2])
        if step.kind == "matrix":
            assert not fresh[step.name][:, 2].any()
            assert (fresh[step.name][:2, :2] == state[step.name][:2, :2]).all()
