"""Amounts as people type them: exact to the wei, up to the contract's 96 bits, or refused."""

from __future__ import annotations

import click
import pytest
from hypothesis import given
from hypothesis import strategies as st

from market.cli.amounts import AMOUNT, MAX_AMOUNT, parse_amount
from market.cli.output import amount

GOOD = {
    "0": 0,
    "0.5": 5 * 10**17,
    "1": 10**18,
    " 1.25 ETH ": 125 * 10**16,
    "1.5ETH": 15 * 10**17,
    "500wei": 500,
    "500 WEI": 500,
    "0.000000000000000001": 1,
    "0.10000000000000000000": 10**17,
    "7.0wei": 7,
    "10000000000.123456789012345678": 10_000_000_000_123_456_789_012_345_678,
}


@pytest.mark.parametrize("text", GOOD)
def test_parse_amount__smallest_units(text: str) -> None:
    assert parse_amount(text) == GOOD[text]


@pytest.mark.parametrize(("decimals", "units"), [(0, 12), (6, 12_000_000)])
def test_parse_amount_of_other_tokens__their_decimals(decimals: int, units: int) -> None:
    assert parse_amount("12", decimals) == units


@given(st.integers(0, MAX_AMOUNT))
def test_parse_amount_of_printed_amounts__gives_them_back(units: int) -> None:
    assert parse_amount(amount(units)) == units
    assert parse_amount(f"{units}wei") == units


@pytest.mark.parametrize("beyond", [-1, 0, 1])
def test_parse_amount_around_96_bits(beyond: int) -> None:
    text = f"{MAX_AMOUNT + beyond}wei"

    if beyond <= 0:
        assert parse_amount(text) == MAX_AMOUNT + beyond
    else:
        with pytest.raises(ValueError, match=r"outside 0 .. 2\^96 - 1"):
            parse_amount(text)


@pytest.mark.parametrize("text", ["0.0000000000000000001", "1.5wei"])
def test_parse_amount_too_fine__refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"more than (18|0) decimals"):
        parse_amount(text)


BAD = [
    "",
    "wei",
    "ETH",
    "-1",
    "+1",
    "1e3",
    "1e999999999",
    "NaN",
    "Infinity",
    "0x10",
    "1_000",
    "1,5",
    "1.",
    ".5",
    "\u0661",
    "1 2",
]


@pytest.mark.parametrize("text", [*BAD, "9" * 5_000])
def test_parse_amount_no_plain_number__refused(text: str) -> None:
    with pytest.raises(ValueError, match="is no amount"):
        parse_amount(text)


def test_amount_option__integers_pass_and_text_is_a_usage_error() -> None:
    assert AMOUNT.convert(5, None, None) == 5
    assert AMOUNT.convert("2wei", None, None) == 2
    with pytest.raises(click.BadParameter, match=r"write 0.5 or 500wei"):
        AMOUNT.convert("much", None, None)
