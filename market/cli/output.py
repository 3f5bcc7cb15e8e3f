"""What commands print: rich tables and progress for people, one JSON document for machines.

With `--json` standard output holds exactly one JSON document; everything else goes to standard error.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping, Sequence
from enum import Enum
from fractions import Fraction
from pathlib import Path
from typing import Any, Literal

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

ETHER_DECIMALS = 18


class Output:
    """Printer of one command. `result` is what the command is for; `line` and `table` are for people only."""

    def __init__(self, as_json: bool = False) -> None:
        self.as_json = as_json
        self.console = console(stderr=as_json)

    def line(self, text: str = "") -> None:
        """One line for people; silent with `--json`."""
        if not self.as_json:
            self.console.print(text, markup=False)

    def note(self, text: str) -> None:
        """A warning or a next step, on standard error in both modes."""
        console(stderr=True).print(text, markup=False)

    def table(self, title: str, columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
        """A table for people; a column whose name ends in `#` holds numbers and is right-aligned."""
        if self.as_json:
            return
        table = plain_table()
        for column in columns:
            side: Literal["left", "right"] = "right" if column.endswith("#") else "left"
            table.add_column(column.removesuffix("#"), justify=side, overflow="fold")
        for row in rows:
            table.add_row(*[Text(str(cell)) for cell in row])
        if title:
            self.console.print(Text(title, style="bold"))
        self.console.print(table)
        self.console.print()

    def result(self, data: Any) -> None:
        """The document that `--json` prints; silent otherwise."""
        if self.as_json:
            print(json.dumps(jsonable(data), indent=2), flush=True)

    def progress(self, unit: str = "") -> Progress:
        """A progress bar on standard error, hidden with `--json` and where there is no terminal."""
        console = Console(stderr=True)
        return Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn(unit),
            TimeElapsedColumn(),
            console=console,
            disable=self.as_json or not console.is_terminal,
            transient=True,
        )


def console(stderr: bool = False) -> Console:
    """Where text for people goes: a terminal breaks lines between words, a file keeps them whole."""
    made = Console(highlight=False, stderr=stderr)
    made.soft_wrap = not made.is_terminal
    return made


def plain_table() -> Table:
    """A table of words and one rule, so that eighty columns hold as much as they can."""
    return Table(
        box=SIMPLE_HEAD,
        padding=(0, 1, 0, 0),
        pad_edge=False,
        show_edge=False,
    )


def shown(path: Path) -> str:
    """A path as a reader of this terminal types it: relative where it lies below the current folder."""
    inside = path.is_absolute() and path.is_relative_to(Path.cwd())
    return str(path.relative_to(Path.cwd()) if inside else path)


def jsonable(value: Any) -> Any:
    """`value` as JSON types: bytes as 0x-hexadecimal, records as objects, enumerations by name.

    Amounts are the caller's business: give them as `str(wei)`, since JSON readers lose digits above 2^53.
    """
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {f.name: jsonable(getattr(value, f.name)) for f in dataclasses.fields(value)}
    if isinstance(value, Enum):
        return value.name.lower()
    if isinstance(value, Mapping):
        return {str(key): jsonable(item) for key, item in value.items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        return [jsonable(item) for item in value]
    if isinstance(value, (bytes, bytearray)):
        return "0x" + bytes(value).hex()
    return str(value) if isinstance(value, (Path, Fraction)) else value


def amount(units: int, symbol: str = "ETH", decimals: int = ETHER_DECIMALS) -> str:
    """Exact decimal text of an amount in smallest units: 12500000000000000 -> `0.0125 ETH`."""
    sign = "-" if units < 0 else ""
    whole, rest = divmod(abs(units), 10**decimals)
    digits = f"{rest:0{decimals}d}".rstrip("0") if decimals else ""
    return f"{sign}{whole}{'.' + digits if digits else ''} {symbol}".rstrip()


def short(hexadecimal: str) -> str:
    """A hash or address for tables: `0xf39F…2266`."""
    return hexadecimal if len(hexadecimal) <= 12 else f"{hexadecimal[:6]}…{hexadecimal[-4:]}"
