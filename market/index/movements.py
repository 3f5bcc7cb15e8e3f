"""Money of events: what entered a project, and what it gave as credits. Together with what a project holds these
are the money equation, which balances to the smallest unit at every block."""

from __future__ import annotations

from dataclasses import dataclass

from market import events as ev
from market.units import BURNED

ENTERED = ("funded", "stake", "bond")
CREDITED = ("pay", "flat_pay", "fee", "stake_back", "bond_back", "refuter_reward", "refunded", "burned")
WITHDRAWN = "withdrawn"
OF_ASKS = ("ask", "ask_returned", "ask_burned", "answer", "ask_settled")


@dataclass(frozen=True)
class Moved:
    """One movement, in smallest units of the project's token. `account`: who paid, or whose credit grew."""

    kind: str
    account: str
    amount: int
    seat: int | None = None
    round: int | None = None
    native: bool = False
    """in wei, whatever the project's token is: the price of asks, which is no part of the project's money"""


def movements(event: ev.Event, signer: str = "") -> list[Moved]:
    """What an event moved; nothing for most kinds. `signer`: holder of the event's seat, which no event names."""
    return [moved for moved in _movements(event, signer) if moved.amount]


def _movements(event: ev.Event, signer: str) -> list[Moved]:
    match event:
        case ev.ProjectFunded():
            return [Moved("funded", event.from_, event.amount)]
        case ev.TrainerRegistered():
            return [Moved("stake", event.signer, event.stake, event.seat)]
        case ev.StakeAdded():
            return [Moved("stake", signer, event.amount, event.seat)]
        case ev.BondAdded():
            return [Moved("bond", event.aggregator, event.amount)]
        case ev.BondRemoved():
            return [Moved("bond_back", event.aggregator, event.amount)]
        case ev.Claimed():
            return [Moved("pay", event.payout, event.amount, event.seat)]
        case ev.FlatClaimed():
            return [Moved("flat_pay", event.payout, event.amount, event.seat, event.round)]
        case ev.TrainerLeft():
            back = Moved("stake_back", event.payout, event.stake_returned, event.seat)
            return [Moved("pay", event.payout, event.pay, event.seat), back]
        case ev.RoundFinalised():
            return [Moved("fee", event.poster, event.fee, None, event.round)]
        case ev.ResultConvicted():
            return [Moved("refuter_reward", event.refuter, event.to_refuter, None, event.round)]
        case ev.ProjectRefunded():
            return [Moved("refunded", event.owner, event.escrow), Moved("burned", BURNED, event.burned)]
        case ev.Asked():
            paid = event.price + event.burned + event.returned
            back = Moved("ask_returned", event.asker, event.returned, None, event.round, native=True)
            burned = Moved("ask_burned", BURNED, event.burned, None, event.round, native=True)
            return [Moved("ask", event.asker, paid, None, event.round, native=True), back, burned]
        case ev.Answered():
            return [Moved("answer", event.answerer, event.price, None, event.round, native=True)]
        case ev.AskSettled():
            return [Moved("ask_settled", event.asker, event.price, None, event.round, native=True)]
        case ev.Withdrawn():
            return [Moved(WITHDRAWN, event.account, event.amount)]
        case _:
            return []
