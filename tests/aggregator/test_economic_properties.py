"""Properties that make honesty pay, on the real rule with one seed each; `benchmarks.properties` has more of them.

P1 free-riders, P2 copies, P3 split data, P4 new names, P5 attackers, P6 choice of the seed, P7 checking.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.collusion import gang
from benchmarks.economics import (
    CASES,
    SPLIT_BPS,
    cheating_from_which_checking_pays_bps,
    checking,
    cost_from_which_lazy_pays_bps,
    gas_price_that_stops_splitting,
    renewed,
    seat_fee_that_stops_splitting,
    split_gain,
    stake_that_stops_splitting,
)
from benchmarks.federated import ATTACKS as CHEATS
from benchmarks.federated import Federation, Training, digits, dirichlet
from benchmarks.incentives import choices
from benchmarks.properties import (
    ATTACKERS,
    FREE_RIDERS,
    HONEST,
    Arena,
    attacked,
    copies,
    lazy,
    over_median,
    part_time,
    parts_for,
    played,
    split_data,
)
from benchmarks.properties import whitewash as renamed
from market.incentive_tables import DOC, MAINNET_CASE, Case
from market.incentives import mean_pay, split
from market.units import BPS_TOTAL

ROUNDS = 12
ROOT = Path(__file__).resolve().parents[2]


@cache
def riders() -> dict[str, np.ndarray]:
    """Pay over the median of four kinds at once beside eight honest trainers: whole run, last third."""
    kinds = ("zeros", "last delta + 30 % noise", "peer's last file", "own first update")
    parts = parts_for(0)
    seats = dict(zip(range(HONEST, HONEST + len(kinds)), kinds, strict=True))
    arena = Arena(0, parts + parts[: len(kinds)], {seat: FREE_RIDERS[kind] for seat, kind in seats.items()})
    pay = played(arena, ROUNDS)
    return {kind: over_median(pay[:, [*range(HONEST), seat]]) for seat, kind in seats.items()}


@pytest.mark.parametrize("kind", ["zeros", "last delta + 30 % noise", "peer's last file", "own first update"])
def test_pay_of_a_free_rider__below_one_percent_once_something_is_public(kind: str) -> None:
    """P1. What it earns in the whole run is the luck of its first round, when there is nothing to compare with; who
    trains once and never again is paid for about that one round of twelve."""
    whole, settled = riders()[kind]

    assert settled < 0.01
    assert whole < 0.15


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_pay_of_a_free_rider_where_the_honest_hardly_agree__is_nothing_to_speak_of(seed: int) -> None:
    """A small market with uneven data, little training and three cheats of eight, where what is new in honest updates
    agrees no more than by chance: a median that is about zero must not open the gate for the last delta."""
    data = digits(seed)
    parts = dirichlet(data[1], 8, 0.5, np.random.default_rng([seed, 3]))
    cheats = dict(zip((5, 6, 7), (CHEATS["flip"], CHEATS["rider"], CHEATS["copier"]), strict=True))
    market = Federation(seed, parts, cheats, Training(steps=10, rate=0.1), data)
    for _ in range(4):
        market.round()

    pay = market.run.total()
    assert pay[6] < 0.05 * pay[:5].mean()


@pytest.mark.parametrize("part", ["15 %", "30 %"])
def test_pay_of_two_of_nine_who_share_noise__is_nothing(part: str) -> None:
    """Collusion without data: with the whole of its own doubt granted to each seat they earned more than the honest."""
    assert gang(f"last delta + 60 % noise, {part} of it shared", parts_for, 9, 2, 0, ROUNDS) < 0.05


def test_pay_of_six_of_twenty_with_as_much_noise_as_last_delta__less_than_half_a_share() -> None:
    assert gang("last delta + 100 % noise", parts_for, 20, 6, 0, ROUNDS) < 0.5


@pytest.mark.parametrize("share", [0.0, 0.1])
def test_pay_of_copies__at_most_that_of_one(share: float) -> None:
    """P2. The first rounds pay twice, as whether two resemble each other beyond what is public shows only then; the
    claims of later rounds take that back."""
    whole, settled = copies(share, 3, 0, ROUNDS)

    assert 0.5 < settled < whole <= 1.05


def test_pay_of_split_data__is_more_than_of_one_seat() -> None:
    """P3 is not reached: Shapley's own values pay more for two halves than for the whole (known limit 8)."""
    whole, settled = split_data(2, 0, ROUNDS)

    assert 1.3 < settled < SPLIT_BPS[2] / BPS_TOTAL
    assert 1.3 < whole < SPLIT_BPS[2] / BPS_TOTAL


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
@pytest.mark.parametrize("seats", SPLIT_BPS)
@pytest.mark.parametrize("more", [-1, 0, 1])
def test_split_around_the_price_of_gas_that_stops_it__changes_sign(case: Case, seats: int, more: int) -> None:
    params, seals, bps = case.params, case.params.seats, SPLIT_BPS[seats]

    price = gas_price_that_stops_splitting(params, seals, seats, bps) + more

    assert (split(params, seals, seats, bps, price) > 0) == (more < 0)
    fee = seat_fee_that_stops_splitting(params, seals, seats, bps) + more
    assert (split_gain(params, seals, bps) > (seats - 1) * fee) == (more < 0)


