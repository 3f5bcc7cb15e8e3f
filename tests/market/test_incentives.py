"""No deviation pays: over the whole range that each preset's limits allow, and exactly up to where the sign changes."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from market import incentives as inc
from market.incentive_tables import (
    DEMO_CASE,
    DOC,
    MAINNET_CASE,
    TABLES,
    Case,
    decimal,
    deviations,
    documented,
)
from market.params import DEMO, MAINNET, POT_PER_SEAT, Params, Preset
from market.units import BPS_TOTAL

ROOT = Path(__file__).resolve().parents[2]
CASES = [MAINNET_CASE, DEMO_CASE]
BYTES = inc.leaf_answer_bytes(2_048, 20)
UINT96 = 2**96 - 1


@st.composite
def allowed(draw: st.DrawFn, preset: Preset) -> Params:
    """Anything that `create` accepts in a market with the preset's limits."""
    limits = preset.limits
    seats = draw(st.integers(1, limits.max_seats))
    min_seals = draw(st.integers(1, seats))
    least = POT_PER_SEAT * seats
    pot = draw(st.integers(least, 10 * least) | st.integers(least, UINT96 // 2))
    params = preset.project(
        0,
        draw(st.integers(1, limits.max_coefficients)),
        seats=seats,
        min_seals=min_seals,
        pot=pot,
        bond_floor=draw(st.integers(0, UINT96)),
        fee_bps=draw(st.integers(0, limits.max_fee_bps)),
        open_rounds=draw(st.integers(1, limits.max_open_rounds)),
    )
    params.check(limits, 0)
    return params


def anything() -> st.SearchStrategy[Params]:
    return st.one_of(allowed(MAINNET), allowed(DEMO))


# ----- lies -----


@given(anything(), st.integers(1, 64))
def test_lie_refuted_any_params__loses_a_bond_for_every_result(params: Params, results: int) -> None:
    profit = inc.lie_refuted(params, results)

    assert profit <= -results * params.bond < 0
    assert profit <= -params.bond_floor


@given(anything(), st.integers(1, 64))
def test_lie_refuted_by_itself_any_params__loses_two_thirds(params: Params, results: int) -> None:
    profit = inc.lie_refuted_by_itself(params, results)

    assert 3 * profit <= -2 * inc.pool_of(params, results) < 0


@given(anything(), st.integers(0, BPS_TOTAL - 1))
def test_owner_lies_any_params__loses_what_others_earn_of_a_third(params: Params, pay_bps: int) -> None:
    profit = inc.owner_lies(params, pay_bps)

    assert BPS_TOTAL * profit <= -(BPS_TOTAL - pay_bps) * inc.third(params, 1) < 0


def test_owner_lies_with_every_seat__is_alone_with_itself() -> None:
    assert inc.owner_lies(MAINNET_CASE.params, BPS_TOTAL) == 0


@given(anything(), st.integers(1, 64), st.integers(0, UINT96))
def test_watch_needed_any_params__is_where_the_sign_changes(
    params: Params, results: int, unclaimed: int
) -> None:
    needed = inc.watch_needed_bps(params, results, unclaimed)

    assert 0 < needed <= BPS_TOTAL
    assert inc.lie_expected(params, needed, results, unclaimed) < 0
    assert inc.lie_expected(params, needed - 1, results, unclaimed) >= 0


@given(anything(), st.integers(1, 64))
def test_watch_needed_nothing_unclaimed__never_above_two_fifths(params: Params, results: int) -> None:
    assert inc.watch_needed_bps(params, results) <= 4_000 + 2  # bond is rounded down


def test_watch_needed_more_unclaimed__grows() -> None:
    params = MAINNET_CASE.params
    needed = [inc.watch_needed_bps(params, 1, pots * params.pot) for pots in (0, 1, 10, 100)]

    assert needed == sorted(needed)
    assert needed[0] == 3801
    assert needed[-1] > 9_800


@given(anything(), st.integers(1, 10))
def test_delay_by_convictions_any_params__costs_two_thirds_each(params: Params, times: int) -> None:
    assert inc.delay_by_convictions(params, times) <= -times * 2 * (params.bond // 3) < 0


# ----- asks and refutations -----


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_refutation_gas_price_at_the_limit__breaks_even_there(case: Case) -> None:
    limit = inc.third(case.params, 1) // inc.REFUTE_GAS

    assert inc.refutation(case.params, limit - 1) > 0
    assert inc.refutation(case.params, limit) >= 0
    assert inc.refutation(case.params, limit + 1) < 0


@given(anything(), st.integers(1, 10**12))
def test_bond_floor_for_any_gas_price__pays_for_asks_and_refutation(params: Params, gas_price: int) -> None:
    enough = replace(params, bond_floor=inc.bond_floor_for(gas_price, BYTES))

    assert inc.refutation(enough, gas_price, inc.MOST_QUESTIONS, BYTES) >= 0


def test_bond_floor_for_one_less__does_not_pay() -> None:
    floor = inc.bond_floor_for(7, BYTES)
    small = DEMO.project(0, 1, pot=10_000, bond_floor=floor)
    assert small.bond < floor

    assert inc.refutation(small, 7, inc.MOST_QUESTIONS, BYTES) == 0
    less = DEMO.project(0, 1, pot=10_000, bond_floor=floor - 1)
    assert inc.refutation(less, 7, inc.MOST_QUESTIONS, BYTES) == -1


@given(st.integers(1, 10**12))
def test_false_refutation_any_gas_price__only_costs(gas_price: int) -> None:
    assert inc.false_refutation(gas_price) < 0


@given(st.integers(1, 20_000), st.integers(1, 10**12), st.integers(1, 100_000))
def test_flood_any_size__costs_and_grows_faster_than_its_number(size: int, fee: int, asks: int) -> None:
    assert inc.flood_answered(size, fee, asks) < 0
    assert inc.flood_cost(size, fee, 2 * asks) >= 2 * inc.flood_cost(size, fee, asks)
    assert inc.flood_cost(size, fee, asks + 64) > inc.flood_cost(size, fee, asks) + inc.flood_cost(
        size, fee, 64
    )


@given(st.integers(1, 20_000), st.integers(1, 10**12), st.integers(1, 200))
def test_flood_cost__is_the_sum_of_the_prices(size: int, fee: int, asks: int) -> None:
    paid = sum(inc.ask_price(size, fee, open_) + inc.ASK_GAS * fee for open_ in range(asks))

    assert 0 <= paid - inc.flood_cost(size, fee, asks) <= 2 * asks


def test_ask_price_with_64_open__is_doubled() -> None:
    base = inc.base_price(BYTES, 10)

    assert [inc.ask_price(BYTES, 10, n) - base for n in (0, 64, 128)] == [0, base, 2 * base]


@pytest.mark.parametrize(
    ("size", "gas"),
    [
        (BYTES, inc.LEAF_ANSWER_GAS),
        (inc.leaf_answer_bytes(2_048, 10), inc.LEAF_ANSWER_GAS),
        (inc.nodes_answer_bytes(20, 8), inc.NODES_ANSWER_GAS),
        (inc.nodes_answer_bytes(30, 8), inc.NODES_ANSWER_GAS),
    ],
)
def test_answerer_at_the_asks_base_fee__loses_nothing(size: int, gas: int) -> None:
    assert inc.answerer(size, gas, 10**9, 0) >= 0
    tip = inc.answerer(size, gas, 10**9, 0) // gas
    assert inc.answerer(size, gas, 10**9, tip) >= 0 > inc.answerer(size, gas, 10**9, tip + 1)


def test_answerer_when_the_base_fee_has_risen__pays_the_difference() -> None:
    assert inc.answerer(BYTES, inc.LEAF_ANSWER_GAS, 10, 0, 20) == BYTES * 600 - inc.LEAF_ANSWER_GAS * 20 < 0


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_price_out_watchers_presets__dearer_than_all_it_could_take(case: Case) -> None:
    for results in range(1, case.params.open_rounds + 1):
        assert inc.price_out_watchers(case.params, BYTES, case.gas_price, results) < 0


def test_price_out_watchers_bond_below_the_floor_for_this_gas__nobody_looks() -> None:
    """The other side of `bond_floor_for`: where a third pays for no refutation, a lie is free of watchers."""
    small = DEMO.project(0, 1, pot=10_000, bond_floor=0)

    assert inc.price_out_watchers(small, BYTES, 10**9) == small.pot - small.fee
    assert inc.refutation(small, 10**9) < 0


# ----- trainers -----


@given(anything(), st.data())
def test_reveal_withheld_any_part_of_the_seals__loses(params: Params, data: st.DataObject) -> None:
    seals = data.draw(st.integers(params.min_seals, params.seats))
    own = data.draw(st.integers(1, seals))
    withheld = data.draw(st.integers(1, own))
    assume(own < seals)

    assert inc.reveal_withheld(params, seals, own, withheld) <= 0


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_reveal_withheld_alone__costs_its_pay_and_its_unit_less_nothing(case: Case) -> None:
    p = case.params

    assert inc.reveal_withheld(p, p.seats, 1, 1) == -p.unit - -(-(p.pot - p.fee) // p.seats)


def test_reveal_withheld_by_half_and_by_one_more__units_up_to_the_half() -> None:
    p = DEMO_CASE.params
    with_units = inc.reveal_withheld(p, 10, 6, 5)
    without = inc.reveal_withheld(p, 10, 6, 6)

    assert with_units == (p.pot - p.fee + 5 * p.unit) // 5 - -(-6 * (p.pot - p.fee) // 10) - 5 * p.unit
    assert without == -6 * (p.pot - p.fee) // 10


def test_reveal_withheld_by_all__nothing_is_paid() -> None:
    p = DEMO_CASE.params

    assert inc.reveal_withheld(p, 10, 10, 10) == -(p.pot - p.fee)


def test_seed_gain_one_draw__nothing() -> None:
    assert inc.seed_gain(MAINNET_CASE.params, 32, 16, 1) == 0


@given(st.integers(1, 31), st.integers(2, 2**32))
def test_seed_gain_twice_the_draws__little_more(own: int, draws: int) -> None:
    params = MAINNET_CASE.params
    once, twice = (inc.seed_gain(params, 32, own, n) for n in (draws, 2 * draws))

    assert 0 < once <= twice <= 2 * once


@pytest.mark.parametrize("preset", [MAINNET, DEMO])
def test_best_seed_choice_up_to_half_of_the_seals__never_pays(preset: Preset) -> None:
    params = preset.project(0, 10_000)

    assert inc.seats_that_gain(params, params.seats) == 0


@settings(max_examples=40)
@given(st.integers(2, 32), st.data())
def test_best_seed_choice_up_to_32_seats_any_minimum__never_pays(seats: int, data: st.DataObject) -> None:
    params = MAINNET.project(0, 10_000, seats=seats, min_seals=data.draw(st.integers(1, seats)))

    assert inc.seats_that_gain(params, seats) == 0


def test_best_seed_choice_large_project_large_minimum__pays_from_a_number_of_seats_on() -> None:
    """Units of a thousandth of the pot do not hold a group of many seats: the page says so."""
    params = MAINNET.project(0, 10_000, seats=1_000, min_seals=1_000)
    first = inc.seats_that_gain(params, 1_000)

    assert first > 32
    assert inc.best_seed_choice(params, 1_000, first - 1) < 0 <= inc.best_seed_choice(params, 1_000, first)


@pytest.mark.parametrize(("seats", "share"), [(64, 4), (128, 4), (200, 8), (300, 8)])
def test_best_seed_choice_minimum_of_a_small_share__never_pays(seats: int, share: int) -> None:
    params = MAINNET.project(0, 10_000, seats=seats, min_seals=seats // share)

    assert inc.seats_that_gain(params, seats) == 0


@given(anything(), st.integers(2, 64), st.integers(1, 10**12))
def test_split_same_file__costs_gas_and_brings_nothing(params: Params, seats: int, gas_price: int) -> None:
    assert inc.split(params, params.seats, seats, BPS_TOTAL, gas_price) < 0


def test_split_of_data_at_the_measured_gain__pays_where_gas_is_cheap() -> None:
    """Known limit 8: not prevented. The price of gas at which two halves earn no more than one whole."""
    params = MAINNET_CASE.params
    limit = inc.mean_pay(params, params.seats) * 6 // 10 // (inc.SEAL_GAS + inc.REVEAL_GAS)

    assert inc.split(params, params.seats, 2, 16_000, limit) >= 0
    assert inc.split(params, params.seats, 2, 16_000, limit + 1) < 0


# ----- capital -----


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_capital_presets__twelve_pots(case: Case) -> None:
    assert inc.capital(case.params) == 12 * case.params.pot


def test_open_rounds_needed_mainnet__fits_without_asks_only() -> None:
    params = MAINNET_CASE.params

    assert inc.open_rounds_needed(params, asked=False) == params.open_rounds
    assert inc.open_rounds_needed(params, asked=True) == params.open_rounds + 2


def test_yearly_return_gas_above_the_fee__below_zero() -> None:
    params = MAINNET_CASE.params
    limit = params.fee // inc.POST_GAS

    assert inc.yearly_return_bps(params, limit) >= 0 > inc.yearly_return_bps(params, limit + 1)


# ----- the page -----


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_deviations_presets__all_lose(case: Case) -> None:
    assert not [row for row in deviations(case) if row[2] >= 0]


def test_documented_page__has_the_tables_of_the_code() -> None:
    page = (ROOT / DOC).read_text()

    assert all(f"<!-- table {name} -->" in page for name in TABLES)
    assert documented(page) == page, "run python -m benchmarks.incentives --tables"


def test_documented_unknown_table__key_error() -> None:
    with pytest.raises(KeyError, match="nothing"):
        documented("<!-- table nothing --><!-- end -->")


@pytest.mark.parametrize(
    ("value", "text"), [(0, "0.00000"), (-1, "-0.00001"), (1, "0.00001"), (-15 * 10**17, "-1.50000")]
)
def test_decimal__small_losses_show(value: int, text: str) -> None:
    assert decimal(value, 10**18) == text
