"""`fairtrain project evict`: anybody may free a seat whose holder has stopped sealing."""

from __future__ import annotations

import click

from market.claims import START_PROOF, AccountProof, Place, prove_account
from market.cli.context import App, common_options, pass_app
from market.cli.keys import KeyChoice, signer_options
from market.cli.project.values import project_argument, unit_of
from market.events import TrainerLeft
from market.observe import Observer


@click.command()
@project_argument
@click.argument("seat", type=click.IntRange(0, 1023))
@signer_options
@common_options
@pass_app
def evict(app: App, project: int, seat: int, choice: KeyChoice) -> None:
    """Free SEAT after 16 opened rounds without a seal. Its holder is credited pay and stake as if it had left."""
    gateway = app.gateway(choice.open(app).account)
    params, _ = gateway.params(project)
    proof = START_PROOF
    final = gateway.project(project).last_final
    if final:
        proof = _proof(app, project, seat, params.seats, gateway.result(project, final).commitment)
    receipt = gateway.send("evict", project, seat, proof.account, proof.opening, list(proof.proof))
    (left,) = (event for event in receipt.events if isinstance(event, TrainerLeft))
    unit = unit_of(gateway, params.token)
    app.out.line(
        f"seat {seat} is free; {left.payout} was credited pay {unit.text(left.pay)} and stake "
        f"{unit.text(left.stake_returned)}, less a penalty of {unit.text(left.penalty)}"
    )
    app.out.result(
        {"ok": True, "project": project, "seat": seat, "payout": left.payout, "pay_wei": str(left.pay)}
        | {"stake_wei": str(left.stake_returned), "penalty_wei": str(left.penalty), "tx": receipt.tx_hash}
    )


def _proof(app: App, project: int, seat: int, seats: int, commitment: bytes) -> AccountProof:
    gateway = app.gateway()
    observer = Observer(gateway, project)
    observer.refresh()
    posted = observer.history.posted(commitment)
    assert posted is not None  # a FINAL result was posted
    place = Place(gateway.deployment.chain_id, gateway.deployment.market)
    return prove_account(app.store(), place, posted, seat, seats)
