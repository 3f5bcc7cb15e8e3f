"""The part of the create form that says what it costs, who takes part and when: fields in, terms out."""

from __future__ import annotations

import re
from dataclasses import fields, replace
from decimal import Decimal
from typing import Any

from market.errors import InputError
from market.params import Preset, Windows
from market.units import ZERO_ADDRESS, address
from webapp.reader import Reader, plain_amount

DEFAULT_ROUNDS = 20
WINDOW_NAMES = tuple(item.name for item in fields(Windows))


def read_terms(reader: Reader, preset: Preset) -> tuple[dict[str, Any], int]:
    """(terms, budget); errors are noted at their fields."""
    token = reader.token()
    seats = reader.whole("seats", preset.seats, 1, 1_024)
    pot, budget = _pot_and_budget(reader, preset, seats)
    given = {
        "seats": seats,
        "min_seals": reader.whole("min_seals", min(preset.min_seals, seats), 1, 1_024),
        "expected_seats": reader.whole("expected", seats, 1, 1_024),
        "fee_bps": _fee(reader, preset.fee_bps),
        "open_rounds": reader.whole("open_rounds", _open_rounds(preset, pot, budget), 1, 1_024),
        "pot": pot,
        "token": token,
    }
    base = preset.project(0, 1, **given)
    windows = replace(
        preset.windows,
        **{name: reader.duration(f"window_{name}", getattr(preset.windows, name)) for name in WINDOW_NAMES},
    )
    amounts = {
        "pot": str(pot),
        "min_stake": str(reader.amount("stake", base.min_stake)),
        "bond_floor": str(reader.amount("bond_floor", base.bond_floor)),
    }
    times = {
        "lifetime": reader.duration("ends_in", preset.lifetime),
        "windows": {name: getattr(windows, name) for name in WINDOW_NAMES},
    }
    people = {"admission": _admission(reader), "reference_key": _reference_key(reader)}
    return {**given, **amounts, **times, **people}, budget


def _pot_and_budget(reader: Reader, preset: Preset, seats: int) -> tuple[int, int]:
    """Two of budget, rounds and pot give the third; alone, a budget is spread over twenty rounds."""
    values = reader.result.values
    if values["token"] and not (values["budget"] or values["pot"]):
        reader.fail("budget", "presets count in native coin; say how much of the token you mean to spend")
    if values["budget"] and values["pot"] and values["rounds"]:
        reader.fail("rounds", "budget and pot already say how many rounds; leave one of the three empty")
    default_pot = max(preset.pot, 1_000 * seats)
    rounds = reader.whole("rounds", DEFAULT_ROUNDS, 1, 1_000_000)
    if values["budget"]:
        budget = reader.amount("budget", 0)
        pot = reader.amount("pot", budget // rounds)
    else:
        pot = reader.amount("pot", default_pot)
        budget = reader.amount("budget", pot * rounds)
    if values["pot"] and values["budget"]:
        reader.result.filled["rounds"] = str(budget // pot if pot else 0)
    return pot, budget


def _open_rounds(preset: Preset, pot: int, budget: int) -> int:
    """The preset's number, fewer where an aggregator would have to bond more than the whole budget."""
    bond = pot * 3 // 2
    return max(1, min(preset.open_rounds, budget // bond if bond else 1))


def _fee(reader: Reader, default: int) -> int:
    text = reader.text("fee", plain_amount(default, 2)).removesuffix("%").strip()
    if not re.fullmatch(r"[0-9]{1,3}(\.[0-9]{1,2})?", text) or Decimal(text) > 100:
        reader.fail("fee", "write a percentage of the pot with at most two decimals")
        return default
    whole, _, rest = text.partition(".")
    return int(whole + rest.ljust(2, "0"))


def _reference_key(reader: Reader) -> str | None:
    given = reader.result.values["reference_key"]
    if not given:
        return None
    try:
        key = address(given)
    except InputError as error:
        reader.fail("reference_key", error.text)
        return None
    if key == ZERO_ADDRESS:
        reader.fail("reference_key", "the zero address signs nothing; leave it empty for none")
    return key


def _admission(reader: Reader) -> list[str]:
    lines = [re.sub(r"#.*", "", line).strip() for line in reader.result.values["admission"].splitlines()]
    found = []
    for line in filter(None, lines):
        try:
            found.append(str(address(line)))
        except InputError as error:
            reader.fail("admission", error.text)
    return sorted(set(found), key=str.lower)
