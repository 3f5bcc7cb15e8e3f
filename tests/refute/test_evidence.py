"""What each reader appends: read back as the contract reads it, and nothing where it reads nothing."""

from collections.abc import Callable

import pytest
from refute_rounds import Made, made

from aggregator.refute.evidence import SLOT_OF, Evidence
from aggregator.rows import Shape
from aggregator.trees import LEAF_BYTES, STEP_BITS, chunk_bits
from market.keccak import keccak256
from market.merkle import absent_root, clog2, leaf_hash, node_hash


@pytest.fixture(scope="module")
def round_(tmp_path_factory: pytest.TempPathFactory) -> Made:
    return made(tmp_path_factory.mktemp("round"), 5, 40_000, 3, (0, 1, 2, 4))


@pytest.fixture(scope="module")
def first(tmp_path_factory: pytest.TempPathFactory) -> Made:
    return made(tmp_path_factory.mktemp("first"), 3, 1_000, 1, (0, 2))


class Reading:
    """Takes evidence from the front."""

    def __init__(self, evidence: Evidence) -> None:
        self._rest = evidence.bytes()

    def take(self, size: int) -> bytes:
        assert len(self._rest) >= size
        taken, self._rest = self._rest[:size], self._rest[size:]
        return taken

    def climb(self, hash_: bytes, index: int, levels: int) -> bytes:
        for level in range(levels):
            sibling = self.take(32)
            hash_ = node_hash(sibling, hash_) if index >> level & 1 else node_hash(hash_, sibling)
        return hash_

    def ends(self) -> bool:
        return not self._rest


def climb_absent(hash_: bytes, low: int, high: int) -> bytes:
    for level in range(low, high):
        hash_ = node_hash(hash_, absent_root(level))
    return hash_


def step_root(
    reading: Reading, shape: Shape, slot: int, row: int, chunk: int, chunks: int, matrix: bool
) -> bytes:
    """Root above one leaf of a step, as `StepTree.entry` climbs."""
    bits, rows = chunk_bits(shape), clog2(shape.seats)
    first = (slot << rows | row) << bits
    hash_ = leaf_hash(first | chunk, reading.take(LEAF_BYTES))
    hash_ = climb_absent(reading.climb(hash_, chunk, clog2(chunks)), clog2(chunks), bits)
    hash_ = reading.climb(hash_, row, rows) if matrix else climb_absent(hash_, bits, bits + rows)
    return reading.climb(hash_, slot, STEP_BITS)


@pytest.mark.parametrize(
    ("name", "row", "column", "chunk", "chunks"),
    [("kinship", 3, 4, 0, 1), ("residual", 1, 200, 3, 4), ("gathered", 4, 2303, 35, 36), ("fit", 0, 7, 0, 1)],
)
def test_entry_of_a_matrix__climbs_to_the_root(
    round_: Made, name: str, row: int, column: int, chunk: int, chunks: int
) -> None:
    evidence = Evidence(round_.trees)
    evidence.entry(name, row, column)
    reading, shape = Reading(evidence), round_.trees.case.shape

    assert step_root(reading, shape, SLOT_OF[name], row, chunk, chunks, True) == round_.judgement.roots.steps
    assert reading.ends()


@pytest.mark.parametrize(("first", "leaves"), [(0, 1), (55, 1), (56, 2), (63, 2), (64, 1), (2295, 1)])
def test_entries_of_a_row__are_the_leaves_that_hold_them(round_: Made, first: int, leaves: int) -> None:
    """Nine numbers of four bytes; a leaf holds 64."""
    evidence, single = Evidence(round_.trees), Evidence(round_.trees)
    evidence.entries("gathered", 1, first, 9)
    for leaf in range(leaves):
        single.entry("gathered", 1, first + 63 * leaf)

    assert evidence.bytes() == single.bytes()


