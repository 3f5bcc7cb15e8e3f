"""The create form: text fields in, a configuration or one message a field out.

The sentence form fills the same fields, so form and sentence cannot disagree. An empty field means the preset's
value. Everything that the contract would refuse is refused here, beside the field that mends it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from decimal import Decimal

from market.configuration import Configuration
from market.errors import FairtrainError, InputError, RefusedError
from market.params import PRESETS, Limits, Params, Preset
from webapp.form_model import read_description
from webapp.form_terms import WINDOW_NAMES, read_terms
from webapp.reader import FormResult, Known, Reader, unknown


def read_form(
    values: Mapping[str, str], deployed: str, limits: Limits, now: int, known: Known = unknown
) -> FormResult:
    """Reads the create form. `deployed`: preset of the market, `limits`: its bounds, `now`: unix seconds,
    `known`: what the index knows of tokens."""
    reader = Reader(values, known)
    preset = _preset(reader, deployed)
    document = read_description(reader)
    terms, budget = read_terms(reader, preset)
    goal = _goal(reader)
    if reader.result.errors:
        return reader.result
    body = {"version": 1, "description": document, "terms": terms, "budget": str(budget), "goal_ppm": goal}
    try:
        made = Configuration.model_validate_json(json.dumps(body))
    except ValueError as error:  # the parts were checked; what remains is said as it is
        reader.fail("", str(error).splitlines()[0][:200])
        return reader.result
    check_configuration(reader.result, made, limits, now)
    return reader.result


def check_configuration(result: FormResult, made: Configuration, limits: Limits, now: int) -> None:
    """Asks every relation that the contract asks; sets `result.configuration` if all hold."""
    try:
        params = made.params(now)
        params.check(limits, now)
        check_budget(params, int(made.budget))
    except FormError as error:
        result.errors.setdefault(error.field, error.text)
    except RefusedError as refusal:
        name, hint = FIXES.get(refusal.name, ("", "see the numbers in the message"))
        if refusal.name == "MarketWindowOutOfRange":
            name = f"window_{WINDOW_NAMES[int(str(refusal.args_['index']))]}"
            hint = f"this market allows {refusal.args_['min']} s to {refusal.args_['max']} s"
        result.errors.setdefault(name, f"{hint} ({refusal})")
    except FairtrainError as error:
        result.errors.setdefault("", str(error))
    if not result.errors:
        result.configuration = made


class FormError(InputError):
    """A value that does not go with others; `field` is where to change it."""

    def __init__(self, field_: str, text: str) -> None:
        super().__init__("E107", text)
        self.field = field_


FIXES = {
    "MarketTooManySeats": ("seats", "fewer seats"),
    "MarketSeatCounts": ("min_seals", "1 <= least seals <= expected <= seats"),
    "MarketPotTooSmall": ("pot", "a larger pot: at least 1,000 smallest units a seat"),
    "MarketStakeTooLow": ("stake", "a larger stake: at least one unit, pot / least seals"),
    "MarketFeeTooHigh": ("fee", "a lower fee"),
    "MarketOpenRoundsOutOfRange": ("open_rounds", "a number that this market allows"),
    "MarketEndDateOutOfRange": ("ends_in", "a time that this market allows"),
    "MarketProposedWindow": ("window_proposed", "from twice the first right to the reveal window"),
    "MarketChallengeTooShort": ("window_challenge", "at least seven times the answer window"),
    "MarketRefuteTooShort": ("window_refute", "at least the answer window"),
    "MarketCoefficientsOutOfRange": ("hidden", "a smaller model"),
}
"""Contract error -> field that mends it, and how."""


def check_budget(params: Params, budget: int) -> None:
    """The budget pays a round, and nobody has to bond more than it. Raises FormError."""
    if budget < params.pot:
        raise FormError("budget", f"the budget pays no round: the pot is {params.pot} smallest units")
    if params.bond * params.open_rounds > budget:
        raise FormError(
            "open_rounds",
            f"an aggregator would bond {params.bond * params.open_rounds} smallest units (1.5 pots for each open "
            f"round), more than the budget of {budget}: fewer open rounds, or more rounds from the same budget",
        )


def _preset(reader: Reader, deployed: str) -> Preset:
    name = reader.text("preset", deployed or "demo")
    if name not in PRESETS:
        reader.fail("preset", f"choose one of {', '.join(PRESETS)}")
    return PRESETS.get(name, PRESETS["demo"])


def _goal(reader: Reader) -> int | None:
    text = reader.result.values["goal"].removesuffix("%").strip()
    if not text:
        return None
    if not re.fullmatch(r"[0-9]{1,3}(\.[0-9]{1,4})?", text) or not 0 < Decimal(text) <= 100:
        reader.fail("goal", "write a percentage above 0, up to 100")
        return None
    whole, _, rest = text.partition(".")
    return int(whole + rest.ljust(4, "0"))
