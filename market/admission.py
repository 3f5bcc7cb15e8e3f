"""Merkle tree of admitted signing addresses, checked on chain by OpenZeppelin's MerkleProof.

leaf = keccak256(abi.encode(keccak256(abi.encode(address)))): hashed twice so that no inner node can pass
for a leaf; a node hashes its two children in ascending order; a node without a partner moves up unchanged.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from eth_abi.abi import encode

from market.errors import InputError
from market.keccak import keccak256
from market.units import ZERO32, Bytes32, address


def leaf_of(account: str) -> bytes:
    """Leaf of one admitted address."""
    return keccak256(keccak256(encode(["address"], [account])))


def _pair(a: bytes, b: bytes) -> bytes:
    return keccak256(min(a, b) + max(a, b))


def _levels(accounts: Iterable[str]) -> list[list[bytes]]:
    """All levels of the tree, leaves first; leaves are in ascending order, so that a set has one root."""
    leaves = sorted({leaf_of(address(account)) for account in accounts})
    if not leaves:
        raise InputError("E103", "the list of admitted addresses is empty; leave it out to admit everybody")
    levels = [leaves]
    while len(levels[-1]) > 1:
        row = levels[-1]
        pairs = [_pair(row[i], row[i + 1]) for i in range(0, len(row) - 1, 2)]
        levels.append(pairs + row[2 * len(pairs) :])
    return levels


def admission_root(accounts: Iterable[str]) -> Bytes32:
    """Root of a set of addresses, whatever their order; InputError E103 if it is empty."""
    return Bytes32(_levels(accounts)[-1][0])


def admission_proof(accounts: Iterable[str], account: str) -> list[bytes]:
    """Siblings from the leaf of `account` upwards; InputError E104 if it is not in the list."""
    levels = _levels(accounts)
    leaf = leaf_of(address(account))
    if leaf not in levels[0]:
        raise InputError(
            "E104", f"{account} is not among the {len(levels[0])} admitted addresses; ask the owner"
        )
    index, proof = levels[0].index(leaf), []
    for row in levels[:-1]:
        sibling = index ^ 1
        if sibling < len(row):
            proof.append(row[sibling])
        index //= 2
    return proof


def is_admitted(root: bytes, account: str, proof: Sequence[bytes]) -> bool:
    """What the contract checks; a zero root admits everybody."""
    if root == ZERO32:
        return True
    node = leaf_of(account)
    for sibling in proof:
        node = _pair(node, sibling)
    return node == root
