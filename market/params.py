"""Parameters of a project, the bounds of a market, and presets.

Everything here is frozen at creation; nobody can change it afterwards. `Params.check` refuses what the
contract's `create` refuses, in the same order and with the same error names.
"""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import Any

from market.abi import AbiRecord
from market.errors import RefusedError
from market.units import BPS_TOTAL, MAX_SEATS, NATIVE, ZERO32, ZERO_ADDRESS

RULE_DEFAULT = 1
SKETCH_COLUMNS = 256
DELTA_ROWS, FILE_ROUNDS = 3, 2
"""Public rows of rule 1; the checks know these and no others."""
POT_PER_SEAT = 1000
"""A pot has at least this many smallest units for each seat, so that rounding down stays below 0.1 %."""
ANSWERS_PER_CHALLENGE = 7
"""W covers five questions and their answers, one refutation and one spare."""
BOND_NUMERATOR, BOND_DENOMINATOR = 3, 2
ABSENT_ROUNDS = 16
"""A seat that did not seal in this many opened rounds may be evicted."""


@dataclass(frozen=True)
class Windows(AbiRecord):
    """Durations in seconds."""

    commit: int
    reveal: int
    first_right: int
    proposed: int
    challenge: int
    answer: int
    refute: int
    dead: int


@dataclass(frozen=True)
class Limits(AbiRecord):
    """Bounds that no owner can leave; constructor arguments of the market."""

    min: Windows
    max: Windows
    max_seats: int
    max_coefficients: int
    max_fee_bps: int
    max_open_rounds: int
    max_lifetime: int
    ask_floor: int
    """least price of an answer, in wei for each byte"""


@dataclass(frozen=True)
class Params(AbiRecord):
    """What a project fixes at creation. Amounts in the token's smallest unit, `end_date` in unix seconds."""

    token: str
    pot: int
    min_stake: int
    bond_floor: int
    fee_bps: int
    seats: int
    min_seals: int
    expected_seats: int
    open_rounds: int
    rule: int
    delta_rows: int
    file_rounds: int
    columns: int
    coefficients: int
    end_date: int
    admission_root: bytes
    reference_key: str
    """signs the owner's reference; the zero address where there is none"""
    windows: Windows

    @property
    def unit(self) -> int:
        """What one missed reveal costs: floor(pot / minimum of seals), constant for a project."""
        return self.pot // self.min_seals

    @property
    def bond(self) -> int:
        """Bond locked by one open result: floor(1.5 pot)."""
        return self.pot * BOND_NUMERATOR // BOND_DENOMINATOR

    @property
    def fee(self) -> int:
        """The poster's fee of one round: floor(pot * fee_bps / 10,000)."""
        return self.pot * self.fee_bps // BPS_TOTAL

    def check(self, limits: Limits, now: int, token_has_code: bool = True) -> None:
        """RefusedError with the contract's error for the first relation that does not hold at `now`."""
        _check_windows(self.windows, limits)
        _check_seats(self, limits)
        require(token_has_code or self.token == NATIVE, "MarketTokenWithoutCode", token=self.token)
        _check_rest(self, limits, now)


@dataclass(frozen=True)
class Content(AbiRecord):
    """Digests of CIDv1 (sha2-256) and the Merkle root of the first model."""

    description_digest: bytes
    model_digest: bytes
    model_root: bytes

    def check(self) -> None:
        """Refuses a zero digest or root: a zero is what an unset word looks like (I-27)."""
        require(ZERO32 not in (self.description_digest, self.model_digest, self.model_root), "MarketZeroHash")


