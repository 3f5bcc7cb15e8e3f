"""`fairtrain project show`: one project for people, or the same page as JSON."""

from __future__ import annotations

from typing import Any

import click

from market.cli.context import App, common_options, pass_app
from market.cli.output import Output, short
from market.cli.project.page import ProjectPage, RoundRow, SeatRow, build_page
from market.cli.project.terms import term_rows, terms_json
from market.cli.project.values import Unit, project_argument, span, unit_of
from market.phases import Phase
from market.records import REPUTATION_ONE
from market.units import NATIVE, ZERO_ADDRESS

ROUNDS_SHOWN = 12


@click.command()
@project_argument
@click.option(
    "--rounds", type=click.IntRange(0), default=ROUNDS_SHOWN, show_default=True, help="Newest shown."
)
@common_options
@pass_app
def show(app: App, project: int, rounds: int) -> None:
    """Show terms, rounds, money and seats of a project, and what is due."""
    gateway = app.gateway()
    page = build_page(app, gateway, project, rounds)
    unit, out = unit_of(gateway, page.params.token), app.out
    out.line(_heading(page))
    out.line(head_line(page))
    _print_rounds(out, page, unit)
    _print_seats(out, page, unit)
    out.table("money", ["where", "amount#", "meaning"], money_rows(page, unit))
    out.table(
        "fixed at creation", ["term", "value", "meaning"], term_rows(page.params, unit, page.snapshot.now)
    )
    if unit.token != NATIVE:
        out.line(f"token {unit.symbol} is the contract {unit.token}")
    for note in page.notes:
        out.note(note)
    out.line(next_line(page))
    out.result(page_json(page, unit))


def head_line(page: ProjectPage) -> str:
    """Where the newest round is, with its quorum and the time that is left."""
    project, params, now = page.snapshot.project, page.params, page.snapshot.now
    if project.head == 0:
        enough = "" if project.escrow >= params.pot else ", escrow below one pot"
        return f"no round yet: {len(page.seats)} trainers, {params.min_seals} needed{enough}"
    if not page.rounds:
        return f"{project.head} rounds, {project.open_count} open"
    row = page.rounds[-1]
    left = "" if row.ends_at is None else f", {span(row.ends_at - now)} left"
    counts = {
        Phase.COMMIT: f"{row.view.seal_count} sealed, {params.min_seals} needed, {row.view.active_left} still expected",
        Phase.REVEAL: f"{row.view.reveal_count} of {row.view.seal_count} revealed",
        Phase.AGGREGATE: f"{row.view.reveal_count} updates wait for a result",
        Phase.PROPOSED: f"result with {row.result.included_count} of {row.view.reveal_count} seats",
        Phase.STANDING: f"result with {row.result.included_count} of {row.view.reveal_count} seats",
    }
    what = counts.get(row.phase, "settled")
    reference = f", reference {row.view.reference}" if row.view.reference else ""
    return f"round {row.number} is in {row.phase.name}: {what}{reference}{left}"


def money_rows(page: ProjectPage, unit: Unit) -> list[tuple[str, str, str]]:
    """(where, amount, meaning) of the project's money; what is rare only where it happened."""
    money, rounds = page.money, page.money.escrow // page.params.pot
    always = [
        ("funded", money.funded, "locked so far"),
        ("escrow", money.escrow, f"free for {rounds} more rounds"),
        ("reserved", money.reserved, f"in {page.snapshot.project.open_count} open rounds"),
        ("bucket", money.bucket, "pay of FINAL rounds, not yet claimed"),
        ("paid", money.paid, "pay of all FINAL rounds"),
        ("fees", money.fees, "to aggregators"),
    ]
    sometimes = [
        ("flat shares", money.flat_open, "of FLAT rounds, not yet taken"),
        ("flat shares", money.flat_taken, "of FLAT rounds, taken"),
        ("penalties", money.penalty_pool, "join the next pot"),
        ("refunded", money.refunded, "to the owner"),
    ]
    rows = [*always, *(row for row in sometimes if row[1])]
    return [(where, unit.text(units), meaning) for where, units, meaning in rows]


def next_line(page: ProjectPage) -> str:
    """The command that moves the project on, if there is one."""
    if page.due:
        calls = ", ".join(f"{duty.kind} {duty.round}" for duty in page.due)
        return f"due now: {calls}; next: fairtrain project advance {page.number}"
    project = page.snapshot.project
    if page.state != "running":
        rest = project.open_count == 0 and project.escrow > 0
        return f"next: fairtrain project {'refund' if rest else 'model'} {page.number}"
    if project.escrow < page.params.pot:
        return f"next: fairtrain project fund {page.number} AMOUNT"
    if page.snapshot.project.head == 0:
        return f"next: trainers take seats, fairtrain trainer join {page.number} --data FILE"
    return "nothing is due now"


