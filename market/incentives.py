"""What every deviation brings or costs, in integers, from a project's parameters alone.

A profit is what a party has more, or less, than if it had been honest, in smallest units of the coin; honesty pays
while it is negative. Amounts of the project's token and prices of gas are compared one to one, as in a project that
pays in the native coin. `docs/incentives.md` explains each formula; its tables come from `market/incentive_tables.py`.

Terms: `pot`, `fee`, `unit`, `bond` and `bond_floor` are those of `market.params`; the *pool* is the bond of one poster
in one project, at least `max(bond_floor, results * bond)`; a conviction takes all of it, once: a third to the
refuter, a third to the round's pot, the rest to the escrow. Divisions round against the deviating party's loss.
"""

from __future__ import annotations

from math import comb, isqrt
from typing import Final

from market.params import Params
from market.units import BPS_TOTAL

SEAL_GAS, REVEAL_GAS, POST_GAS = 55_000, 45_000, 150_000
REFUTE_GAS: Final = 1_500_000
"""The dearest refutation."""
ASK_GAS: Final = 120_000
LEAF_ANSWER_GAS, NODES_ANSWER_GAS = 140_000, 390_000
ASK_PRICE_PER_BYTE: Final = 60
"""Gas that an asker pays for each byte of the answer, at the base fee of its block."""
ASK_SURCHARGE: Final = 64
"""The price of an ask rises by one of these parts for each open ask of the same result; the rise is burned."""
MOST_QUESTIONS: Final = 5
"""Asks that lead from a root to any wrong leaf."""
SEED_NOISE_BPS: Final = 1_000
"""Deviation of one seat's pay over seeds, in parts of the mean pay: `benchmarks.incentives` measures 300 to 900 as the
root mean square over the seats of a fourth round, and 1,160 in one run of eight."""


# ----- aggregators -----


def pool_of(params: Params, results: int) -> int:
    """The least bond of a poster with `results` >= 1 open results."""
    return max(params.bond_floor, results * params.bond)


def third(params: Params, results: int) -> int:
    """What a refuter receives, and the round's pot too; the escrow takes what division leaves."""
    return pool_of(params, results) // 3


def lie_refuted(params: Params, results: int = 1) -> int:
    """Profit of a poster whom a stranger refutes: nothing of what it posted is ever paid."""
    return -pool_of(params, results)


def lie_refuted_by_itself(
    params: Params, results: int = 1, pay_bps: int = 0, owner: bool = False, fee_too: bool = False
) -> int:
    """Profit of a poster that refutes itself from another address.

    `pay_bps`: the part of the round's pay that its own seats earn; `owner`: the escrow is its own too. With all pay and
    the escrow it takes everything back, from itself: nobody else is in such a project. `fee_too`: whether it counts
    the fee of the repaired round as lost.
    """
    pool, part = pool_of(params, results), third(params, results)
    back = part + part * pay_bps // BPS_TOTAL + (pool - 2 * part if owner else 0)
    return back - pool - (params.fee if fee_too else 0)


def spoils(params: Params, results: int, unclaimed: int) -> int:
    """The most that unnoticed lies take: all pay of `results` rounds, and what others have not claimed yet."""
    return results * (params.pot - params.fee) + unclaimed


def lie_expected(params: Params, watched_bps: int, results: int = 1, unclaimed: int = 0) -> int:
    """Profit, times 10,000, of lying in `results` open results if some honest watcher looks with this probability."""
    lost = pool_of(params, results) + results * params.fee
    return (BPS_TOTAL - watched_bps) * spoils(params, results, unclaimed) - watched_bps * lost


def watch_needed_bps(params: Params, results: int = 1, unclaimed: int = 0) -> int:
    """The least probability of an honest watcher, in basis points, at which lying does not pay."""
    taken = spoils(params, results, unclaimed)
    total = taken + pool_of(params, results) + results * params.fee
    return BPS_TOTAL * taken // total + 1


def silence(params: Params, results: int = 1) -> int:
    """Profit of a poster that does not answer an ask in time: as a lie."""
    return lie_refuted(params, results)