def test_entry_of_a_vector__takes_no_siblings_of_rows(round_: Made) -> None:
    evidence = Evidence(round_.trees)
    evidence.at("weight", 2)
    reading, shape = Reading(evidence), round_.trees.case.shape

    assert step_root(reading, shape, SLOT_OF["weight"], 0, 0, 1, False) == round_.judgement.roots.steps
    assert reading.ends()


def test_second_reading_of_a_slot__takes_no_sibling_above_it_again(round_: Made) -> None:
    evidence = Evidence(round_.trees)
    evidence.at("weight", 2)
    once = len(evidence.bytes())
    evidence.at("weight", 4)

    assert len(evidence.bytes()) == once + LEAF_BYTES
    evidence.at("merit", 4)
    assert once + LEAF_BYTES < len(evidence.bytes()) < 2 * once + LEAF_BYTES


def test_gram_row__has_zeros_for_absent_seats_and_climbs(round_: Made) -> None:
    evidence = Evidence(round_.trees)
    evidence.gram_row(1)
    reading, case = Reading(evidence), round_.trees.case
    bits, seats = case.shape.row_bits, case.shape.seats
    numbers = [reading.take(16) for _ in range(seats)]
    hashes = [leaf_hash(1 << bits | j, x) if j in case.included else bytes(32) for j, x in enumerate(numbers)]
    for _ in range(bits):
        if len(hashes) % 2:
            hashes.append(reading.take(32))
        hashes = [node_hash(hashes[k], hashes[k + 1]) for k in range(0, len(hashes), 2)]

    assert reading.climb(hashes[0], 1, bits) == round_.judgement.roots.gram
    assert reading.ends()
    assert numbers[3] == bytes(16)


def test_segment_of_a_file__is_its_leaves_and_what_is_above(round_: Made) -> None:
    evidence = Evidence(round_.trees)
    evidence.segment(2, 2)
    reading, leaves = Reading(evidence), range(32, 40)  # 40,000 coefficients end in the third segment
    hashes = [leaf_hash(leaf, reading.take(2_048)) for leaf in leaves] + [bytes(32)] * 8
    for _ in range(4):
        hashes = [node_hash(hashes[k], hashes[k + 1]) for k in range(0, len(hashes), 2)]

    assert reading.climb(hashes[0], 2, 2) == round_.inputs.updates[2].root
    assert reading.ends()


NOTHING: list[Callable[[Evidence], None]] = [
    lambda e: e.before("kinship", 0, 2),
    lambda e: e.before("strikes", 2),
    lambda e: e.before_reputation(2),
    lambda e: e.account_below(1),
    lambda e: e.gram(0, 1),
    lambda e: e.gram(0, e.case.shape.delta(0)),
]


@pytest.mark.parametrize("read", NOTHING)
def test_what_the_facts_tell__is_not_read(first: Made, read: Callable[[Evidence], None]) -> None:
    """Start values, and products with rows that are absent."""
    evidence = Evidence(first.trees)
    read(evidence)

    assert evidence.bytes() == b""


@pytest.mark.parametrize("read", NOTHING[:4])
def test_what_the_result_below_tells__is_read(round_: Made, read: Callable[[Evidence], None]) -> None:
    evidence = Evidence(round_.trees)
    read(evidence)

    assert evidence.bytes()


def test_unknown_names_and_absent_leaves__are_refused(round_: Made) -> None:
    evidence = Evidence(round_.trees)
    for read in (
        lambda: evidence.scalar("weight"),
        lambda: evidence.at("norm_median", 0),
        lambda: evidence.row("cosine", 3),
        lambda: evidence.gram_leaf(0, 3),
        lambda: evidence.update(3, 0),
    ):
        with pytest.raises(KeyError):
            read()
    assert evidence.bytes() == b""


def test_raw__is_appended_as_it_is(round_: Made) -> None:
    evidence = Evidence(round_.trees)
    evidence.raw(keccak256(b"hint"))
    evidence.raw(b"\x01")

    assert evidence.bytes() == keccak256(b"hint") + b"\x01"
