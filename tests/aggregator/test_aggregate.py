"""Second pass: exact to the bit at every limit, and the layout of columns."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aggregator.aggregate import Range, aggregate, block_leaves, moved, rounded, scaled_sum, summed
from aggregator.rows import Shape
from market.codec import MODEL, UPDATE, decode, encode, model_root, update_root
from market.errors import UpdateError
from market.merkle import ABSENT, TreeBuilder, depth_for, leaf_hash, root_of

INT16 = st.integers(-32768, 32767)


@settings(deadline=None)  # the first example compiles
@given(st.lists(st.tuples(INT16, st.integers(0, 65535)), min_size=1, max_size=20))
def test_delta_of_any_updates__is_exact(terms: list[tuple[int, int]]) -> None:
    """Coefficients are scaled down to sum to at most 65,535, as the rule gives them."""
    total = sum(c for _, c in terms) or 1
    coefficients = [c * 65535 // total for _, c in terms] if total > 65535 else [c for _, c in terms]
    sums = np.zeros(1, np.int32)
    for (value, _), coefficient in zip(terms, coefficients, strict=True):
        scaled_sum(np.array([value], np.int16), coefficient, sums)
    exact = sum(c * u for (u, _), c in zip(terms, coefficients, strict=True))

    assert rounded(sums).tolist() == [(exact + 2**15) >> 16]


@pytest.mark.parametrize(("value", "delta"), [(32767, 32767), (-32768, -32767), (1, 1), (-1, -1), (0, 0)])
def test_delta_of_the_full_weight__fits_int16(value: int, delta: int) -> None:
    sums = np.zeros(1, np.int32)
    scaled_sum(np.array([value], np.int16), 65535, sums)

    assert rounded(sums).tolist() == [delta]


@pytest.mark.parametrize(
    ("model", "delta", "after"),
    [
        (2**31 - 1, 1, 2**31 - 1),
        (2**31 - 2, 1, 2**31 - 1),
        (2**31 - 3, 1, 2**31 - 2),
        (-(2**31), -1, -(2**31)),
        (-(2**31) + 1, -1, -(2**31)),
        (-(2**31), 1, -(2**31) + 1),
        (2**31 - 1, -32768, 2**31 - 1 - 32768),
    ],
)
def test_moved__saturates(model: int, delta: int, after: int) -> None:
    assert moved(np.array([model], np.int32), np.array([delta], np.int16)).tolist() == [after]


@pytest.mark.parametrize(
    ("seats", "leaves"), [(1, 256), (20, 256), (32, 256), (33, 128), (64, 128), (1000, 8), (1024, 8)]
)
def test_block_leaves__shrink_with_seats(seats: int, leaves: int) -> None:
    assert block_leaves(seats) == leaves


class World:
    """Files of one aggregation."""

    def __init__(self, folder: Path, d: int, seats: int, members: list[int]) -> None:
        rng = np.random.default_rng(d)
        self.folder, self.shape = folder, Shape(d, seats)
        self.model = rng.integers(-(2**31), 2**31, d).astype(np.int32)
        self.updates = {seat: rng.integers(-32768, 32768, d).astype(np.int16) for seat in members}
        self.coefficients = {seat: int(65535 // len(members)) for seat in members}
        self.base = folder / "base"
        self.base.write_bytes(encode(self.model, MODEL))
        self.files = {seat: folder / f"{seat}" for seat in members}
        for seat, path in self.files.items():
            path.write_bytes(encode(self.updates[seat], UPDATE))

    def run(self, merged: bool = True):
        out = self.folder / "delta", self.folder / "model"
        return aggregate(self.shape, self.files, self.coefficients, self.base, merged, *out)

    def delta(self) -> np.ndarray:
        total = sum(self.updates[s].astype(object) * c for s, c in self.coefficients.items())
        return ((total + 2**15) // 2**16).astype(np.int16)


@pytest.mark.parametrize("d", [1, 1024, 1025, 256 * 1024 + 1])
def test_aggregate__writes_the_exact_delta_and_model(d: int, tmp_path: Path) -> None:
    world = World(tmp_path, d, 5, [0, 2, 3])
    roots = world.run()
    delta, model = (tmp_path / "delta").read_bytes(), (tmp_path / "model").read_bytes()

    assert (decode(delta, d, UPDATE) == world.delta()).all()
    assert (decode(model, d, MODEL) == moved(world.model, world.delta())).all()
    assert (roots.delta, roots.model) == (update_root(delta), model_root(model))
    assert roots.columns == ABSENT


def test_aggregate_not_merged__keeps_the_model_and_still_has_a_delta(tmp_path: Path) -> None:
    world = World(tmp_path, 3000, 5, [1, 4])
    roots = world.run(merged=False)

    assert (tmp_path / "model").read_bytes() == world.base.read_bytes()
    assert (decode((tmp_path / "delta").read_bytes(), 3000, UPDATE) == world.delta()).all()
    assert roots.model == model_root(world.base.read_bytes())


@pytest.mark.parametrize("d", [1, 3000])
def test_columns__is_the_written_layout(d: int, tmp_path: Path) -> None:
    world = World(tmp_path, d, 13, [0, 7, 12])
    padded = {seat: np.frombuffer(path.read_bytes(), ">i2") for seat, path in world.files.items()}
    leaves = []
    for group in range(len(padded[0]) // 8):
        data = b"".join(
            int(padded[seat][8 * group + c]).to_bytes(2, "big", signed=True) if seat in padded else bytes(2)
            for c in range(8)
            for seat in range(13)
        )
        leaves.append(leaf_hash(group, data))

    assert world.run().columns == root_of(leaves, depth_for(len(leaves)))


@pytest.mark.parametrize("threads", [1, 2, 5])
def test_summed_by_threads__keeps_the_order_of_blocks(threads: int, tmp_path: Path) -> None:
    """Blocks of eight leaves at a thousand seats, so there are five of them, the last one shorter."""
    world, columns = World(tmp_path, 33 * 1024 + 1, 1000, [0, 500, 999]), []
    work = Range(world.shape, world.files, world.coefficients, world.base, True, 0, 34)
    parts = list(summed(work, lambda hash_, level: columns.append((hash_, level)), threads))
    roots = world.run()

    assert [len(delta) for delta, _ in parts] == [8 * 2048] * 4 + [2 * 2048]
    assert b"".join(delta for delta, _ in parts) == (tmp_path / "delta").read_bytes()
    assert b"".join(model for _, model in parts) == (tmp_path / "model").read_bytes()
    assert (decode((tmp_path / "delta").read_bytes(), world.shape.d, UPDATE) == world.delta()).all()
    tree = TreeBuilder(depth_for(34 * 128))
    for hash_, level in columns:
        tree.push(hash_, level)
    assert tree.root() == roots.columns


def test_summed_by_threads_of_a_file_cut_short__is_refused(tmp_path: Path) -> None:
    world = World(tmp_path, 33 * 1024, 1000, [0, 1, 2])
    work = Range(world.shape, world.files, world.coefficients, world.base, True, 0, 33)
    parts = summed(work, lambda *_: None, 2)
    next(parts)
    world.files[1].write_bytes(world.files[1].read_bytes()[:-1])

    with pytest.raises(UpdateError) as caught:
        list(parts)
    assert caught.value.code == "E131"


@pytest.mark.parametrize("seats", [12, 13])
def test_columns_root__is_zero_up_to_twelve_seats(seats: int, tmp_path: Path) -> None:
    assert (World(tmp_path, 100, seats, [0]).run().columns == ABSENT) == (seats == 12)


def test_aggregate_of_nobody__has_a_zero_delta(tmp_path: Path) -> None:
    world = World(tmp_path, 100, 4, [0])
    world.files = {}
    world.run()

    assert not any((tmp_path / "delta").read_bytes())


def test_aggregate_of_a_file_cut_short__is_refused(tmp_path: Path) -> None:
    world = World(tmp_path, 5000, 4, [0, 1])
    world.files[1].write_bytes(world.files[1].read_bytes()[:-1])

    with pytest.raises(UpdateError, match="E131 file changed"):
        world.run()
