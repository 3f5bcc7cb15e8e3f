"""How people write and read values of a project: amounts of its token, durations, lists of numbers."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import click

from market.cli.amounts import parse_amount
from market.cli.output import ETHER_DECIMALS, amount
from market.errors import InputError
from market.units import NATIVE

if TYPE_CHECKING:
    from market.chain.gateway import Gateway

SECONDS = {"": 1, "s": 1, "m": 60, "h": 3_600, "d": 86_400, "w": 604_800}
BRIEF_DECIMALS = 4


@dataclass(frozen=True)
class Unit:
    """How amounts of a token are written. `decimals`: digits after the point."""

    token: str = NATIVE
    symbol: str = "ETH"
    decimals: int = ETHER_DECIMALS

    def text(self, units: int) -> str:
        """Exact amount with its unit: `0.5 ETH`."""
        return amount(units, self.symbol, self.decimals)

    def brief(self, units: int) -> str:
        """For narrow columns, without the unit: at most four decimals (`0.1234…`), tiny ones as `700wei`."""
        step = 10 ** max(self.decimals - BRIEF_DECIMALS, 0)
        if 0 < units < step:
            return f"{units}wei"
        return amount(units // step * step, "", self.decimals) + ("…" if units % step else "")

    def parse(self, text: str, what: str = "amount") -> int:
        """Smallest units of `0.5`, `0.5 ETH` or `500wei`. Raises InputError E108."""
        try:
            return parse_amount(text.strip().removesuffix(self.symbol), self.decimals)
        except ValueError as error:
            raise InputError("E108", f"{what}: {error}") from None


def unit_of(gateway: Gateway, token: str) -> Unit:
    """The unit of a token, asked of its contract; smallest units where it gives no decimals that can be believed.

    Raises ChainError E207 if there is no such token.
    """
    if token == NATIVE:
        return Unit()
    contract = gateway.token(token)
    facts = contract.facts()
    if facts.decimals is not None:
        return Unit(token, facts.name, facts.decimals)
    contract.balance(gateway.deployment.market)  # what is no token at all says so here
    return Unit(token, "units", 0)


class Duration(click.ParamType[int]):
    """`90`, `90s`, `5m`, `18h`, `30d` or `2w`, as seconds."""

    name = "duration"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """Seconds; a usage error for anything else."""
        if isinstance(value, int):
            return value
        found = re.fullmatch(r"([0-9]{1,10})([smhdw]?)", str(value).strip())
        if found is None:
            self.fail(f"{value!r} is no duration; write 90s, 5m, 18h, 30d or 2w", param, ctx)
        return int(found[1]) * SECONDS[found[2]]


DURATION = Duration()


class Numbers(click.ParamType[tuple[int, ...]]):
    """`32,32`, as a tuple of whole numbers; empty text is an empty tuple."""

    name = "numbers"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[int, ...]:
        """The numbers; a usage error for anything else."""
        if isinstance(value, tuple):
            return value
        parts = [part.strip() for part in str(value).split(",") if part.strip()]
        if not all(re.fullmatch(r"[0-9]{1,9}", part) for part in parts):
            self.fail(f"{value!r} is no list of whole numbers; write 32,32", param, ctx)
        return tuple(int(part) for part in parts)


NUMBERS = Numbers()


def span(seconds: int) -> str:
    """A duration for people, two largest parts: `2 d 3 h`, `1 min 30 s`; negative ones are `0 s`."""
    rest = max(seconds, 0)
    parts: list[tuple[int, str]] = []
    for name, size in (("d", 86_400), ("h", 3_600), ("min", 60), ("s", 1)):
        count, rest = divmod(rest, size)
        if count or parts:
            parts.append((count, name))
    return " ".join(f"{count} {name}" for count, name in parts[:2] if count) or "0 s"


def project_argument(command: Any) -> Any:
    """Adds the argument PROJECT, a number from 1, given to the command as `project`."""
    return click.argument("project", type=click.IntRange(1, (1 << 64) - 1))(command)