@dataclass(frozen=True)
class Preset:
    """Limits for a market's constructor and defaults for its projects."""

    limits: Limits
    windows: Windows
    pot: int
    min_stake_units: int
    """a trainer's stake at registration, in units"""
    fee_bps: int
    seats: int
    min_seals: int
    open_rounds: int
    lifetime: int
    """seconds from creation to the end date"""

    def project(self, now: int, coefficients: int, **changes: Any) -> Params:
        """Params of a project created at `now` (unix seconds); `changes` override single fields.

        Amounts that hang on others (stake, bond floor, expected seats) follow them unless they are given.
        """
        seats = changes.get("seats", self.seats)
        pot = changes.get("pot", max(self.pot, POT_PER_SEAT * seats))
        min_seals = changes.get("min_seals", min(self.min_seals, seats))
        values: dict[str, Any] = {
            "token": NATIVE,
            "pot": pot,
            "min_stake": self.min_stake_units * (pot // min_seals),
            "bond_floor": pot * BOND_NUMERATOR // BOND_DENOMINATOR,
            "fee_bps": self.fee_bps,
            "seats": seats,
            "min_seals": min_seals,
            "expected_seats": seats,
            "open_rounds": self.open_rounds,
            "rule": RULE_DEFAULT,
            "delta_rows": DELTA_ROWS,
            "file_rounds": FILE_ROUNDS,
            "columns": SKETCH_COLUMNS,
            "coefficients": coefficients,
            "end_date": now + self.lifetime,
            "admission_root": ZERO32,
            "reference_key": ZERO_ADDRESS,
            "windows": self.windows,
        }
        return Params(**{**values, **changes})


HOUR, DAY = 3600, 86_400
ETHER = 10**18
GWEI = 10**9

MAINNET = Preset(
    limits=Limits(
        # forced inclusion on today's L2s takes up to a day, which bounds reveal and answer from below
        min=Windows(HOUR, HOUR, 60, 120, 7 * DAY, DAY, DAY, 7 * DAY),
        max=Windows(30 * DAY, 7 * DAY, 12 * HOUR, 2 * DAY, 28 * DAY, 3 * DAY, 7 * DAY, 28 * DAY),
        max_seats=MAX_SEATS,
        max_coefficients=1 << 30,
        max_fee_bps=2_000,
        max_open_rounds=64,
        max_lifetime=3 * 365 * DAY,
        # what a byte costs on an L2 whose base fee does not cover data, generously
        ask_floor=10 * GWEI,
    ),
    windows=Windows(18 * HOUR, 6 * HOUR, HOUR, 3 * HOUR, 7 * DAY, DAY, DAY, 7 * DAY),
    pot=ETHER // 10,
    min_stake_units=3,
    fee_bps=500,
    seats=32,
    min_seals=8,
    open_rounds=8,
    lifetime=180 * DAY,
)
"""A public chain: rounds of a day, pay after a week."""

DEMO = Preset(
    limits=Limits(
        min=Windows(1, 1, 1, 2, 7, 1, 1, 1),
        max=MAINNET.limits.max,
        max_seats=MAX_SEATS,
        max_coefficients=1 << 30,
        max_fee_bps=2_000,
        max_open_rounds=64,
        max_lifetime=3 * 365 * DAY,
        ask_floor=GWEI,
    ),
    # COMMIT and REVEAL end as soon as all have sealed and revealed, so long deadlines cost nothing
    windows=Windows(60, 60, 5, 20, 8, 1, 1, 30),
    pot=ETHER,
    min_stake_units=3,
    fee_bps=500,
    seats=10,
    min_seals=3,
    open_rounds=8,
    lifetime=DAY,
)
"""A local chain that people watch: seconds."""

MINIMAL = Preset(
    limits=replace(
        DEMO.limits,
        max_seats=300,
        max_coefficients=1 << 20,
        max_fee_bps=1_000,
        max_open_rounds=3,
        ask_floor=10,
    ),
    windows=Windows(10, 10, 2, 4, 7, 1, 1, 12),
    pot=10_000,
    min_stake_units=3,
    fee_bps=500,
    seats=4,
    min_seals=2,
    open_rounds=2,
    lifetime=1_000,
)
"""Tests: the smallest sizes in which everything can happen, and limits close enough to hit."""

PRESETS = {"mainnet": MAINNET, "demo": DEMO, "minimal": MINIMAL}


def require(condition: bool, name: str, **args: Any) -> None:
    """Refuse with the contract's error `name` and its arguments unless `condition` holds."""
    if not condition:
        raise RefusedError(name, args)


def _check_windows(windows: Windows, limits: Limits) -> None:
    for index, field in enumerate(fields(Windows)):
        value = getattr(windows, field.name)
        low, high = getattr(limits.min, field.name), getattr(limits.max, field.name)
        require(low <= value <= high, "MarketWindowOutOfRange", index=index, value=value, min=low, max=high)
    proposed, least, most = windows.proposed, 2 * windows.first_right, windows.reveal
    require(least <= proposed <= most, "MarketProposedWindow", proposed=proposed, least=least, most=most)
    challenge, least = windows.challenge, ANSWERS_PER_CHALLENGE * windows.answer
    require(challenge >= least, "MarketChallengeTooShort", challenge=challenge, least=least)
    refute, least = windows.refute, windows.answer
    require(refute >= least, "MarketRefuteTooShort", refute=refute, least=least)


def _check_seats(params: Params, limits: Limits) -> None:
    seats, expected, most = params.seats, params.expected_seats, limits.max_seats
    require(seats <= most, "MarketTooManySeats", seats=seats, most=most)
    ordered = 1 <= params.min_seals <= expected <= seats
    require(ordered, "MarketSeatCounts", minSeals=params.min_seals, expectedSeats=expected, seats=seats)
    pot, least = params.pot, POT_PER_SEAT * seats
    require(pot >= least, "MarketPotTooSmall", pot=pot, least=least)
    stake, least = params.min_stake, params.unit
    require(stake >= least, "MarketStakeTooLow", stake=stake, least=least)


def _check_rest(params: Params, limits: Limits, now: int) -> None:
    fee, most = params.fee_bps, limits.max_fee_bps
    require(fee <= most, "MarketFeeTooHigh", feeBps=fee, most=most)
    rounds, most = params.open_rounds, limits.max_open_rounds
    require(1 <= rounds <= most, "MarketOpenRoundsOutOfRange", openRounds=rounds, most=most)
    end, earliest, latest = params.end_date, now + 1, now + limits.max_lifetime
    in_time = earliest <= end <= latest
    require(in_time, "MarketEndDateOutOfRange", endDate=end, earliest=earliest, latest=latest)
    size, most = params.coefficients, limits.max_coefficients
    require(1 <= size <= most, "MarketCoefficientsOutOfRange", coefficients=size, most=most)
    columns, rule = params.columns, params.rule
    require(columns == SKETCH_COLUMNS, "MarketUnknownColumns", columns=columns, known=SKETCH_COLUMNS)
    require(rule == RULE_DEFAULT, "MarketUnknownRule", rule=rule, known=RULE_DEFAULT)
    rows, rounds = params.delta_rows, params.file_rounds
    require(rows == DELTA_ROWS, "MarketUnknownDeltaRows", deltaRows=rows, known=DELTA_ROWS)
    require(rounds == FILE_ROUNDS, "MarketUnknownFileRounds", fileRounds=rounds, known=FILE_ROUNDS)
