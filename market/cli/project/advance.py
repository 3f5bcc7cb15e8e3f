"""`fairtrain project advance` and `refund`: what anybody may do for a project when it is due."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from market.cli.context import App, common_options, pass_app
from market.cli.keys import KeyChoice, signer_options
from market.cli.project.values import project_argument, span, unit_of
from market.duties import Duty, advance_duties
from market.errors import RefusedError
from market.events import ProjectRefunded
from market.node import moments
from market.observe import Observer
from market.snapshot import ProjectSnapshot, take_snapshot
from market.units import NATIVE

if TYPE_CHECKING:
    from market.chain.gateway import Gateway

Outcome = tuple[Duty, str]
"""A duty and the transaction that did it, or why the market refused."""


@click.command()
@project_argument
@signer_options
@common_options
@pass_app
def advance(app: App, project: int, choice: KeyChoice) -> None:
    """Move rounds on: open, void, flatten, skip, clear, finalise, release, each as far as it is due now."""
    gateway = app.gateway(choice.open(app).account)
    done, refused, snapshot = advance_all(gateway, project)
    out = app.out
    rows = [(duty.kind, duty.round, duty.reason, tx) for duty, tx in done]
    if rows:
        out.table(f"project {project}", ["call", "round#", "because", "transaction"], rows)
    for duty, why in refused:
        out.line(f"{duty.kind} {duty.round} was refused, somebody was faster: {why}")
    waiting = next_moment(snapshot)
    if not done and not refused:
        out.line("nothing is due")
    if waiting is not None:
        out.line(f"time changes something in {span(waiting - snapshot.now)}")
    out.result(
        {"ok": True, "project": project, "next_at": waiting}
        | {"done": [{"call": duty.kind, "round": duty.round, "tx": tx} for duty, tx in done]}
        | {"refused": [{"call": duty.kind, "round": duty.round, "error": why} for duty, why in refused]}
    )


def advance_all(gateway: Gateway, project: int) -> tuple[list[Outcome], list[Outcome], ProjectSnapshot]:
    """Sends every call that is due, each once, looking again after each; what was done and what was refused.

    A refusal means that somebody was faster, so it is no error.
    """
    observer = Observer(gateway, project)
    done: list[Outcome] = []
    refused: list[Outcome] = []
    while True:
        snapshot = look(gateway, observer, project)
        tried = {(duty.kind, duty.round) for duty, _ in [*done, *refused]}
        due = [duty for duty in advance_duties(snapshot) if (duty.kind, duty.round) not in tried]
        if not due:
            return done, refused, snapshot
        try:
            receipt = gateway.send(str(due[0].kind), *due[0].arguments(project))
            done.append((due[0], receipt.tx_hash))
        except RefusedError as refusal:
            refused.append((due[0], str(refusal)))


def look(gateway: Gateway, observer: Observer, project: int) -> ProjectSnapshot:
    """The project now, with what only its events tell."""
    observer.refresh()
    return take_snapshot(gateway, project, stale=observer.history.stale(gateway.project(project).tip))


def next_moment(snapshot: ProjectSnapshot) -> int | None:
    """The next second at which time alone changes what is due; None if only a call can."""
    return min((at for at in moments(snapshot) if at > snapshot.now), default=None)


@click.command()
@project_argument
@signer_options
@common_options
@pass_app
def refund(app: App, project: int, choice: KeyChoice) -> None:
    """Credit the owner with what is left, once the project is stopped or over and no round is open."""
    gateway = app.gateway(choice.open(app).account)
    params, _ = gateway.params(project)
    unit = unit_of(gateway, params.token)
    receipt = gateway.send("refund", project)
    (event,) = (event for event in receipt.events if isinstance(event, ProjectRefunded))
    app.out.line(f"{unit.text(event.escrow)} are credit of {event.owner}; burned {unit.text(event.burned)}")
    option = "" if params.token == NATIVE else f" --token {params.token}"
    app.out.line(f"next, by the owner: fairtrain project withdraw{option}")
    app.out.result(
        {"ok": True, "project": project, "owner": event.owner, "gas": receipt.gas_used}
        | {"escrow_wei": str(event.escrow), "burned_wei": str(event.burned)}
    )
