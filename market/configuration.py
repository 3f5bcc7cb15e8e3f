"""Everything an owner decides before a project exists, as one document with one hash.

The dashboard's form, its sentence and the command line all end in this document, so the same intent has the same
hash wherever it was expressed. Defaults are written out, durations stand instead of dates, amounts are decimal
strings of smallest units. `params` and `description` are what goes on chain and into the store.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import fields
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, model_validator

from market.admission import admission_root
from market.description import Description, parse
from market.errors import DocumentError, InputError
from market.params import PRESETS, Params, Windows
from market.units import MAX_SEATS, ZERO32, ZERO_ADDRESS, address

MAX_BYTES = 98_304
"""A description, the terms, and the addresses of a full admission list."""
_UINT96 = (1 << 96) - 1


def _amount(text: str) -> str:
    if int(text) > _UINT96:
        raise ValueError("is above 2^96 - 1 smallest units, which the contract cannot hold")
    return text


def _address(text: str) -> str:
    try:
        checked = address(text)
    except InputError as error:
        raise ValueError(error.text) from None
    if checked != text:
        raise ValueError(f"is not in EIP-55 form; write {checked}")
    return text


def _not_zero(account: str) -> str:
    if account == ZERO_ADDRESS:
        raise ValueError("is the zero address; leave it out for a project without a reference")
    return account


Units = Annotated[str, Field(pattern=r"^(0|[1-9][0-9]{0,28})$"), AfterValidator(_amount)]
Account = Annotated[str, AfterValidator(_address)]
Seconds = Annotated[int, Field(ge=0, lt=1 << 32)]
Count = Annotated[int, Field(ge=0, lt=1 << 16)]


class _Part(BaseModel):
    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)


class WindowTerms(_Part):
    """Durations in seconds, as `market.params.Windows`."""

    commit: Seconds
    reveal: Seconds
    first_right: Seconds
    proposed: Seconds
    challenge: Seconds
    answer: Seconds
    refute: Seconds
    dead: Seconds


class Terms(_Part):
    """What the contract freezes. Amounts in the token's smallest unit; `lifetime`: seconds until no round opens.

    `admission`: admitted signing addresses in ascending order; empty admits everybody. `reference_key`: signs the
    owner's reference; absent where there is none.
    """

    token: Account
    pot: Units
    min_stake: Units
    bond_floor: Units
    fee_bps: Count
    seats: Count
    min_seals: Count
    expected_seats: Count
    open_rounds: Count
    lifetime: Seconds
    windows: WindowTerms
    admission: Annotated[tuple[Account, ...], Field(max_length=MAX_SEATS)] = ()
    reference_key: Annotated[Account, AfterValidator(_not_zero)] | None = None

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if list(self.admission) != sorted(set(self.admission), key=str.lower):
            raise ValueError("admission must be in ascending order without repeats")
        return self


class Configuration(_Part):
    """A whole intent. `budget`: what the owner means to fund. `goal_ppm`: accuracy in millionths at which the owner
    means to stop; nobody enforces it, the dashboard draws it and reminds."""

    version: Literal[1] = 1
    description: Description
    terms: Terms
    budget: Units
    goal_ppm: Annotated[int, Field(ge=1, le=1_000_000)] | None = None

    def to_bytes(self) -> bytes:
        """Canonical form: UTF-8, sorted keys, no white space, defaults written out, absent parts left out."""
        body = self.model_dump(mode="json", exclude_none=True)
        return json.dumps(body, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()

    @property
    def hash(self) -> str:
        """sha2-256 of the canonical form, 64 hexadecimal digits."""
        return hashlib.sha256(self.to_bytes()).hexdigest()

    def params(self, now: int) -> Params:
        """Params of a project created at `now`, unix seconds. `Params.check` knows what the contract refuses."""
        terms = self.terms
        return PRESETS["minimal"].project(
            now,
            self.description.d,
            token=terms.token,
            pot=int(terms.pot),
            min_stake=int(terms.min_stake),
            bond_floor=int(terms.bond_floor),
            fee_bps=terms.fee_bps,
            seats=terms.seats,
            min_seals=terms.min_seals,
            expected_seats=terms.expected_seats,
            open_rounds=terms.open_rounds,
            end_date=now + terms.lifetime,
            admission_root=admission_root(terms.admission) if terms.admission else ZERO32,
            reference_key=terms.reference_key or ZERO_ADDRESS,
            windows=Windows(**{f.name: getattr(terms.windows, f.name) for f in fields(Windows)}),
        )


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    if len(dict(pairs)) != len(pairs):
        raise ValueError("an object has the same key twice")
    return dict(pairs)


def read_configuration(document: bytes) -> Configuration:
    """A configuration file in any layout. Raises DocumentError E180 with the place that is wrong."""
    if len(document) > MAX_BYTES:
        raise DocumentError("E180", f"configuration: {len(document)} bytes, at most {MAX_BYTES}")
    try:
        body = json.loads(document.decode("utf-8"), object_pairs_hook=_unique)
    except (ValueError, RecursionError) as error:
        raise DocumentError("E180", f"configuration: not JSON ({str(error)[:80]})") from None
    if not isinstance(body, dict) or not isinstance(body.get("description"), dict):
        raise DocumentError("E180", "configuration: /description is missing; is this a description alone?")
    # the description has its own reader, with its own limits and words
    description = parse(json.dumps(body["description"], ensure_ascii=False).encode("utf-8", "surrogatepass"))
    try:
        rest = {**body, "description": json.loads(description.to_bytes())}
        return Configuration.model_validate_json(json.dumps(rest))
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False)[0]
        place = ascii("/".join(str(part) for part in first["loc"]))[1:-1][:100]
        reason = first["msg"].removeprefix("Value error, ")
        raise DocumentError("E180", f"configuration: /{place} {reason}") from None
