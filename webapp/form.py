"""The create form: text fields in, a configuration or one message a field out.

The sentence form fills the same fields, so form and sentence cannot disagree. An empty field means the preset's
value. Everything that the contract would refuse is refused here, beside the field that mends it.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from decimal import Decimal
from typing import Any

from market.cli.amounts import parse_amount
from market.cli.project.values import SECONDS
from market.configuration import Configuration
from market.description import parse
from market.errors import DocumentError, FairtrainError, InputError, RefusedError
from market.params import PRESETS, Limits, Params, Preset, Windows
from market.units import NATIVE, address
from webapp.fields import FIELDS, TEXT_LIMIT

DEFAULT_ROUNDS = 20
MAX_LABELS = 1_024
WINDOW_NAMES = tuple(item.name for item in fields(Windows))
_SLUG = re.compile(r"[^a-z0-9]+")


@dataclass
class FormResult:
    """`values`: what was typed, by field. `errors`: one message by field, "" for the whole form.

    `configuration` is there iff `errors` is empty. `filled`: defaults that an empty field stands for.
    """

    values: dict[str, str]
    errors: dict[str, str] = field(default_factory=dict)
    filled: dict[str, str] = field(default_factory=dict)
    configuration: Configuration | None = None


class _Reader:
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


def read_form(values: Mapping[str, str], deployed: str, limits: Limits, now: int) -> FormResult:
    """Reads the create form. `deployed`: preset of the market, `limits`: its bounds, `now`: unix seconds."""
    reader = _Reader(values)
    preset = _preset(reader, deployed)
    document = _description(reader)
    terms, budget = _terms(reader, preset)
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


def _preset(reader: _Reader, deployed: str) -> Preset:
    name = reader.text("preset", deployed or "demo")
    if name not in PRESETS:
        reader.fail("preset", f"choose one of {', '.join(PRESETS)}")
    return PRESETS.get(name, PRESETS["demo"])


def _goal(reader: _Reader) -> int | None:
    text = reader.result.values["goal"].removesuffix("%").strip()
    if not text:
        return None
    if not re.fullmatch(r"[0-9]{1,3}(\.[0-9]{1,4})?", text) or not 0 < Decimal(text) <= 100:
        reader.fail("goal", "write a percentage above 0, up to 100")
        return None
    whole, _, rest = text.partition(".")
    return int(whole + rest.ljust(4, "0"))


# ----- what is trained -----


def _description(reader: _Reader) -> dict[str, Any]:
    title = reader.text("title")
    if not title:
        reader.fail("title", "say in one line what the model is for")
    name = reader.text("name", _SLUG.sub("-", title.lower()).strip("-")[:32].strip("-") or "project")
    document: dict[str, Any] = {
        "version": 1,
        "name": name,
        "title": title or "-",
        "model": _model(reader),
        "data": _data(reader),
        "lsb_exponent": reader.whole("lsb_exponent", 15, 8, 24),
        "training": {
            "learning_rate": reader.text("learning_rate", "0.1"),
            "momentum": reader.text("momentum", "0"),
            "batch_size": reader.whole("batch_size", 16, 1, 65_536),
            "local_steps": reader.whole("local_steps", 10, 1, 100_000),
            "step_bound": reader.text("step_bound", "8"),
        },
    }
    if reader.result.values["seed"]:
        document["initialiser"] = {"seed": reader.whole("seed", 0)}
    else:
        # from the rest of the description, so that the same intent has the same first model and hash
        text = json.dumps(document, sort_keys=True).encode()
        seed = int.from_bytes(hashlib.sha256(text).digest()[:8], "big") >> 1
        reader.result.filled["seed"] = str(seed)
        document["initialiser"] = {"seed": seed}
    return _checked(reader, document)


PLACES = {
    "/name": "name",
    "/title": "title",
    "/model/hidden": "hidden",
    "/model/channels": "channels",
    "/data/shape": "features",
    "/data/labels": "labels",
    "/data/subtract": "subtract",
    "/data/divide_by": "divide_by",
    "/training/learning_rate": "learning_rate",
    "/training/momentum": "momentum",
    "/training/step_bound": "step_bound",
}
"""Where a description is wrong -> the field to change."""


def _checked(reader: _Reader, document: dict[str, Any]) -> dict[str, Any]:
    if reader.result.errors:
        return document
    try:
        body: dict[str, Any] = json.loads(parse(json.dumps(document).encode()).to_bytes())
        return body
    except DocumentError as error:
        found = re.match(r"manifest: (/\S*) (.*)", error.text)
        place, reason = (found[1], found[2]) if found else ("/", error.text)
        name = next((target for start, target in PLACES.items() if place.startswith(start)), "")
        if place == "/data":  # a relation between its parts: the message begins with the one to change
            name = PLACES.get(f"/data/{reason.split()[0]}", "")
        reader.fail(name, reason)
        return document


def _model(reader: _Reader) -> dict[str, Any]:
    kind = reader.text("model", "cnn" if reader.result.values["image"] else "mlp")
    if kind == "cnn":
        hidden = reader.numbers("hidden", "32")
        if len(hidden) != 1:
            reader.fail("hidden", "one width, such as 32: further layers of a cnn are its channels")
        return {"kind": "cnn", "channels": reader.numbers("channels", "8,16"), "hidden": (hidden or [32])[0]}
    if kind != "mlp":
        reader.fail("model", "choose mlp or cnn")
    if reader.result.values["channels"]:
        reader.fail("channels", "an mlp has no channels; choose cnn or leave this empty")
    none = reader.result.values["hidden"].lower() == "none"
    return {"kind": "mlp", "hidden": [] if none else reader.numbers("hidden", "32")}


def _data(reader: _Reader) -> dict[str, Any]:
    values = reader.result.values
    if values["image"]:
        shape = reader.numbers("image", "")
        shape = [1, *shape] if len(shape) == 2 else shape
        if values["features"]:
            reader.fail("features", "either features of a table or the size of an image, not both")
        if len(shape) != 3:
            reader.fail("image", "write height x width, or channels x height x width: 3x32x32")
    else:
        if not values["features"]:
            reader.fail("features", "how many numbers describe one sample? (columns without the class)")
        shape = [reader.whole("features", 1, 1, 1 << 20)] if values["features"] else [1]
    return {
        "shape": shape,
        "labels": _labels(reader),
        "subtract": _scale(reader, "subtract", "0"),
        "divide_by": _scale(reader, "divide_by", "1"),
    }


def _labels(reader: _Reader) -> list[str]:
    text = reader.result.values["labels"]
    if not text:
        reader.fail("labels", "which classes are there? names between commas, or how many")
    elif re.fullmatch(r"[0-9]{1,4}", text):
        if 2 <= int(text) <= MAX_LABELS:
            return [str(number) for number in range(int(text))]
        reader.fail("labels", f"from 2 to {MAX_LABELS:,} classes")
    # one a line where a name holds a comma
    parts = text.splitlines() if "\n" in text else text.split(",")
    return [label.strip() for label in parts if label.strip()] or ["0", "1"]


def _scale(reader: _Reader, name: str, default: str) -> str | list[str]:
    parts = [part.strip() for part in reader.text(name, default).split(",")]
    return parts[0] if len(parts) == 1 else parts


# ----- what it costs and when -----


def _terms(reader: _Reader, preset: Preset) -> tuple[dict[str, Any], int]:
    token = _token(reader)
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
    return {**given, **amounts, **times, "admission": _admission(reader)}, budget


def _pot_and_budget(reader: _Reader, preset: Preset, seats: int) -> tuple[int, int]:
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


def _fee(reader: _Reader, default: int) -> int:
    text = reader.text("fee", plain_amount(default, 2)).removesuffix("%").strip()
    if not re.fullmatch(r"[0-9]{1,3}(\.[0-9]{1,2})?", text) or Decimal(text) > 100:
        reader.fail("fee", "write a percentage of the pot with at most two decimals")
        return default
    whole, _, rest = text.partition(".")
    return int(whole + rest.ljust(2, "0"))


def _token(reader: _Reader) -> str:
    text = reader.result.values["token"]
    if not text:
        return NATIVE
    if not re.fullmatch(r"[0-9]|[12][0-9]|3[0-6]", reader.result.values["decimals"]):
        reader.fail("decimals", "how many decimals has the token? (0 to 36)")
    try:
        return address(text)
    except InputError as error:
        reader.fail("token", error.text)
        return NATIVE


def _admission(reader: _Reader) -> list[str]:
    lines = [re.sub(r"#.*", "", line).strip() for line in reader.result.values["admission"].splitlines()]
    found = []
    for line in filter(None, lines):
        try:
            found.append(str(address(line)))
        except InputError as error:
            reader.fail("admission", error.text)
    return sorted(set(found), key=str.lower)
