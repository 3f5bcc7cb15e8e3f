"""The one hash over everything that a result claims; refuters pass the preimage (protocol section 6)."""

from __future__ import annotations

from collections.abc import Sequence

from eth_abi.abi import encode
from eth_abi.packed import encode_packed

from market.keccak import keccak256
from market.records import Opening, Roots
from market.units import Bytes32

START_TAG = keccak256(b"fairtrain/start/1")


def start_commitment(chain_id: int, market: str, project: int, model_root: bytes) -> Bytes32:
    """Commitment of result 0: the first model's root; the start accounts are constants."""
    types = ["bytes32", "uint256", "address", "uint256", "bytes32"]
    return Bytes32(keccak256(encode(types, [START_TAG, chain_id, market, project, model_root])))


def bitmap_hash(bitmap: Sequence[int]) -> bytes:
    """keccak256(abi.encodePacked(uint256[])): the words one after another."""
    return keccak256(encode_packed(["uint256[]"], [list(bitmap)]))


def context_hash(
    chain_id: int,
    market: str,
    project: int,
    round_: int,
    prev_commitment: bytes,
    poster: str,
    included: Sequence[int],
    rows: Sequence[int],
    seed: bytes,
    paid: int,
) -> Bytes32:
    """What a result is about: where, on what, by whom, over which seats and rows, and the sum it pays."""
    types = [
        "uint256",
        "address",
        "uint256",
        "uint256",
        "bytes32",
        "address",
        "bytes32",
        "bytes32",
        "bytes32",
        "uint96",
    ]
    hashes = [bitmap_hash(included), bitmap_hash(rows)]
    values = [chain_id, market, project, round_, prev_commitment, poster, *hashes, seed, paid]
    return Bytes32(keccak256(encode(types, values)))


def workings_hash(roots: Roots) -> Bytes32:
    """All roots but that of the accounts, which claims open alone."""
    values = [roots.sketches, roots.gram, roots.steps, roots.columns, roots.delta, roots.model]
    return Bytes32(keccak256(encode(["bytes32"] * 6, values)))


def opening_of(context: bytes, roots: Roots) -> Opening:
    """The three words that open a result's commitment."""
    return Opening(context, roots.accounts, workings_hash(roots))


def commitment_of(opening: Opening) -> Bytes32:
    """keccak256(abi.encode(context, accounts, workings))."""
    return Bytes32(keccak256(encode(["bytes32"] * 3, [opening.context, opening.accounts, opening.workings])))