def page_json(page: ProjectPage, unit: Unit) -> dict[str, Any]:
    """The page with amounts as decimal strings of smallest units and times in unix seconds."""
    project = page.snapshot.project
    plain = (
        "owner",
        "stopped",
        "refunded",
        "head",
        "tip",
        "last_result",
        "last_final",
        "terminal_up_to",
        "open_count",
    )
    return {
        "ok": True,
        "project": page.number,
        "title": page.title,
        "state": page.state,
        "now": page.snapshot.now,
        **{name: getattr(project, name) for name in plain},
        "symbol": unit.symbol,
        "decimals": unit.decimals,
        "params": terms_json(page.params),
        "content": page.content,
        "money": {f"{name}_wei": str(value) for name, value in vars(page.money).items()},
        "rounds": [_round_json(row) for row in page.rounds],
        "seats": [_seat_json(row) for row in page.seats],
        "accounts_of": page.accounts_of,
        "due": [{"call": duty.kind, "round": duty.round, "reason": duty.reason} for duty in page.due],
        "notes": page.notes,
    }


def _heading(page: ProjectPage) -> str:
    title = page.title or "(description not readable here)"
    return f"project {page.number}: {title}, {page.state}, owner {short(page.snapshot.project.owner)}"


def _print_rounds(out: Output, page: ProjectPage, unit: Unit) -> None:
    rows = []
    for row in page.rounds:
        posted = row.result.poster != ZERO_ADDRESS
        rows.append(
            (
                row.number,
                row.phase.name,
                row.view.seal_count,
                f"{row.view.reveal_count}/{row.view.seal_count}",
                row.result.included_count if posted else "",
                short(row.result.poster) if posted else "",
                unit.brief(row.result.paid) if posted else "",
                "" if row.ends_at is None else span(row.ends_at - page.snapshot.now),
            )
        )
    columns = ["round#", "phase", "sealed#", "revealed#", "included#", "poster", "paid#", "left#"]
    if rows:
        out.table(f"rounds (amounts in {unit.symbol})", columns, rows)


def _print_seats(out: Output, page: ProjectPage, unit: Unit) -> None:
    if not page.seats:
        out.line("no seat is taken yet")
        return
    rows = [_seat_cells(row, unit) for row in page.seats]
    columns = ["seat#", "signer", "stake#", "sealed#", "rep.#", "pay#", "claimed#", "penalty#", "verdict"]
    source = {None: "accounts not readable", 0: "no result yet"}.get(
        page.accounts_of, f"after round {page.accounts_of}"
    )
    out.table(f"seats ({source}, amounts in {unit.symbol})", columns, rows)


def _seat_cells(row: SeatRow, unit: Unit) -> tuple[Any, ...]:
    view, account = row.view, row.account
    judged = (
        ("?", "?", "?")
        if account is None
        else (share(account.reputation), unit.brief(account.pay), unit.brief(account.penalty))
    )
    reputation, pay, penalty = judged
    known = (row.number, short(view.signer), unit.brief(view.stake), view.last_sealed or "never")
    return (*known, reputation, pay, unit.brief(view.claimed), penalty, row.verdict)


def share(reputation: int) -> str:
    """A reputation as a decimal of three digits, rounded down: 8192 -> `0.500`."""
    return f"{reputation // REPUTATION_ONE}.{reputation % REPUTATION_ONE * 1_000 // REPUTATION_ONE:03d}"


def _round_json(row: RoundRow) -> dict[str, Any]:
    view, result = row.view, row.result
    return {
        "round": row.number,
        "phase": row.phase,
        "ends_at": row.ends_at,
        "sealed": view.seal_count,
        "revealed": view.reveal_count,
        "reference": view.reference or None,
        "pot_wei": str(view.pot),
        "base_root": view.base_root,
        "result": None
        if result.poster == ZERO_ADDRESS
        else {
            "poster": result.poster,
            "included": result.included_count,
            "rows": result.row_count,
            "paid_wei": str(result.paid),
            "merged": result.merged,
            "stands_at": result.stands_at,
            "model_root": result.model_root,
        },
    }


def _seat_json(row: SeatRow) -> dict[str, Any]:
    view, account = row.view, row.account
    return {
        "seat": row.number,
        "signer": view.signer,
        "payout": view.payout,
        "stake_wei": str(view.stake),
        "joined": view.joined,
        "last_sealed": view.last_sealed,
        "claimed_wei": str(view.claimed),
        "reputation": None if account is None else account.reputation,
        "pay_wei": None if account is None else str(account.pay),
        "penalty_wei": None if account is None else str(account.penalty),
        "verdict": row.verdict or None,
    }
