"""What a token says of itself, and what of it is believed."""

from __future__ import annotations

import pytest
from eth_abi.abi import encode

from market.tokens import MAX_DECIMALS, TokenFacts, read_decimals, read_symbol
from market.units import NATIVE

ADDRESS = "0x5FbDB2315678afecb367f032d93F642f64180aa3"


def word(number: int) -> bytes:
    return number.to_bytes(32, "big")


@pytest.mark.parametrize("symbol", ["USDC", "a", "stETH", "USDC.e", "1INCH", "A$+-_.012345"])
def test_read_symbol_ordinary__is_believed_as_string_and_as_bytes32(symbol: str) -> None:
    assert read_symbol(encode(["string"], [symbol])) == symbol
    assert read_symbol(symbol.encode().ljust(32, b"\0")) == symbol


@pytest.mark.parametrize(
    "symbol",
    [
        "",
        "ETH",
        "eth",
        "Wei",
        "units",
        "thirteenchars",
        "TWO WORDS",
        "<b>X</b>",
        "US\u202eDC",
        "U\u0405DC",
        "A\x00B",
        "\x1b[2J",
        "x" * 10_000,
        "-1",
    ],
)
def test_read_symbol_hostile_or_another_coins__is_not_believed(symbol: str) -> None:
    assert read_symbol(encode(["string"], [symbol])) == ""
    assert read_symbol(symbol.encode()[:32].ljust(32, b"\0")) == ""


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"\x01",
        word(32),
        word(32) + word(5) + b"USDC",
        word(32) + word(1 << 255) + b"USDC",
        word(1 << 255) + word(4) + b"USDC",
        word(1 << 20) + word(4) + b"USDC".ljust(32, b"\0"),
        word(32) + word(2) + b"\xff\xfe".ljust(32, b"\0"),
        b"\xff" * 96,
    ],
)
def test_read_symbol_malformed__is_empty(answer: bytes) -> None:
    assert read_symbol(answer) == ""


@pytest.mark.parametrize(
    ("answer", "decimals"),
    [
        (word(0), 0),
        (word(18), 18),
        (word(MAX_DECIMALS), MAX_DECIMALS),
        (word(MAX_DECIMALS + 1), None),
        (word(78), None),
        (word(1 << 255), None),
        (b"", None),
        (word(6)[1:], None),
        (word(6) + b"\0", None),
    ],
)
def test_read_decimals__at_the_limit(answer: bytes, decimals: int | None) -> None:
    assert read_decimals(answer) == decimals


def test_name_without_a_symbol__is_the_address() -> None:
    assert TokenFacts(ADDRESS, "", 6).name == "0x5FbD…0aa3"
    assert TokenFacts().name == "ETH"
    assert TokenFacts().address == NATIVE
