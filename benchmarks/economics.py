"""What splitting, laziness and checking bring, in integers: formulas and tables of docs/incentives.md, section 8.

    python -m benchmarks.economics [--write]

Gains of splitting and of lazy work are inputs: `benchmarks.properties` measures them. Amounts are smallest units, as in
`market.incentives`; shares are basis points.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import Final

from market.incentive_tables import DEMO_CASE, DOC, GWEI, MAINNET_CASE, decimal
from market.incentives import REFUTE_GAS, REVEAL_GAS, SEAL_GAS, mean_pay, third
from market.params import Params
from market.units import BPS_TOTAL

ROOT: Final = Path(__file__).resolve().parent.parent
CASES: Final = (MAINNET_CASE, DEMO_CASE)
SPLIT_BPS: Final = {2: 17_500, 3: 22_000, 5: 29_000}
"""Pay of one part of the data in so many seats over its pay in one: above what `benchmarks.properties` measures."""
YEARLY_BPS: Final = 500
"""What locked money would earn elsewhere in a year."""
YEAR: Final = 365 * 86_400


def split_gain(params: Params, seals: int, total_bps: int) -> int:
    """What splitting brings in a round before its costs."""
    return mean_pay(params, seals) * (total_bps - BPS_TOTAL) // BPS_TOTAL


def gas_price_that_stops_splitting(params: Params, seals: int, seats: int, total_bps: int) -> int:
    """The least price of gas at which `seats` seats bring no more than one."""
    gas = (seats - 1) * (SEAL_GAS + REVEAL_GAS)
    return -(-split_gain(params, seals, total_bps) // gas)


def seat_fee_that_stops_splitting(params: Params, seals: int, seats: int, total_bps: int) -> int:
    """The least fee for each seat and round, burned, at which `seats` seats bring no more than one."""
    return -(-split_gain(params, seals, total_bps) // (seats - 1))


def stake_that_stops_splitting(params: Params, seals: int, seats: int, total_bps: int) -> int:
    """The least stake of a seat whose interest over a round of full length outweighs splitting."""
    windows = params.windows
    gain = split_gain(params, seals, total_bps) * BPS_TOTAL * YEAR
    return -(-gain // ((seats - 1) * YEARLY_BPS * (windows.commit + windows.reveal)))


def cost_from_which_lazy_pays_bps(pay_bps: int, work_bps: int) -> int:
    """Cost of full training, in parts of its pay, above which it is better to do `work_bps` of it for `pay_bps` of the
    pay: (1 - pay) / (1 - work)."""
    return max(0, BPS_TOTAL - pay_bps) * BPS_TOTAL // (BPS_TOTAL - work_bps)


def checking(params: Params, reveals: int, gas_price: int, cheat_bps: int, cost: int) -> int:
    """Profit, times 10,000, of a trainer that checks a result at `cost` if it is a lie with this probability: the
    refuter's third less gas, and its own pay, which a lie would have taken."""
    saved = third(params, 1) - REFUTE_GAS * gas_price + mean_pay(params, reveals)
    return cheat_bps * saved - BPS_TOTAL * cost


def cheating_from_which_checking_pays_bps(params: Params, reveals: int, gas_price: int, cost: int) -> int:
    """The least probability of a lie at which `checking` is positive; above 10,000 where it never is."""
    saved = third(params, 1) - REFUTE_GAS * gas_price + mean_pay(params, reveals)
    return BPS_TOTAL * cost // saved + 1 if saved > 0 else BPS_TOTAL + 1


def splitting_table() -> str:
    """What stops splitting, for each number of identities."""
    lines = ["| Identities | | " + " | ".join(case.name for case in CASES) + " |", "|---|---|---|---|"]
    rows: list[tuple[str, Callable[[Params, int, int, int], str]]] = [
        ("gain of a round, pots", lambda p, n, s, g: decimal(split_gain(p, n, g), p.pot)),
        (
            "no gain from this price of gas on, gwei",
            lambda p, n, s, g: decimal(gas_price_that_stops_splitting(p, n, s, g), GWEI, 1),
        ),
        (
            "or with this fee for a seat and round, of a mean pay",
            lambda p, n, s, g: decimal(seat_fee_that_stops_splitting(p, n, s, g), mean_pay(p, n), 2),
        ),
        (
            "or with this stake of a seat, pots",
            lambda p, n, s, g: decimal(stake_that_stops_splitting(p, n, s, g), p.pot, 1),
        ),
        ("stake of a seat by default, pots", lambda p, n, s, g: decimal(p.min_stake, p.pot, 2)),
    ]
    for seats, bps in SPLIT_BPS.items():
        for name, cell in rows:
            cells = (cell(case.params, case.params.seats, seats, bps) for case in CASES)
            lines.append(f"| {seats} | {name} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def checking_table() -> str:
    """How often results must be lies for checking to pay by itself."""
    lines = ["| Checking costs, pots | " + " | ".join(case.name for case in CASES) + " |", "|---|---|---|"]
    for per_pot in (10_000, 1_000, 100):
        cells = []
        for case in CASES:
            p = case.params
            bps = cheating_from_which_checking_pays_bps(p, p.seats, case.gas_price, p.pot // per_pot)
            cells.append(f"{decimal(bps, 100, 2)} %")
        lines.append(f"| 1/{per_pot:,} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


TABLES: Final = {"splitting": splitting_table, "checking": checking_table}


def renewed(page: str) -> str:
    """`page` with what stands between `<!-- figures NAME -->` and `<!-- end of figures -->` made anew."""
    for name, table in TABLES.items():
        head, _, rest = page.partition(f"<!-- figures {name} -->")
        _, _, tail = rest.partition("<!-- end of figures -->")
        page = f"{head}<!-- figures {name} -->\n{table()}\n<!-- end of figures -->{tail}"
    return page


def main() -> None:
    """Print the tables, or write them into the page."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--write", action="store_true")
    if parser.parse_args().write:
        page = ROOT / DOC
        page.write_text(renewed(page.read_text()))
        return
    for name, table in TABLES.items():
        print(f"{name}\n{table()}")


if __name__ == "__main__":
    main()
