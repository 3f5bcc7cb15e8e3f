"""Amounts as people type them: `0.5` (whole tokens, 18 decimals) or `500wei` (smallest units)."""

from __future__ import annotations

import re
from typing import Any

import click

from market.cli.output import ETHER_DECIMALS

MAX_AMOUNT = (1 << 96) - 1
"""The contract keeps amounts in 96 bits."""
_NUMBER = re.compile(r"([0-9]{1,40})(?:\.([0-9]{1,40}))?")


def parse_amount(text: str, decimals: int = ETHER_DECIMALS) -> int:
    """Smallest units of `0.5`, `0.5 ETH` or `123wei`. ValueError says what is wrong."""
    body = text.strip()
    if body.lower().endswith("wei"):
        number, scale = body[:-3].strip(), 0
    else:
        number, scale = body.removesuffix("ETH").strip(), decimals
    found = _NUMBER.fullmatch(number)
    if found is None:
        raise ValueError(f"{text[:80]!r} is no amount; write 0.5 or 500wei")
    whole, fraction = found[1], (found[2] or "").rstrip("0")
    if len(fraction) > scale:
        raise ValueError(f"{text!r} has more than {scale} decimals")
    units = int(whole + fraction.ljust(scale, "0"))
    if units > MAX_AMOUNT:
        raise ValueError(f"{text!r} is outside 0 .. 2^96 - 1 smallest units")
    return units


class Amount(click.ParamType[int]):
    """A click type; values are integers in smallest units."""

    name = "amount"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """Smallest units; a usage error otherwise."""
        if isinstance(value, int):
            return value
        try:
            return parse_amount(str(value))
        except ValueError as error:
            self.fail(str(error), param, ctx)


AMOUNT = Amount()
