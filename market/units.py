"""Named units of the protocol. A name tells what an integer counts; mypy keeps them apart.

Amounts are integers in the token's smallest unit, times are unix seconds, ends are exclusive.
"""

from __future__ import annotations

from typing import NewType

from eth_utils.address import is_address, to_checksum_address

from market.errors import InputError

Amount = NewType("Amount", int)
"""Smallest units of a project's token, uint96 on chain."""

UnixTime = NewType("UnixTime", int)
"""Seconds since 1970 as block timestamps count them."""

Seconds = NewType("Seconds", int)
"""A duration."""

Bps = NewType("Bps", int)
"""Hundredths of a percent: 10,000 is the whole."""

ProjectId = NewType("ProjectId", int)
"""Projects of a market count from 1."""

RoundId = NewType("RoundId", int)
"""Rounds of a project count from 1; 0 names the start."""

SeatId = NewType("SeatId", int)
"""Seats of a project count from 0."""

Address = NewType("Address", str)
"""An account in EIP-55 form."""

Bytes32 = NewType("Bytes32", bytes)
"""A hash, root, salt or digest: exactly 32 bytes."""

BPS_TOTAL = 10_000
MAX_SEATS = 1024
BITMAP_WORD = 256
ZERO32 = Bytes32(bytes(32))
ZERO_ADDRESS = Address("0x" + "00" * 20)
NATIVE = ZERO_ADDRESS
"""The token that stands for the chain's native coin."""
BURNED = Address(to_checksum_address("0x000000000000000000000000000000000000dead"))
"""Its credit can only be sent to itself."""


def address(text: str) -> Address:
    """`text` in EIP-55 form; InputError E101 if it is not an address."""
    if not is_address(text):
        raise InputError("E101", f"not an address: {text!r}; expected 0x and 40 hexadecimal digits")
    return Address(to_checksum_address(text))


def bytes32(value: bytes | str | int) -> Bytes32:
    """32 bytes from bytes, 0x-hexadecimal text or an unsigned integer; InputError E102 otherwise."""
    try:
        if isinstance(value, int):
            return Bytes32(value.to_bytes(32, "big"))
        raw = bytes.fromhex(value.removeprefix("0x")) if isinstance(value, str) else bytes(value)
    except (ValueError, OverflowError):
        raise InputError("E102", f"not 32 bytes: {value!r}; expected 64 hexadecimal digits") from None
    if len(raw) != 32:
        raise InputError("E102", f"{len(raw)} bytes where 32 are expected: {value!r}")
    return Bytes32(raw)


def words(bits: int) -> int:
    """How many 256-bit words hold `bits` bits."""
    return -(-bits // BITMAP_WORD)


def bitmap_of(members: set[int] | frozenset[int] | list[int], length: int) -> tuple[int, ...]:
    """Bitmap of `members` in 0 .. length-1: bit m mod 256 of word m div 256, ceil(length / 256) words."""
    out = [0] * words(length)
    for member in members:
        if not 0 <= member < length:
            raise ValueError(f"member {member} outside 0..{length - 1}")
        out[member // BITMAP_WORD] |= 1 << (member % BITMAP_WORD)
    return tuple(out)


def members_of(bitmap: tuple[int, ...] | list[int]) -> list[int]:
    """Set bits of a bitmap in ascending order."""
    return [BITMAP_WORD * w + b for w, word in enumerate(bitmap) for b in range(BITMAP_WORD) if word >> b & 1]


def popcount(bitmap: tuple[int, ...] | list[int]) -> int:
    """Number of set bits."""
    return sum(word.bit_count() for word in bitmap)
