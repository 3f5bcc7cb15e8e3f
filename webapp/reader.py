"""Reads single fields of the create form: what was typed, what it stands for, and the first error of each."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

from market.cli.amounts import parse_amount
from market.cli.project.values import SECONDS
from market.configuration import Configuration
from market.errors import InputError
from market.tokens import TokenFacts, read_symbol
from market.units import NATIVE, address
from webapp.fields import FIELDS, TEXT_LIMIT
from webapp.text import Coin, coin_of


@dataclass
class FormResult:
    """`values`: what was typed, by field. `errors`: one message by field, "" for the whole form.

    `configuration` is there iff `errors` is empty. `filled`: defaults that an empty field stands for.
    """

    values: dict[str, str]
    errors: dict[str, str] = field(default_factory=dict)
    filled: dict[str, str] = field(default_factory=dict)
    configuration: Configuration | None = None
    coin: Coin = field(default_factory=Coin)
    """what the form's amounts are in"""


Known = Callable[[str], TokenFacts | None]
"""What the index knows of a token."""


def unknown(token: str) -> TokenFacts | None:
    """An index without tokens."""
    return None


class Reader:
    """Reads one form; every method notes the first error of its field and then gives a harmless value."""

    def __init__(self, values: Mapping[str, str], known: Known = unknown) -> None:
        self._known = known
        self.result = FormResult({name: str(values.get(name, "")).strip() for name in FIELDS})
        for name, text in self.result.values.items():
            if len(text) > TEXT_LIMIT.get(name, 200):
                self.fail(name, f"{len(text)} characters, at most {TEXT_LIMIT.get(name, 200)}")

    def text(self, name: str, default: str = "") -> str:
        """What was typed, else the default."""
        given = self.result.values[name]
        if not given:
            self.result.filled[name] = default
        return given or default

    def fail(self, name: str, message: str) -> None:
        """Notes an error unless the field has one."""
        self.result.errors.setdefault(name, message)

    def whole(self, name: str, default: int, least: int = 0, most: int = (1 << 63) - 1) -> int:
        """A whole number within bounds."""
        text = self.text(name, str(default))
        if not re.fullmatch(r"[0-9]{1,19}", text) or not least <= int(text) <= most:
            self.fail(name, f"write a whole number from {least:,} to {most:,}")
            return default
        return int(text)

    def numbers(self, name: str, default: str) -> list[int]:
        """Whole numbers between commas (or x, *)."""
        parts = [part for part in re.split(r"[\s,x\u00d7*]+", self.text(name, default)) if part]
        if not all(re.fullmatch(r"[0-9]{1,9}", part) for part in parts):
            self.fail(name, "write whole numbers between commas, such as 32,32")
            return []
        return [int(part) for part in parts]

    def amount(self, name: str, default: int) -> int:
        """Smallest units of `0.5` in a token with the form's number of decimals."""
        given = self.result.values[name]
        decimals = self.result.coin.decimals
        if not given:
            self.result.filled[name] = plain_amount(default, decimals)
            return default
        try:
            return parse_amount(given, decimals)
        except ValueError as error:
            self.fail(name, str(error))
            return default

    def token(self) -> str:
        """Address of the token; amounts read from here on are in its unit.

        What the index knows of a token counts; of others the owner says it, and the wallet compares it with the
        token before anything is signed.
        """
        given, digits = self.result.values["token"], self.result.values["decimals"]
        if not given:
            return NATIVE
        try:
            token = address(given)
        except InputError as error:
            self.fail("token", error.text)
            return NATIVE
        typed = int(digits) if re.fullmatch(r"[0-9]|[12][0-9]|3[0-6]", digits) else None
        facts = self._known(token) or TokenFacts(
            token, read_symbol(_word(self.result.values["symbol"])), typed
        )
        if typed is None and (facts.decimals is None or digits):
            self.fail("decimals", "how many decimals has the token? (0 to 36)")
        elif typed is not None and facts.decimals not in (None, typed):
            self.fail("decimals", f"the token says {facts.decimals}")
        self.result.coin = coin_of(facts if facts.decimals is not None else replace(facts, decimals=typed))
        self.result.filled |= {"decimals": str(self.result.coin.decimals), "symbol": self.result.coin.symbol}
        return token

    def duration(self, name: str, default: int) -> int:
        """Seconds of 90s, 5m, 18h, 30d, 2w."""
        found = re.fullmatch(r"([0-9]{1,8})\s*([smhdw]?)", self.text(name, plain_duration(default)))
        if found is None:
            self.fail(name, "write 90s, 5m, 18h, 30d or 2w")
            return default
        return int(found[1]) * SECONDS[found[2]]


def _word(symbol: str) -> bytes:
    """A symbol as a token of 32 bytes would say it."""
    return symbol.encode()[:32].ljust(32, b"\0")


def plain_amount(units: int, decimals: int = 18) -> str:
    """Exact decimal text without a unit."""
    whole, rest = divmod(units, 10**decimals)
    digits = f"{rest:0{decimals}d}".rstrip("0") if decimals else ""
    return f"{whole}.{digits}" if digits else str(whole)


def plain_duration(seconds: int) -> str:
    """The shortest text that the form reads back: 5400 -> 90m."""
    for letter in "wdhm":
        if seconds and seconds % SECONDS[letter] == 0:
            return f"{seconds // SECONDS[letter]}{letter}"
    return f"{seconds}s"
