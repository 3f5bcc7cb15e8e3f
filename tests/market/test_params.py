"""Parameters: presets hold, every relation is refused by its own error at its limit."""

from dataclasses import replace
from typing import Any

import pytest

from market.errors import RefusedError
from market.params import (
    DELTA_ROWS,
    FILE_ROUNDS,
    MINIMAL,
    PRESETS,
    Content,
    Limits,
    Params,
    Preset,
    Windows,
)
from market.units import MAX_SEATS, NATIVE, ZERO32

NOW = 1_000_000
LIMITS = MINIMAL.limits
PARAMS = MINIMAL.project(NOW, 4096)


def with_windows(**changes: int) -> Params:
    return replace(PARAMS, windows=replace(PARAMS.windows, **changes))


@pytest.mark.parametrize("name", PRESETS)
def test_project_of_preset__checks(name: str) -> None:
    preset: Preset = PRESETS[name]

    preset.project(NOW, 1000).check(preset.limits, NOW)


@pytest.mark.parametrize("name", PRESETS)
@pytest.mark.parametrize("seats", [1, 2, 40, 256])
def test_project_of_preset_with_other_seats__checks(name: str, seats: int) -> None:
    preset = PRESETS[name]

    preset.project(NOW, 1000, seats=seats).check(preset.limits, NOW)


def test_unit_bond_fee__round_down() -> None:
    params = replace(PARAMS, pot=10_001, min_seals=2, fee_bps=333)

    assert (params.unit, params.bond, params.fee) == (5_000, 15_001, 333)


LIMIT_CASES: list[tuple[str, Params, Params]] = [
    ("MarketWindowOutOfRange", with_windows(commit=1), with_windows(commit=0)),
    (
        "MarketWindowOutOfRange",
        with_windows(dead=LIMITS.max.dead),
        with_windows(dead=LIMITS.max.dead + 1),
    ),
    ("MarketProposedWindow", with_windows(first_right=2), with_windows(first_right=3)),
    ("MarketProposedWindow", with_windows(proposed=10), with_windows(proposed=11)),
    ("MarketChallengeTooShort", with_windows(challenge=7), with_windows(challenge=8, answer=2, refute=2)),
    (
        "MarketRefuteTooShort",
        with_windows(refute=2, answer=1),
        with_windows(refute=1, answer=2, challenge=14),
    ),
    (
        "MarketTooManySeats",
        replace(PARAMS, seats=300, pot=300_000, min_stake=150_000),
        replace(PARAMS, seats=301, pot=400_000, min_stake=200_000),
    ),
    ("MarketSeatCounts", replace(PARAMS, min_seals=1, min_stake=10_000), replace(PARAMS, min_seals=0)),
    ("MarketSeatCounts", replace(PARAMS, expected_seats=2), replace(PARAMS, expected_seats=1)),
    ("MarketSeatCounts", replace(PARAMS, expected_seats=4), replace(PARAMS, expected_seats=5)),
    ("MarketPotTooSmall", replace(PARAMS, pot=4_000), replace(PARAMS, pot=3_999)),
    ("MarketStakeTooLow", replace(PARAMS, min_stake=5_000), replace(PARAMS, min_stake=4_999)),
    ("MarketFeeTooHigh", replace(PARAMS, fee_bps=1_000), replace(PARAMS, fee_bps=1_001)),
    ("MarketOpenRoundsOutOfRange", replace(PARAMS, open_rounds=1), replace(PARAMS, open_rounds=0)),
    ("MarketOpenRoundsOutOfRange", replace(PARAMS, open_rounds=3), replace(PARAMS, open_rounds=4)),
    ("MarketEndDateOutOfRange", replace(PARAMS, end_date=NOW + 1), replace(PARAMS, end_date=NOW)),
    (
        "MarketEndDateOutOfRange",
        replace(PARAMS, end_date=NOW + LIMITS.max_lifetime),
        replace(PARAMS, end_date=NOW + LIMITS.max_lifetime + 1),
    ),
    ("MarketCoefficientsOutOfRange", replace(PARAMS, coefficients=1), replace(PARAMS, coefficients=0)),
    (
        "MarketCoefficientsOutOfRange",
        replace(PARAMS, coefficients=1 << 20),
        replace(PARAMS, coefficients=(1 << 20) + 1),
    ),
    ("MarketUnknownColumns", PARAMS, replace(PARAMS, columns=1024)),
    ("MarketUnknownRule", PARAMS, replace(PARAMS, rule=2)),
    ("MarketUnknownRule", PARAMS, replace(PARAMS, rule=0)),
    ("MarketUnknownDeltaRows", PARAMS, replace(PARAMS, delta_rows=2)),
    ("MarketUnknownDeltaRows", PARAMS, replace(PARAMS, delta_rows=4)),
    ("MarketUnknownFileRounds", PARAMS, replace(PARAMS, file_rounds=1)),
    ("MarketUnknownFileRounds", PARAMS, replace(PARAMS, file_rounds=3)),
]


@pytest.mark.parametrize(("error", "good", "bad"), LIMIT_CASES, ids=lambda v: v if isinstance(v, str) else "")
def test_check_beyond_limit__refuses(error: str, good: Params, bad: Params) -> None:
    good.check(LIMITS, NOW)

    with pytest.raises(RefusedError) as caught:
        bad.check(LIMITS, NOW)
    assert caught.value.name == error


def test_check_token_without_code__refuses() -> None:
    token = replace(PARAMS, token="0x" + "11" * 20)
    token.check(LIMITS, NOW)
    PARAMS.check(LIMITS, NOW, token_has_code=False)  # the native coin has no code

    with pytest.raises(RefusedError, match="MarketTokenWithoutCode"):
        token.check(LIMITS, NOW, token_has_code=False)


@pytest.mark.parametrize("index", [0, 1, 2])
def test_content_check_zero__refuses(index: int) -> None:
    words = [b"\x01" * 32] * 3
    Content(*words).check()
    words[index] = ZERO32

    with pytest.raises(RefusedError) as caught:
        Content(*words).check()
    assert (caught.value.name, caught.value.args_) == ("MarketZeroHash", {})


def test_from_abi__is_the_inverse_of_to_abi() -> None:
    encoded: Any = PARAMS.to_abi()

    assert Params.from_abi(encoded) == PARAMS
    assert Limits.from_abi(LIMITS.to_abi()) == LIMITS
    assert encoded[0] == NATIVE
    assert encoded[-1] == PARAMS.windows.to_abi() == tuple(vars(PARAMS.windows).values())


def test_from_abi_of_mapping__reads_solidity_names() -> None:
    names = ["commit", "reveal", "firstRight", "proposed", "challenge", "answer", "refute", "dead"]

    assert Windows.from_abi(dict(zip(names, range(8), strict=True))) == Windows(*range(8))


def test_from_abi_wrong_length__refuses() -> None:
    with pytest.raises(ValueError, match="7 values for 8 fields"):
        Windows.from_abi(range(7))


def test_ceilings__are_those_of_the_design() -> None:
    assert (MAX_SEATS, DELTA_ROWS, FILE_ROUNDS) == (1024, 3, 2)
