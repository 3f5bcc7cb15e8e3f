"""Keccak-256 as Ethereum uses it (the original padding 0x01, not SHA3's 0x06; FIPS 202 appendix B)."""

from __future__ import annotations

from Crypto.Hash import keccak as _keccak


def keccak256(data: bytes) -> bytes:
    """The 32-byte Keccak-256 digest of `data`, equal to Solidity's `keccak256(data)`."""
    return _keccak.new(digest_bits=256, data=data).digest()
