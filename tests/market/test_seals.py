"""Seals and seeds: bound to everything, short in the slot, independent of order."""

from itertools import permutations

import pytest
from eth_abi.abi import encode
from hypothesis import given
from hypothesis import strategies as st

from market.keccak import keccak256
from market.seals import (
    SEAL_BITS,
    add_reveal,
    derive_salt,
    is_revealed,
    is_sealed,
    seal_hash,
    seed_of,
    short_seal,
    sum_term,
)
from market.units import ZERO32, bytes32

MARKET, ALICE, BOB = ("0x" + digit * 40 for digit in "123")
ROOT, SALT, BASE = (keccak256(bytes([i])) for i in range(3))
PLACE = (31337, MARKET, 1, 7, ALICE, BASE, ROOT, SALT)


def test_seal_hash__is_keccak_of_abi_encoding() -> None:
    words = [keccak256(b"fairtrain/seal/1"), *(int(x).to_bytes(32, "big") for x in (31337,))]
    words += [bytes(12) + bytes.fromhex(MARKET[2:]), bytes32(1), bytes32(7)]
    words += [bytes(12) + bytes.fromhex(ALICE[2:]), BASE, ROOT, SALT]

    assert seal_hash(*PLACE) == keccak256(b"".join(words))


@pytest.mark.parametrize("index", range(len(PLACE)))
def test_seal_hash_any_other_argument__differs(index: int) -> None:
    others = (1, BOB, 2, 8, BOB, ROOT, SALT, BASE)
    changed = [*PLACE[:index], others[index], *PLACE[index + 1 :]]

    assert seal_hash(*changed) != seal_hash(*PLACE)  # type: ignore[arg-type]


def test_short_seal__keeps_the_low_216_bits() -> None:
    seal = seal_hash(*PLACE)

    assert short_seal(seal) == bytes(5) + seal[5:]
    assert is_sealed(short_seal(seal))
    assert not is_revealed(short_seal(seal))


@pytest.mark.parametrize(
    ("value", "state"),
    [(0, "empty"), (1, "sealed"), (2**SEAL_BITS - 1, "sealed"), (2**SEAL_BITS, "revealed")],
)
def test_slot_states__meet_at_216_bits(value: int, state: str) -> None:
    slot = bytes32(value)

    assert is_sealed(slot) == (state == "sealed")
    assert is_revealed(slot) == (state == "revealed")


def test_add_reveal__is_independent_of_order_and_wraps() -> None:
    reveals = [(ALICE, ROOT, SALT), (BOB, SALT, ROOT), (MARKET, BASE, SALT)]
    sums = set()
    for order in permutations(reveals):
        total = 2**128 - 1
        for reveal in order:
            total = add_reveal(total, *reveal)
        sums.add(total)

    assert len(sums) == 1
    assert sums.pop() < 2**128


def test_sum_term__is_keccak_of_abi_encoding() -> None:
    expected = keccak256(encode(["address", "bytes32", "bytes32"], [ALICE, ROOT, SALT]))

    assert sum_term(ALICE, ROOT, SALT) == int.from_bytes(expected, "big")


@given(st.integers(0, 2**128 - 1), st.integers(0, 2**128 - 1))
def test_seed_of__differs_for_other_sums_and_is_never_zero(a: int, b: int) -> None:
    assert (seed_of(a) == seed_of(b)) == (a == b)
    assert seed_of(a) != ZERO32


def test_derive_salt__is_the_same_after_a_restart_and_differs_by_round() -> None:
    salts = {derive_salt(SALT, 31337, MARKET, project, round_) for project in (1, 2) for round_ in (1, 2)}

    assert len(salts) == 4
    assert derive_salt(SALT, 31337, MARKET, 1, 1) in salts
