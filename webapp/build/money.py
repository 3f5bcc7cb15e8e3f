"""Where the money of a project is: one equation, and every row behind it."""

from __future__ import annotations

from market.index.views import Money
from webapp.models import Equation, Part

HELP = {
    "funded": "paid into the escrow by anybody",
    "stakes_in": "stakes of trainers",
    "bonds_in": "bonds of aggregators",
    "pay": "claimed by trainers",
    "flat_pay": "equal shares taken of rounds without a result",
    "fees": "of aggregators, for final rounds",
    "stakes_back": "stakes given back",
    "bonds_back": "bonds given back",
    "refuter_rewards": "thirds of liars' bonds",
    "refunded": "back to the owner",
    "burned": "penalties that no pot could take",
    "other_credited": "credits of kinds that this page does not know",
    "escrow": "pays further rounds",
    "reserved": "pots of rounds that are not settled",
    "flat_open": "equal shares not yet taken",
    "bucket": "pay of final rounds not yet claimed, and rounding",
    "penalty_pool": "joins the next pot",
    "stakes": "of seats held now",
    "bonds": "of aggregators now",
    "misses_owed": "units of missed reveals that stand in a pot and still in a stake",
}
"""What each row of the market's books means."""


def equation_of(money: Money, seats_held: int, over: bool) -> Equation:
    """`in = paid + refundable + locked + dust`. Stakes and bonds count only with what was lost of them.

    Follows from the market's own `entered == credited + inside`; both sides are computed from different events, so a
    page on which it does not balance shows a bug.
    """
    joined = money.stakes_in - money.stakes_back - money.stakes + money.misses_owed
    joined += money.bonds_in - money.bonds_back - money.bonds
    left_behind = money.bucket if over and not seats_held else 0
    claimable = money.bucket - left_behind + money.flat_open
    paid = money.pay + money.flat_pay + money.fees + money.refuter_rewards + money.other_credited + claimable
    parts = [
        Part("paid", paid, "claimed and claimable pay, fees, rewards of refuters"),
        Part("refundable", money.escrow + money.refunded, "in the escrow, or back with the owner"),
        Part("locked", money.reserved, "pots of open rounds: nobody can take them back"),
        Part("dust", money.penalty_pool + money.burned + left_behind, "penalties and rounding on their way"),
    ]
    entered = money.funded + joined
    balances = money.balances and entered == sum(part.amount for part in parts)
    details = [Part(name, getattr(money, name), text) for name, text in HELP.items()]
    return Equation(entered, parts, balances, details)
