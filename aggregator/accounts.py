"""What a round adds to the accounts of the seats. Their leaves are defined in `market.result_document`."""

from __future__ import annotations

from collections.abc import Sequence

from aggregator.steps import View
from market.records import START_ACCOUNT, Account


def start_accounts(seats: int) -> list[Account]:
    """Accounts under result 0: start reputation, nothing paid."""
    return [START_ACCOUNT] * seats


def next_accounts(accounts: Sequence[Account], view: View, unit: int) -> list[Account]:
    """Accounts after a computed round: reputation replaced; pay, and penalty units x `unit`, added.

    Pay and penalty run on for ever per seat, whoever holds it.
    """
    return [
        Account(
            reputation=int(view.reputation[seat]),
            pay=account.pay + int(view.pay[seat]),
            penalty=account.penalty + int(view.penalty[seat]) * unit,
        )
        for seat, account in enumerate(accounts)
    ]