def post_copied(params: Params) -> int:
    """Profit of posting another poster's trees: sketch leaves carry the poster's address, so they are refuted."""
    return lie_refuted(params, 1)


def delay_by_convictions(params: Params, convictions: int) -> int:
    """Profit of delaying a round's pay by being convicted again and again, each time from a new address with a new
    bond, refuting itself. Each conviction brings at most T1 + W of delay."""
    return convictions * lie_refuted_by_itself(params)


def capital(params: Params) -> int:
    """Bond that an aggregator needs to post every round of a project by itself."""
    return pool_of(params, params.open_rounds)


def open_rounds_needed(params: Params, asked: bool) -> int:
    """Rounds open at one time if each takes its whole COMMIT and REVEAL and is posted at once: with fewer, training
    waits for pay. `asked`: every result is delayed by an ask."""
    windows = params.windows
    span = windows.commit + windows.reveal
    wait = windows.challenge + (windows.answer + windows.refute if asked else 0)
    return 1 + -(-wait // span)


def yearly_return_bps(params: Params, gas_price: int) -> int:
    """Fees less gas of a year of full-length rounds over `capital`, in basis points; below zero where gas eats fees."""
    rounds = 365 * 86_400 // (params.windows.commit + params.windows.reveal)
    return BPS_TOTAL * rounds * (params.fee - POST_GAS * gas_price) // capital(params)


# ----- watchers and asks -----


def refutation(
    params: Params, gas_price: int, questions: int = 0, answer_bytes: int = 0, results: int = 1
) -> int:
    """Profit of an honest watcher that refutes a lie, after `questions` asks for answers of this size."""
    asks = questions * (ASK_GAS * gas_price + base_price(answer_bytes, gas_price))
    return third(params, results) - REFUTE_GAS * gas_price - asks


def false_refutation(gas_price: int) -> int:
    """Profit of refuting the truth: the call reverts; the least gas that it costs is a call's."""
    return -21_000 * gas_price


def bond_floor_for(gas_price: int, answer_bytes: int = 0) -> int:
    """The least bond floor at which a third pays for five asks and the dearest refutation at this price of gas."""
    asks = MOST_QUESTIONS * (ASK_GAS * gas_price + base_price(answer_bytes, gas_price))
    return 3 * (REFUTE_GAS * gas_price + asks)


def leaf_answer_bytes(leaf: int, depth: int) -> int:
    """Bytes of the answer for one leaf: itself and its siblings."""
    return leaf + 32 * depth


def nodes_answer_bytes(depth: int, level: int) -> int:
    """Bytes of the answer for the nodes below node `level` (0: leaves) of a tree: at most 256, and its siblings."""
    return 32 * (1 << min(8, level)) + 32 * (depth - level)


def base_price(answer_bytes: int, base_fee: int) -> int:
    """Price of an ask that goes to whoever answers."""
    return answer_bytes * ASK_PRICE_PER_BYTE * base_fee


def ask_price(answer_bytes: int, base_fee: int, already_open: int) -> int:
    """Price of an ask when so many of the same result are open; all above `base_price` is burned."""
    base = base_price(answer_bytes, base_fee)
    return base + base * already_open // ASK_SURCHARGE


def flood_cost(answer_bytes: int, base_fee: int, asks: int) -> int:
    """At least what `asks` open asks of one result cost their asker."""
    base = base_price(answer_bytes, base_fee)
    return asks * (base + ASK_GAS * base_fee) + base * (asks * (asks - 1) // 2) // ASK_SURCHARGE - asks


def flood_answered(answer_bytes: int, base_fee: int, asks: int) -> int:
    """Profit of flooding a poster that answers: the base prices go to the answerer, the rest to nobody."""
    return -flood_cost(answer_bytes, base_fee, asks)


def answerer(answer_bytes: int, gas: int, base_fee: int, tip: int, fee_now: int | None = None) -> int:
    """Profit of answering one ask that was paid at `base_fee` when the base fee is `fee_now` (by default the same)."""
    return base_price(answer_bytes, base_fee) - gas * ((base_fee if fee_now is None else fee_now) + tip)


def price_out_watchers(params: Params, answer_bytes: int, base_fee: int, results: int = 1) -> int:
    """Profit of a liar that floods its own result with asks, which it answers itself, until five asks cost a
    watcher more than its third. What it burns is set against all that an unnoticed lie could take."""
    base, reward = base_price(answer_bytes, base_fee), third(params, results)
    spare = reward - REFUTE_GAS * base_fee - MOST_QUESTIONS * (ASK_GAS * base_fee + base)
    needed = max(0, ASK_SURCHARGE * spare // (MOST_QUESTIONS * base))
    burned = base * (needed * (needed - 1) // 2) // ASK_SURCHARGE
    return spoils(params, results, 0) - burned


# ----- trainers -----


def mean_pay(params: Params, reveals: int) -> int:
    """A seat's mean share of a round's pay."""
    return (params.pot - params.fee) // reveals


def reveal_withheld(params: Params, seals: int, own: int, withheld: int) -> int:
    """Profit, without a better seed, of who controls `own` of `seals` seats of equal worth and withholds reveals.

    The others share the units that it loses, and so do its own revealed seats. No unit is lost if fewer than half of
    all seals are revealed, and nothing is paid if none is."""
    pay, shown = params.pot - params.fee, seals - withheld
    if shown == 0:
        return -(own * pay // seals)
    units = withheld * params.unit if 2 * shown >= seals else 0
    return (own - withheld) * (pay + units) // shown - -(-own * pay // seals) - units


def seed_gain(params: Params, seals: int, own: int, draws: int) -> int:
    """Bound of what the best of `draws` >= 1 seeds brings `own` seats over the mean seed.

    sqrt(2 ln draws) deviations, for independent errors of the seats' pay; with 2 ln 2 < 13,864 / 10,000."""
    if draws == 1:
        return 0
    root = isqrt(own * draws.bit_length() * 13_864) + 1
    return mean_pay(params, seals) * SEED_NOISE_BPS * root // (BPS_TOTAL * 100) + 1


def seed_choice(params: Params, seals: int, own: int, withheld: int) -> int:
    """Profit of who may choose which of its reveals to withhold, at most so many, once it knows all seeds."""
    draws = sum(comb(own, left_out) for left_out in range(withheld + 1))
    return seed_gain(params, seals, own, draws) + reveal_withheld(params, seals, own, withheld)


def best_seed_choice(params: Params, seals: int, own: int) -> int:
    """The best of `seed_choice` among those that reveal at least half of all seals and withhold a seat at least."""
    return max(seed_choice(params, seals, own, w) for w in range(1, min(own, seals // 2) + 1))


def seats_that_gain(params: Params, seals: int) -> int:
    """Fewest seats, up to half of `seals`, for which choosing a seed pays; 0 where it never does."""
    return next((own for own in range(1, seals // 2 + 1) if best_seed_choice(params, seals, own) >= 0), 0)


def split(params: Params, seals: int, seats: int, total_bps: int, gas_price: int) -> int:
    """Profit of a round from holding `seats` seats that together earn `total_bps` of what one would."""
    return mean_pay(params, seals) * (total_bps - BPS_TOTAL) // BPS_TOTAL - (seats - 1) * gas_price * (
        SEAL_GAS + REVEAL_GAS
    )


def stake_locked(params: Params, seats: int) -> int:
    """What `seats` seats keep locked."""
    return seats * params.min_stake


# ----- owners -----


def owner_lies(params: Params, pay_bps: int = 0) -> int:
    """Profit of an owner that posts `paid = 0` and refutes itself before others do: pots of the rounds above are paid
    as ever, and only its model stands still."""
    return lie_refuted_by_itself(params, 1, pay_bps, owner=True)


def owner_lies_unwatched(params: Params) -> int:
    """What an owner takes back by `paid = 0` if nobody at all looks before FINAL: the limit of every optimistic
    scheme."""
    return params.pot - params.fee
