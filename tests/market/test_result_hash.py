"""The hash over a result: every claimed thing changes it."""

from dataclasses import fields, replace
from typing import Any

import pytest
from eth_abi.abi import encode

from market.keccak import keccak256
from market.records import Roots
from market.result_hash import (
    bitmap_hash,
    commitment_of,
    context_hash,
    opening_of,
    start_commitment,
    workings_hash,
)

MARKET, POSTER = "0x" + "1" * 40, "0x" + "2" * 40
ROOTS = Roots(*(keccak256(bytes([i])) for i in range(7)))
CONTEXT: tuple[Any, ...] = (31337, MARKET, 1, 2, keccak256(b"p"), POSTER, (5,), (1, 0), keccak256(b"s"), 99)


def test_start_commitment__is_keccak_of_abi_encoding() -> None:
    types = ["bytes32", "uint256", "address", "uint256", "bytes32"]
    expected = keccak256(encode(types, [keccak256(b"fairtrain/start/1"), 31337, MARKET, 1, ROOTS.model]))

    assert start_commitment(31337, MARKET, 1, ROOTS.model) == expected


def test_bitmap_hash__packs_words() -> None:
    assert bitmap_hash((1, 2**255)) == keccak256((1).to_bytes(32, "big") + (2**255).to_bytes(32, "big"))
    assert bitmap_hash((1,)) != bitmap_hash((1, 0))


@pytest.mark.parametrize("index", range(len(CONTEXT)))
def test_context_hash_any_other_argument__differs(index: int) -> None:
    others = (1, POSTER, 2, 3, keccak256(b"x"), MARKET, (6,), (1, 1), keccak256(b"x"), 98)
    changed = (*CONTEXT[:index], others[index], *CONTEXT[index + 1 :])

    assert context_hash(*changed) != context_hash(*CONTEXT)


@pytest.mark.parametrize("name", [field.name for field in fields(Roots)])
def test_commitment_of_any_other_root__differs(name: str) -> None:
    context = context_hash(*CONTEXT)
    other = replace(ROOTS, **{name: keccak256(b"other")})

    assert commitment_of(opening_of(context, other)) != commitment_of(opening_of(context, ROOTS))


def test_workings_hash__leaves_the_accounts_out() -> None:
    assert workings_hash(replace(ROOTS, accounts=keccak256(b"other"))) == workings_hash(ROOTS)
    assert opening_of(b"", ROOTS).accounts == ROOTS.accounts
