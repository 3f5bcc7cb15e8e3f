"""Seals, the seed of a round, and the words in a seat's slot; byte-equal with the contract (abi.encode).

A seal binds an update to chain, market, project, round, sender and base, so a copied seal cannot be opened.
"""

from __future__ import annotations

from eth_abi.abi import encode

from market.keccak import keccak256
from market.units import ZERO32, Bytes32

SEAL_TAG = keccak256(b"fairtrain/seal/1")
SEAL_BITS = 216
"""A slot keeps this many low bits of a seal; an update root is never below 2^216, so both fit one word."""
SEAL_MASK = (1 << SEAL_BITS) - 1
SUM_BITS = 128
"""The sum over reveals is kept modulo 2^128."""
SUM_MASK = (1 << SUM_BITS) - 1


def seal_hash(
    chain_id: int,
    market: str,
    project: int,
    round_: int,
    trainer: str,
    base_root: bytes,
    update_root: bytes,
    salt: bytes,
) -> Bytes32:
    """keccak256(abi.encode(tag, chain, market, project, round, trainer, base, update, salt))."""
    types = [
        "bytes32",
        "uint256",
        "address",
        "uint256",
        "uint256",
        "address",
        "bytes32",
        "bytes32",
        "bytes32",
    ]
    values = [SEAL_TAG, chain_id, market, project, round_, trainer, base_root, update_root, salt]
    return Bytes32(keccak256(encode(types, values)))


def short_seal(seal: bytes) -> Bytes32:
    """What `seal` sends and the slot keeps: the low 216 bits of a seal, the top 40 zero."""
    return Bytes32((int.from_bytes(seal, "big") & SEAL_MASK).to_bytes(32, "big"))


def sum_term(trainer: str, update_root: bytes, salt: bytes) -> int:
    """What one reveal adds to the round's sum: keccak256(abi.encode(trainer, root, salt)) as an integer."""
    digest = keccak256(encode(["address", "bytes32", "bytes32"], [trainer, update_root, salt]))
    return int.from_bytes(digest, "big")


def add_reveal(reveal_sum: int, trainer: str, update_root: bytes, salt: bytes) -> int:
    """The round's sum after one more reveal, modulo 2^128; independent of the order of reveals."""
    return (reveal_sum + sum_term(trainer, update_root, salt)) & SUM_MASK


def seed_of(reveal_sum: int) -> Bytes32:
    """The round's seed: keccak256(abi.encode(uint256 sum)); fixed once REVEAL is over."""
    return Bytes32(keccak256(reveal_sum.to_bytes(32, "big")))


def derive_salt(secret: bytes, chain_id: int, market: str, project: int, round_: int) -> Bytes32:
    """A trainer's salt: keccak of its 32-byte secret and the round, found again after a restart."""
    types = ["bytes32", "bytes32", "uint256", "address", "uint256", "uint256"]
    tag = keccak256(b"fairtrain/salt/1")
    return Bytes32(keccak256(encode(types, [tag, secret, chain_id, market, project, round_])))


def is_sealed(slot: bytes) -> bool:
    """Whether a slot holds a seal that is not revealed yet."""
    return slot != ZERO32 and int.from_bytes(slot, "big") <= SEAL_MASK


def is_revealed(slot: bytes) -> bool:
    """Whether a slot holds an update root."""
    return int.from_bytes(slot, "big") > SEAL_MASK
