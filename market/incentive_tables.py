"""Tables of `docs/incentives.md`: the formulas of `market/incentives.py` with the numbers of the presets."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from market.incentives import (
    ASK_PRICE_PER_BYTE,
    LEAF_ANSWER_GAS,
    MOST_QUESTIONS,
    NODES_ANSWER_GAS,
    best_seed_choice,
    capital,
    delay_by_convictions,
    false_refutation,
    flood_answered,
    leaf_answer_bytes,
    lie_refuted,
    lie_refuted_by_itself,
    mean_pay,
    nodes_answer_bytes,
    open_rounds_needed,
    owner_lies,
    post_copied,
    price_out_watchers,
    refutation,
    reveal_withheld,
    seats_that_gain,
    silence,
    split,
    watch_needed_bps,
)
from market.merkle import depth_for
from market.params import DEMO, MAINNET, Params
from market.units import BPS_TOTAL

GWEI: Final = 10**9
DOC: Final = "docs/incentives.md"


@dataclass(frozen=True)
class Case:
    """A project of a preset, with prices of its chain: what the tables show."""

    name: str
    params: Params
    gas_price: int
    """smallest units for one gas, base fee and tip together"""


MAINNET_CASE: Final = Case("MAINNET", MAINNET.project(0, 10_000_000), GWEI)
DEMO_CASE: Final = Case("DEMO", DEMO.project(0, 5_000), GWEI)


def deviations(case: Case) -> list[tuple[str, str, int]]:
    """(who, what it does, profit in smallest units) with the case's numbers; each must be negative."""
    p, seals, gas = case.params, case.params.seats, case.gas_price
    leaf = leaf_answer_bytes(2_048, depth_for(-(-p.coefficients // 1_024)))
    half = seals // 2
    return [
        ("aggregator", "lies, is refuted", lie_refuted(p)),
        ("aggregator", f"lies in {p.open_rounds} open results at once", lie_refuted(p, p.open_rounds)),
        ("aggregator", "lies and refutes itself", lie_refuted_by_itself(p)),
        ("aggregator", "the same, its seats earn half of the pay", lie_refuted_by_itself(p, pay_bps=5_000)),
        ("aggregator", "leaves an ask unanswered", silence(p)),
        ("aggregator", "posts a copied result", post_copied(p)),
        ("aggregator", "floods its lie to price watchers out", price_out_watchers(p, leaf, gas)),
        ("owner", "posts `paid = 0`, refutes itself", owner_lies(p)),
        ("owner", "the same, its seats earn half of the pay", owner_lies(p, 5_000)),
        ("competitor", "refutes the truth", false_refutation(gas)),
        ("competitor", "stalls a result by one ask", flood_answered(leaf, gas, 1)),
        ("competitor", "floods a result with 100 asks", flood_answered(leaf, gas, 100)),
        ("competitor", "delays a round by two convictions", delay_by_convictions(p, 2)),
        ("trainer", "withholds its reveal", reveal_withheld(p, seals, 1, 1)),
        ("trainer", f"chooses the seed with {half} of {seals} seals", best_seed_choice(p, seals, half)),
        ("trainer", "sends the same file from two seats", split(p, seals, 2, BPS_TOTAL, gas)),
    ]


def decimal(value: int, unit: int, digits: int = 5) -> str:
    """`value / unit` in decimals, rounded away from zero: a small loss never shows as none."""
    scaled = -(-abs(value) * 10**digits // unit)
    whole, part = divmod(scaled, 10**digits)
    return f"{'-' if value < 0 else ''}{whole}.{part:0{digits}d}"


def deviation_table(cases: tuple[Case, ...] = (MAINNET_CASE, DEMO_CASE)) -> str:
    """Markdown of `deviations` in pots."""
    lines = [
        f"| Who | Deviation | {' | '.join(case.name for case in cases)} |",
        "|---|---|" + "---|" * len(cases),
    ]
    columns = [deviations(case) for case in cases]
    for rows in zip(*columns, strict=True):
        values = [decimal(row[2], case.params.pot) for row, case in zip(rows, cases, strict=True)]
        what = rows[0][1] if len({row[1] for row in rows}) == 1 else " / ".join(row[1] for row in rows)
        lines.append(f"| {rows[0][0]} | {what} | {' | '.join(values)} |")
    return "\n".join(lines)


def capital_table(cases: tuple[Case, ...] = (MAINNET_CASE, DEMO_CASE)) -> str:
    """Markdown: what an aggregator needs and earns, and what keeps lies dear."""
    rows: list[tuple[str, Callable[[Case], str]]] = [
        ("bond of one result, pots", lambda c: decimal(c.params.bond, c.params.pot, 2)),
        ("open rounds D", lambda c: str(c.params.open_rounds)),
        ("capital for all rounds alone, pots", lambda c: decimal(capital(c.params), c.params.pot, 2)),
        ("D without waiting, nobody asks", lambda c: str(open_rounds_needed(c.params, False))),
        ("D without waiting, every result asked", lambda c: str(open_rounds_needed(c.params, True))),
        ("fee of a round, pots", lambda c: decimal(c.params.fee, c.params.pot, 3)),
        ("watched often enough: one result, %", lambda c: decimal(watch_needed_bps(c.params), 100, 2)),
        (
            "the same, 20 mean shares unclaimed, %",
            lambda c: decimal(watch_needed_bps(c.params, 1, 20 * mean_pay(c.params, c.params.seats)), 100, 2),
        ),
        (
            "refuter's third less gas at 1 gwei, pots",
            lambda c: decimal(refutation(c.params, c.gas_price), c.params.pot),
        ),
        (
            "the same after five asks for 256 nodes, pots",
            lambda c: decimal(
                refutation(c.params, c.gas_price, MOST_QUESTIONS, nodes_answer_bytes(20, 8)), c.params.pot
            ),
        ),
        (
            "seats that gain by choosing a seed",
            lambda c: str(seats_that_gain(c.params, c.params.seats) or "none"),
        ),
    ]
    names = " | ".join(case.name for case in cases)
    lines = [f"| | {names} |", "|---|" + "---|" * len(cases)]
    return "\n".join([*lines, *(f"| {name} | {' | '.join(show(c) for c in cases)} |" for name, show in rows)])


def ask_table() -> str:
    """Markdown: gas that an ask pays for against gas that its answer takes."""
    rows = [
        (
            "update or delta leaf, d = 1e9",
            leaf_answer_bytes(2_048, depth_for(-(-(10**9) // 1_024))),
            LEAF_ANSWER_GAS,
        ),
        ("256 nodes, 12 levels above them", nodes_answer_bytes(20, 8), NODES_ANSWER_GAS),
    ]
    lines = [
        "| Answer | bytes | asker pays, gas | answer takes, gas | tip covered |",
        "|---|---|---|---|---|",
    ]
    for name, size, gas in rows:
        paid = size * ASK_PRICE_PER_BYTE
        lines.append(
            f"| {name} | {size:,} | {paid:,} | {gas:,} | {100 * (paid - gas) // gas} % of the base fee |"
        )
    return "\n".join(lines)


TABLES: Final = {"deviations": deviation_table, "capital": capital_table, "asks": ask_table}


def documented(page: str) -> str:
    """`page` with every table between `<!-- table NAME -->` and `<!-- end -->` renewed; KeyError for an unknown one."""
    out, rest = "", page
    while "<!-- table " in rest:
        head, _, tail = rest.partition("<!-- table ")
        name, _, tail = tail.partition(" -->")
        _, _, rest = tail.partition("<!-- end -->")
        out += f"{head}<!-- table {name} -->\n{TABLES[name]()}\n<!-- end -->"
    return out + rest
