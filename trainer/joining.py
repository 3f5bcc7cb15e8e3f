"""Taking a seat: what the owner fixed, what a round costs and may pay, then the stake."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import click

from market.admission import admission_proof, admission_root
from market.cli.context import App
from market.cli.project.terms import terms_json
from market.cli.project.values import unit_of
from market.errors import InputError
from market.params import Params
from market.units import NATIVE, ZERO32, ZERO_ADDRESS, address
from trainer.session import Session

GAS_PER_ROUND = 55_000 + 45_000
"""Bounds of one seal and one reveal (`contracts/snapshots`)."""


def join_project(
    app: App,
    session: Session,
    seat: int | None,
    payout: str | None,
    stake: int | None,
    admission: Path | None,
    yes: bool,
) -> int:
    """Registers the key; the seat. Raises InputError E103, E115-E118 or what the contract refuses."""
    held = session.seat()
    if held is not None:
        return held
    print_terms(app, session)
    params = session.params
    amount_staked = params.min_stake if stake is None else stake
    number = _first_free(session) if seat is None else seat
    if not yes and not app.as_json:
        click.confirm(
            f"send {_money(session, amount_staked)} as stake for seat {number}?", abort=True, err=True
        )
    value = session.gateway.allow(params.token, amount_staked)
    session.gateway.send(
        "register",
        session.project,
        number,
        address(payout) if payout else session.key.address,
        amount_staked,
        _admission(session, admission),
        value=value,
    )
    return number


def print_terms(app: App, session: Session) -> None:
    """What nobody can change any more, and whether gas eats the pay."""
    params, windows = session.params, session.params.windows
    admission = "open: whoever holds most seats decides what agreement is"
    rows = [
        ("title", session.description.title),
        ("admission", "by list" if params.admission_root != ZERO32 else admission),
        ("seats, fewest seals", f"{params.seats}, {params.min_seals}"),
        ("pot of a round", _money(session, params.pot)),
        ("aggregator's fee", f"{params.fee_bps / 100:.2f} %"),
        ("reference row of the owner", _reference(params)),
        ("stake, at least", _money(session, params.min_stake)),
        ("a missed reveal costs", _money(session, params.unit)),
        ("a malicious round costs", f"{_money(session, params.unit)}, at most the stake"),
        ("commit, reveal", f"{_time(windows.commit)}, {_time(windows.reveal)} at most"),
        ("pay is final after", _time(windows.challenge)),
        ("model", f"{session.description.model.kind}, {params.coefficients:,} parameters"),
        ("updates", "public for ever (see docs/privacy.md)"),
    ]
    app.out.table(f"project {session.project}: what the owner fixed", ["term", "value"], rows)
    _compare_gas(app, session)


def terms_document(session: Session) -> dict[str, Any]:
    """The same for machines; amounts in smallest units, as text."""
    return {
        "project": session.project,
        "title": session.description.title,
        "terms": terms_json(session.params),
        "gas_of_a_round_wei": str(_gas_of_a_round(session)),
        "mean_share": str(_mean_share(session)),
    }


def _gas_of_a_round(session: Session) -> int:
    return GAS_PER_ROUND * int(session.gateway.rpc.request("eth_gasPrice"), 16)


def _mean_share(session: Session) -> int:
    return (session.params.pot - session.params.fee) // session.params.seats


def _compare_gas(app: App, session: Session) -> None:
    cost, share = _gas_of_a_round(session), _mean_share(session)
    gas = f"gas of a round about {cost / 10**18:.2g} ETH"
    app.out.line(f"{gas}, a mean share of its pot {_money(session, share)}")
    if session.params.token == NATIVE and cost > share:
        app.out.note("warning: at this gas price a round costs more gas than it pays on average")


def _first_free(session: Session) -> int:
    for number in range(session.params.seats):
        if session.gateway.seat(session.project, number).signer == ZERO_ADDRESS:
            return number
    raise InputError("E115", f"all {session.params.seats} seats are taken; wait until one leaves")


def _admission(session: Session, path: Path | None) -> list[bytes]:
    if session.params.admission_root == ZERO32:
        return []
    if path is None:
        raise InputError("E116", "this project admits by list; pass --admission FILE with the owner's list")
    accounts = [address(word) for word in re.findall(r"0x[0-9a-fA-F]{40}", path.read_text(errors="replace"))]
    if not accounts or admission_root(accounts) != session.params.admission_root:
        raise InputError("E117", f"{path} is not the list of this project; ask its owner for the right one")
    if session.key.address not in accounts:
        raise InputError("E118", f"{session.key.address} is not on the owner's list")
    return list(admission_proof(accounts, session.key.address))


def _reference(params: Params) -> str:
    if params.reference_key == ZERO_ADDRESS:
        return "none (0 % of pay)"
    return f"{params.reference_key} may steer weights (0 % of pay)"


def _money(session: Session, units: int) -> str:
    return unit_of(session.gateway, session.params.token).text(units)


def _time(seconds: int) -> str:
    for size, name in ((86_400, "d"), (3_600, "h"), (60, "min")):
        if seconds >= size:
            return f"{seconds / size:g} {name}"
    return f"{seconds} s"
