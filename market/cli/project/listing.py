"""`fairtrain project list`: the projects of a market."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from market.cid import cid_from_digest
from market.cli.context import App, common_options, pass_app
from market.cli.output import short
from market.cli.project.page import UNREADABLE
from market.cli.project.values import Unit, unit_of
from market.description import MAX_BYTES
from market.errors import FairtrainError
from market.params import Content, Params
from market.ports import Store
from market.project_files import description_of
from market.units import address

if TYPE_CHECKING:
    from market.chain.gateway import Gateway


@click.command("list")
@click.option("--owner", metavar="ADDRESS", help="Only projects of this address.")
@common_options
@pass_app
def list_projects(app: App, owner: str | None) -> None:
    """List all projects of the market, newest first."""
    wanted = None if owner is None else address(owner)
    gateway, store = app.gateway(), app.store()
    now = gateway.now()
    rows = [_row(gateway, store, number, now) for number in range(gateway.project_count(), 0, -1)]
    rows = [row for row in rows if wanted is None or row["owner"] == wanted]
    out = app.out
    if rows:
        columns = ["no#", "name", "owner", "state", "round", "pot#", "escrow#", "in"]
        out.table("", columns, [_cells(row) for row in rows])
        out.line("next: fairtrain project show PROJECT")
    else:
        out.line("no projects; next: fairtrain project describe --help")
    out.result({"ok": True, "projects": [{k: v for k, v in row.items() if k != "unit"} for row in rows]})


def _row(gateway: Gateway, store: Store, number: int, now: int) -> dict[str, Any]:
    params, content = gateway.params(number)
    project = gateway.project(number)
    over = "stopped" if project.stopped else "over" if now >= params.end_date else "running"
    return {
        "project": number,
        "name": _name(store, params, content),
        "owner": project.owner,
        "state": "refunded" if project.refunded else over,
        "head": project.head,
        "phase": gateway.phase(number, project.head) if project.head else None,
        "open_rounds": project.open_count,
        "pot_wei": str(params.pot),
        "escrow_wei": str(project.escrow),
        "token": params.token,
        "unit": _unit(gateway, params.token),
    }


def _cells(row: dict[str, Any]) -> tuple[Any, ...]:
    unit: Unit = row["unit"]
    round_ = f"{row['head']} {row['phase'].name}" if row["phase"] else "-"
    amounts = (unit.brief(int(row["pot_wei"])), unit.brief(int(row["escrow_wei"])), unit.symbol)
    return row["project"], row["name"] or "-", short(row["owner"]), row["state"], round_, *amounts


def _name(store: Store, params: Params, content: Content) -> str:
    """Name from the description, if the store has it here: a list must not wait for a network."""
    try:
        if store.has(cid_from_digest(content.description_digest, MAX_BYTES)):
            return description_of(store, params, content).name
    except UNREADABLE:
        pass
    return ""


def _unit(gateway: Gateway, token: str) -> Unit:
    """The unit of a token; smallest units where its contract does not answer as one."""
    try:
        return unit_of(gateway, token)
    except FairtrainError:
        return Unit(token, "units", 0)
