"""Reads single fields of the create form: what was typed, what it stands for, and the first error of each."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from market.cli.amounts import parse_amount
from market.cli.project.values import SECONDS
from market.configuration import Configuration
from webapp.fields import FIELDS, TEXT_LIMIT


@dataclass
class FormResult:
    """`values`: what was typed, by field. `errors`: one message by field, "" for the whole form.

    `configuration` is there iff `errors` is empty. `filled`: defaults that an empty field stands for.
    """

    values: dict[str, str]
    errors: dict[str, str] = field(default_factory=dict)
    filled: dict[str, str] = field(default_factory=dict)
    configuration: Configuration | None = None


class Reader:
    """Reads one form; every method notes the first error of its field and then gives a harmless value."""

    def __init__(self, values: Mapping[str, str]) -> None:
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
        decimals = self.decimals()
        if not given:
            self.result.filled[name] = plain_amount(default, decimals)
            return default
        try:
            return parse_amount(given, decimals)
        except ValueError as error:
            self.fail(name, str(error))
            return default

    def decimals(self) -> int:
        """Digits after the point of the chosen token."""
        text = self.result.values["decimals"] if self.result.values["token"] else ""
        return int(text) if re.fullmatch(r"[0-9]|[12][0-9]|3[0-6]", text) else 18

    def duration(self, name: str, default: int) -> int:
        """Seconds of 90s, 5m, 18h, 30d, 2w."""
        found = re.fullmatch(r"([0-9]{1,8})\s*([smhdw]?)", self.text(name, plain_duration(default)))
        if found is None:
            self.fail(name, "write 90s, 5m, 18h, 30d or 2w")
            return default
        return int(found[1]) * SECONDS[found[2]]


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
