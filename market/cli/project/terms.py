"""What a project fixed at creation, as rows for people and as JSON; and what it will cost."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from typing import Any

from market.cli.output import short
from market.cli.project.values import Unit, span
from market.errors import RefusedError
from market.params import Limits, Params, Windows
from market.units import NATIVE, ZERO32, ZERO_ADDRESS

WINDOW_ROWS = {
    "commit": "trainers seal, at most",
    "reveal": "sealed seats reveal, at most",
    "first_right": "the last poster goes first (T1)",
    "proposed": "an incomplete result may be replaced (T_x)",
    "challenge": "a standing result may be challenged before pay (W)",
    "answer": "an ask may be answered (T_ans)",
    "refute": "a refutation after an answer (T_ref)",
    "dead": "without a result a round becomes flat (T_dead)",
}
"""Meaning of each window, in the order of `Windows`."""

PLAIN = (
    "token",
    "fee_bps",
    "seats",
    "min_seals",
    "expected_seats",
    "open_rounds",
    "rule",
    "delta_rows",
    "file_rounds",
    "columns",
    "coefficients",
    "end_date",
)
"""Fields that stand in JSON as they are."""

OPTIONS = {
    "MarketTooManySeats": "--seats",
    "MarketSeatCounts": "--min-seals, --expected and --seats (1 <= minSeals <= expected <= seats)",
    "MarketPotTooSmall": "--pot (at least 1,000 smallest units a seat)",
    "MarketStakeTooLow": "--stake (at least one unit, pot / min-seals)",
    "MarketFeeTooHigh": "--fee-bps",
    "MarketOpenRoundsOutOfRange": "--open-rounds",
    "MarketEndDateOutOfRange": "--ends-in",
    "MarketProposedWindow": "--proposed (from twice --first-right to --reveal)",
    "MarketChallengeTooShort": "--challenge (at least seven times --answer)",
    "MarketRefuteTooShort": "--refute (at least --answer)",
    "MarketCoefficientsOutOfRange": "the model's size, in the description",
}
"""Which option of `create` mends a refused relation."""


def check_terms(params: Params, limits: Limits, now: int) -> None:
    """`Params.check` with the option to change. Raises RefusedError as the contract would."""
    try:
        params.check(limits, now)
    except RefusedError as refusal:
        hint = OPTIONS.get(refusal.name, "")
        if refusal.name == "MarketWindowOutOfRange":
            hint = "--" + fields(Windows)[int(str(refusal.args_["index"]))].name.replace("_", "-")
        raise RefusedError(refusal.name, refusal.args_, f"change {hint}" if hint else "") from None


def term_rows(params: Params, unit: Unit, now: int) -> list[tuple[str, str, str]]:
    """(name, value, meaning) of everything that is frozen."""
    token = "native coin" if params.token == NATIVE else f"{unit.symbol} {short(params.token)}"
    admission = (
        "everybody" if params.admission_root == ZERO32 else f"list {short(_hex(params.admission_root))}"
    )
    money = unit.text
    rows = [
        ("token", token, "pot, stake, bond and pay"),
        ("pot", money(params.pot), "reserved for each round"),
        ("fee", f"{money(params.fee)} ({params.fee_bps} bps)", "of the pot, to the aggregator of a round"),
        ("unit", money(params.unit), "cost of one missed reveal, pot / min-seals"),
        ("stake", money(params.min_stake), "of a trainer at registration, at least"),
        ("bond", money(params.bond), "locked by each open result, 1.5 pots"),
        ("bond floor", money(params.bond_floor), "of an aggregator, at least"),
        ("seats", str(params.seats), "trainers at most"),
        ("min seals", str(params.min_seals), "fewer void a round"),
        ("expected", str(params.expected_seats), "seals that end the first COMMIT early"),
        ("open rounds", str(params.open_rounds), "not yet final at one time"),
        ("admission", admission, "who may take a seat"),
        ("reference", *reference_term(params)),
        ("model", f"{params.coefficients} parameters", f"rule {params.rule}, {params.columns} columns"),
        ("ends", _when(params.end_date, now), "no round opens from then on"),
    ]
    rows += [
        (name.replace("_", " "), span(getattr(params.windows, name)), text)
        for name, text in WINDOW_ROWS.items()
    ]
    return rows


def reference_term(params: Params) -> tuple[str, str]:
    """(value, meaning) of the owner's reference."""
    if params.reference_key == ZERO_ADDRESS:
        return "none", "nobody's update steers weights but the trainers' own"
    return short(params.reference_key), "signs updates of the owner's: they steer weights, 0 % of pay"


def terms_json(params: Params) -> dict[str, Any]:
    """The frozen parameters with amounts as decimal strings of smallest units."""
    amounts = {"pot": params.pot, "min_stake": params.min_stake, "bond_floor": params.bond_floor}
    amounts |= {"fee": params.fee, "unit": params.unit, "bond": params.bond}
    windows: Mapping[str, int] = {f.name: getattr(params.windows, f.name) for f in fields(Windows)}
    return {
        **{f"{name}_wei": str(value) for name, value in amounts.items()},
        **{name: getattr(params, name) for name in PLAIN},
        "admission_root": None if params.admission_root == ZERO32 else params.admission_root,
        "reference_key": None if params.reference_key == ZERO_ADDRESS else params.reference_key,
        "windows_s": windows,
    }


def round_span(windows: Windows) -> int:
    """Longest time from `open` to FINAL of a round with an ordinary result, in seconds."""
    return windows.commit + windows.reveal + windows.first_right + windows.proposed + windows.challenge


def _when(date: int, now: int) -> str:
    return f"in {span(date - now)}" if date > now else f"{span(now - date)} ago"


def _hex(value: bytes) -> str:
    return "0x" + value.hex()
