"""Admission lists: one root for a set, proofs for members only."""

import pytest

from market.admission import admission_proof, admission_root, is_admitted, leaf_of
from market.errors import InputError
from market.keccak import keccak256
from market.units import ZERO32, address

ACCOUNTS = [address("0x" + f"{i:040x}") for i in range(1, 12)]


@pytest.mark.parametrize("count", range(1, 12))
def test_admission_proof_of_every_member__is_admitted(count: int) -> None:
    members = ACCOUNTS[:count]
    root = admission_root(members)

    assert all(is_admitted(root, account, admission_proof(members, account)) for account in members)


def test_admission_root__does_not_depend_on_order_or_case() -> None:
    other = [account.lower() for account in reversed(ACCOUNTS)] + [ACCOUNTS[0]]

    assert admission_root(other) == admission_root(ACCOUNTS)


def test_leaf_of__is_hashed_twice() -> None:
    once = keccak256(bytes(12) + bytes.fromhex(ACCOUNTS[0][2:]))

    assert leaf_of(ACCOUNTS[0]) == keccak256(once)


def test_is_admitted_stranger_or_foreign_proof__refuses() -> None:
    root = admission_root(ACCOUNTS[:5])
    proof = admission_proof(ACCOUNTS[:5], ACCOUNTS[0])

    assert not is_admitted(root, ACCOUNTS[6], proof)
    assert not is_admitted(root, ACCOUNTS[1], proof)
    assert not is_admitted(root, ACCOUNTS[0], proof[:-1])


@pytest.mark.parametrize("bit", [0, 7, 255])
def test_is_admitted_flipped_bit__refuses(bit: int) -> None:
    root = admission_root(ACCOUNTS)
    proof = admission_proof(ACCOUNTS, ACCOUNTS[3])
    broken = int.from_bytes(proof[1], "big") ^ 1 << bit
    proof[1] = broken.to_bytes(32, "big")

    assert not is_admitted(root, ACCOUNTS[3], proof)


def test_is_admitted_zero_root__admits_everybody() -> None:
    assert is_admitted(ZERO32, ACCOUNTS[0], [])


def test_admission_root_of_nobody__refuses() -> None:
    with pytest.raises(InputError, match="E103"):
        admission_root([])


def test_admission_proof_of_stranger__refuses() -> None:
    with pytest.raises(InputError, match="E104"):
        admission_proof(ACCOUNTS[:3], ACCOUNTS[4])
