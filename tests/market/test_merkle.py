"""Trees against a plain definition; proofs against every kind of lie."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from market import bulk
from market.keccak import keccak256
from market.merkle import (
    ABSENT,
    Tree,
    TreeBuilder,
    absent_root,
    depth_for,
    leaf_hash,
    node_hash,
    root_of,
    verify,
)

HASHES = st.lists(st.binary(min_size=32, max_size=32), max_size=20)


def naive_root(leaves: list[bytes], depth: int) -> bytes:
    row = leaves + [ABSENT] * ((1 << depth) - len(leaves))
    while len(row) > 1:
        row = [keccak256(b"\x01" + row[i] + row[i + 1]) for i in range(0, len(row), 2)]
    return row[0]


def test_keccak256_of_nothing__is_ethereums() -> None:
    assert keccak256(b"").hex() == "c5d2460186f7233c927e7db2dcc703c0e500b653ca82273b7bfad8045d85a470"


def test_leaf_hash__is_tag_index_and_bytes() -> None:
    assert leaf_hash(258, b"ab") == keccak256(b"\x00" + bytes(6) + b"\x01\x02" + b"ab")


@pytest.mark.parametrize(
    ("capacity", "depth"), [(1, 1), (2, 1), (3, 2), (4, 2), (5, 3), (1024, 10), (1025, 11)]
)
def test_depth_for__is_the_least_that_holds_all_and_at_least_one(capacity: int, depth: int) -> None:
    assert depth_for(capacity) == depth


@settings(deadline=None)
@given(HASHES, st.integers(5, 7))
def test_roots__all_ways_agree_with_the_definition(leaves: list[bytes], depth: int) -> None:
    expected = naive_root(leaves, depth)
    rows = np.frombuffer(b"".join(leaves), np.uint8).reshape(-1, 32)

    assert root_of(leaves, depth) == expected
    assert Tree(leaves, depth).root == expected
    assert bulk.root_of_rows(rows, depth) == expected


def test_absent_root__is_the_root_without_leaves() -> None:
    assert [absent_root(level) for level in (0, 1, 3)] == [
        ABSENT,
        node_hash(ABSENT, ABSENT),
        naive_root([], 3),
    ]


@given(st.lists(st.integers(0, 3), max_size=6))
def test_push_subtrees__equals_pushing_their_leaves(levels: list[int]) -> None:
    depth, whole, split, count = 6, TreeBuilder(6), TreeBuilder(6), 0
    for level in sorted(levels, reverse=True):
        leaves = [leaf_hash(count + k, b"x") for k in range(1 << level)]
        whole.push(root_of(leaves, level) if level else leaves[0], level)
        for leaf in leaves:
            split.push(leaf)
        count += 1 << level

    assert whole.root() == split.root() == root_of([leaf_hash(k, b"x") for k in range(count)], depth)


@pytest.mark.parametrize(("pushed", "level"), [(1, 1), (3, 1), (4, 0), (2, 2), (0, 3)])
def test_push_unaligned_or_past_the_end__is_refused(pushed: int, level: int) -> None:
    builder = TreeBuilder(2)
    for _ in range(pushed):
        builder.push(ABSENT)

    with pytest.raises(ValueError, match="no subtree"):
        builder.push(ABSENT, level)


@pytest.mark.parametrize("make", [Tree, root_of])
def test_tree_of_more_leaves_than_fit__is_refused(make: object) -> None:
    with pytest.raises(ValueError, match=r"fit|no subtree"):
        make([ABSENT] * 5, 2)  # type: ignore[operator]


@given(st.integers(1, 20), st.integers(0, 31))
def test_proof_of_any_index__verifies_also_for_absent_leaves(count: int, index: int) -> None:
    leaves = [leaf_hash(k, bytes([k])) for k in range(count)]
    tree = Tree(leaves, 5)
    leaf = leaves[index] if index < count else ABSENT

    assert verify(tree.root, 5, index, leaf, tree.proof(index))


LEAVES = [leaf_hash(k, bytes([k])) for k in range(6)]
TREE = Tree(LEAVES, 3)


@pytest.mark.parametrize("index", [-1, 8])
def test_proof_past_the_tree__is_refused(index: int) -> None:
    with pytest.raises(IndexError):
        TREE.proof(index)


def test_verify_at_another_index__is_refused() -> None:
    assert not any(verify(TREE.root, 3, index, LEAVES[2], TREE.proof(2)) for index in (-1, 0, 1, 3, 6, 8, 10))


@pytest.mark.parametrize("proof", [TREE.proof(2)[:-1], [*TREE.proof(2), ABSENT], []])
def test_verify_with_a_proof_of_another_length__is_refused(proof: list[bytes]) -> None:
    assert not verify(TREE.root, 3, 2, LEAVES[2], proof)


@given(st.integers(0, 2), st.integers(0, 255))
def test_verify_with_one_bit_flipped__is_refused(level: int, bit: int) -> None:
    proof = TREE.proof(2)
    flipped = int.from_bytes(proof[level], "big") ^ (1 << bit)
    proof[level] = flipped.to_bytes(32, "big")

    assert not verify(TREE.root, 3, 2, LEAVES[2], proof)


def test_verify_a_node_as_a_leaf__is_refused() -> None:
    """A node's preimage is 65 bytes that begin with 0x01, a leaf's begins with 0x00."""
    above = node_hash(LEAVES[2], LEAVES[3])
    disguised = leaf_hash(1, LEAVES[2] + LEAVES[3])

    assert verify(TREE.root, 2, 1, above, TREE.proof(2)[1:])
    assert not verify(TREE.root, 2, 1, disguised, TREE.proof(2)[1:])


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 420), st.integers(0, 2**50), st.binary(max_size=20))
def test_leaf_hashes_of_any_size__equal_the_plain_hash(size: int, first: int, tag: bytes) -> None:
    """Sizes cross the blocks of 136 bytes of the sponge."""
    data = np.arange(3 * size, dtype=np.uint64).astype(np.uint8).reshape(3, size)
    hashes = bulk.leaf_hashes(first, data, tag)

    assert [h.tobytes() for h in hashes] == [leaf_hash(first + k, tag + data[k].tobytes()) for k in range(3)]


@pytest.mark.parametrize("size", [135 - 9, 136 - 9, 137 - 9, 271 - 9, 272 - 9, 273 - 9])
def test_leaf_hashes_at_the_border_of_a_block__equal_the_plain_hash(size: int) -> None:
    data = np.full((1, size), 7, np.uint8)

    assert bulk.leaf_hashes(0, data)[0].tobytes() == leaf_hash(0, data.tobytes())


def test_seeded_hashes__hash_seed_and_number() -> None:
    seed = bytes(range(32))

    assert [h.tobytes() for h in bulk.seeded_hashes(seed, 2**40, 2)] == [
        keccak256(seed + (2**40 + k).to_bytes(32, "big")) for k in range(2)
    ]
