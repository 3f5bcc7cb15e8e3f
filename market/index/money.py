"""The money equation of a project, from running totals of what moved and from what the project holds."""

from __future__ import annotations

from sqlalchemy import select

from market.index import schema
from market.index.columns import table_of
from market.index.look import Look
from market.index.movements import CREDITED, ENTERED
from market.index.views import Money
from market.spec.state import Project, misses_owed

TOTALS = table_of(schema.Total)


def money_of(look: Look, number: int, it: Project) -> Money:
    """Both sides; `Money.balances` says whether they agree."""
    mine = look.rows(select(TOTALS).where(TOTALS.c.project == number))
    totals = {row["kind"]: row["amount"] for row in mine}
    return Money(
        funded=totals.get("funded", 0),
        stakes_in=totals.get("stake", 0),
        bonds_in=totals.get("bond", 0),
        pay=totals.get("pay", 0),
        flat_pay=totals.get("flat_pay", 0),
        fees=totals.get("fee", 0),
        stakes_back=totals.get("stake_back", 0),
        bonds_back=totals.get("bond_back", 0),
        refuter_rewards=totals.get("refuter_reward", 0),
        refunded=totals.get("refunded", 0),
        burned=totals.get("burned", 0),
        other_credited=sum(amount for kind, amount in totals.items() if kind not in (*ENTERED, *CREDITED)),
        escrow=it.escrow,
        reserved=sum(facts.pot for facts in it.rounds.values() if not facts.flat),
        flat_open=sum(facts.pot for facts in it.rounds.values() if facts.flat),
        bucket=it.bucket,
        penalty_pool=it.penalty_pool,
        stakes=sum(seat.stake for seat in it.seats.values()),
        bonds=sum(pool.bond for pool in it.aggregators.values()),
        misses_owed=misses_owed(it),
    )
