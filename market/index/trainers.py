"""An address that trains: its seats, its rounds, its money, and what it may do now."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import select

from market.index import schema
from market.index.columns import at_places, table_of
from market.index.look import Look, hex_of, page
from market.index.mirror import SEATS, Row
from market.index.proofs import final_accounts
from market.index.tokens import tokens_of
from market.index.updates import SEAT_ROUNDS, update_rows
from market.index.views import CreditRow, TenureRow, TrainerPage
from market.params import ABSENT_ROUNDS
from market.records import Account
from market.spec.state import Project, Seat
from market.tokens import TokenFacts
from market.units import ZERO_ADDRESS

TENURES, MOVEMENTS = table_of(schema.Tenure), table_of(schema.Movement)
CREDITS = table_of(schema.Credit)


def claimable(it: Project, place: Seat, account: Account | None) -> int | None:
    """Pay that a claim would credit now; None where accounts are not known."""
    if account is None:
        return None if it.last_final else 0
    due = max(account.pay - place.claimed, 0)
    return due if due <= it.bucket else 0


def may_leave(it: Project, place: Seat) -> bool:
    """Whether every round that the seat sealed is settled."""
    return place.signer != ZERO_ADDRESS and place.last_sealed <= it.terminal_up_to


def is_evictable(it: Project, place: Seat) -> bool:
    """Whether anybody may free the seat: nothing sealed in the last 16 opened rounds."""
    return may_leave(it, place) and it.head >= max(place.last_sealed, place.joined) + ABSENT_ROUNDS


def trainer_page(look: Look, address: str, offset: int, limit: int) -> TrainerPage | None:
    """An address's seats; None if it never held one."""
    held = look.rows(
        select(TENURES).where(TENURES.c.signer == address).order_by(TENURES.c.joined_number.desc())
    )
    if not held:
        return None
    places = [(row["project"], row["seat"], row["tenure"]) for row in held]
    c = SEAT_ROUNDS.c
    mine = at_places([c.project, c.seat, c.tenure], places)
    newest = select(SEAT_ROUNDS).where(mine).order_by(c.sealed_number.desc(), c.project, c.seat)
    rows = look.rows(newest.offset(offset).limit(limit))
    return TrainerPage(
        address=address,
        now=look.now,
        tenures=_tenure_rows(look, held),
        rounds=page(update_rows(look, rows), look.count(SEAT_ROUNDS, mine), offset, limit),
        claimed=_claimed(look, held),
        credits=_credits(look, {address, *(row["payout"] for row in held)}),
    )


def _tenure_rows(look: Look, held: Sequence[Row]) -> list[TenureRow]:
    times = look.times([n for row in held for n in (row["joined_number"], row["left_number"])])
    tokens = look.tokens(row["project"] for row in held)
    exits = _exits(look, [row for row in held if row["left_number"] is None])
    return [
        TenureRow(
            project=row["project"],
            seat=row["seat"],
            tenure=row["tenure"],
            signer=row["signer"],
            payout=row["payout"],
            joined_at=times.get(row["joined_number"], 0),
            joined_tx=hex_of(row["joined_tx"]),
            left_at=None if row["left_number"] is None else times.get(row["left_number"], 0),
            left_tx=hex_of(row["left_tx"]),
            evicted=row["evicted"],
            token=tokens[row["project"]],
            **exits.get((row["project"], row["seat"], row["tenure"]), GONE),
        )
        for row in held
    ]


GONE: Row = {"claimable": 0, "may_leave": False}
"""What somebody who has left a seat may still do with it."""


def _exits(look: Look, held: Sequence[Row]) -> dict[tuple[int, int, int], Row]:
    """What holders may do now, by project, seat and tenure."""
    c = SEATS.table.c
    places = [(row["project"], row["seat"]) for row in held]
    projects = look.light((project, 0) for project, _ in places)
    final = {project: final_accounts(look, project, it) for project, it in projects.items()}
    stored = {
        (row["project"], row["seat"]): SEATS.record(row)
        for row in look.rows(select(SEATS.table).where(at_places([c.project, c.seat], places)))
    }
    found = {}
    for row in held:
        project, seat = row["project"], row["seat"]
        it, place, accounts = projects[project], stored[project, seat], final[project]
        due = claimable(it, place, accounts[seat] if accounts else None)
        found[project, seat, row["tenure"]] = {"claimable": due, "may_leave": may_leave(it, place)}
    return found


def _claimed(look: Look, held: Sequence[Row]) -> list[tuple[TokenFacts, int]]:
    """Pay that became credits of these tenures, by token."""
    c, totals = MOVEMENTS.c, dict[str, int]()
    payouts = sorted({row["payout"] for row in held})
    pay = select(MOVEMENTS).where(c.account.in_(payouts), c.kind.in_(("pay", "flat_pay")))
    tenures = {(row["project"], row["seat"]): row for row in reversed(held)}
    for row in look.rows(pay):
        if (row["project"], row["seat"]) in tenures:
            totals[row["token"]] = totals.get(row["token"], 0) + row["amount"]
    tokens = tokens_of(look.connection, totals)
    return [(tokens[token], amount) for token, amount in sorted(totals.items())]


def _credits(look: Look, accounts: set[str]) -> list[CreditRow]:
    mine = select(CREDITS).where(CREDITS.c.account.in_(sorted(accounts)))
    rows = look.rows(mine.order_by(CREDITS.c.account, CREDITS.c.token))
    tokens = tokens_of(look.connection, (row["token"] for row in rows))
    return [CreditRow(row["account"], tokens[row["token"]], row["amount"]) for row in rows]