def test_split_with_default_parameters__pays() -> None:
    """So the page must not claim otherwise: neither gas at its price nor the default stake stops it."""
    for case in CASES:
        params, seals = case.params, case.params.seats
        assert split(params, seals, 2, SPLIT_BPS[2], case.gas_price) > 0
        assert stake_that_stops_splitting(params, seals, 2, SPLIT_BPS[2]) > params.min_stake


def test_pay_of_lazy_work_with_the_last_delta__more_than_its_share_of_work() -> None:
    """Not reached either (known limit 7): a fifth of the steps earns more than 1.2 fifths of the pay."""
    whole, settled = lazy(0.2, 1, ROUNDS)

    assert max(whole, settled) > 1.2 * 0.2
    assert whole < 1


@pytest.mark.parametrize("every", [2, 3])
def test_pay_of_who_trains_in_one_round_of_some__at_most_a_fifth_above_its_share_of_work(every: int) -> None:
    whole, settled = part_time(every, 0, ROUNDS)

    assert max(whole, settled) <= 1.2 / every


def test_pay_of_little_work_in_much_delta__at_most_a_fifth_above_its_share_of_work() -> None:
    whole, settled = lazy(0.2, 0, ROUNDS, 3.0)

    assert max(whole, settled) <= 1.2 * 0.2


@given(pay=st.integers(0, BPS_TOTAL), work=st.integers(0, BPS_TOTAL - 1), reward=st.integers(1, 10**9))
def test_cost_from_which_lazy_pays__is_where_both_bring_the_same(pay: int, work: int, reward: int) -> None:
    bps = cost_from_which_lazy_pays_bps(pay, work)

    def profit_of_lazy(cost_bps: int) -> int:
        return reward * ((pay - BPS_TOTAL) * BPS_TOTAL + cost_bps * (BPS_TOTAL - work))

    assert profit_of_lazy(bps) <= 0 < profit_of_lazy(bps + 1)


@pytest.mark.parametrize("kind", ["honest", "flip"])
def test_pay_under_a_new_name_every_third_round__never_more_than_of_who_stays(kind: str) -> None:
    """P4."""
    stays, renews = renamed(kind, 3, 0, ROUNDS)

    assert renews <= stays
    assert (stays > 0.5) == (kind == "honest")


@pytest.mark.parametrize("kind", ["sign flip", "FOE 10", "ALIE 1.5"])
def test_accuracy_with_three_attackers_of_ten__within_five_points_of_the_honest_alone(kind: str) -> None:
    """P5, the largest part of attackers; smaller parts and other attacks stand in the page."""
    assert kind in ATTACKERS
    assert attacked(kind, 3, 0, ROUNDS) < 5


def test_choice_of_the_seed_by_withholding__brings_nothing() -> None:
    """P6, on real updates: what a better seed pays is less than a unit and the pay of the withheld seat."""
    arena = Arena(0, parts_for(0, 10), {})
    played(arena, 3)
    arena.round()
    updates = arena.past[0]

    assert choices(MAINNET_CASE, arena, updates, 2)["gain"] == 0


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
@pytest.mark.parametrize("parts", [10_000, 1_000, 100])
def test_checking_around_the_least_probability_of_a_lie__changes_sign(case: Case, parts: int) -> None:
    """P7: with a lie in one round of so many, a trainer that checks has more than one that does not."""
    params = case.params
    told = (params, params.seats, case.gas_price)
    cost = params.pot // parts

    least = cheating_from_which_checking_pays_bps(*told, cost)

    assert least < BPS_TOTAL * 3 // 100
    assert checking(*told, least, cost) > 0 >= checking(*told, least - 1, cost)


def test_checking_where_a_refutation_costs_more_than_it_brings__never_pays() -> None:
    params = MAINNET_CASE.params
    dear = (params.pot + mean_pay(params, params.seats)) // 1_000

    assert cheating_from_which_checking_pays_bps(params, params.seats, dear, 1) == BPS_TOTAL + 1


def test_page__has_the_figures_of_the_formulas() -> None:
    page = (ROOT / DOC).read_text()

    assert renewed(page) == page, "run python -m benchmarks.economics --write"
