"""`fairtrain project fund`, `stop`, `withdraw`: the owner's money in and out, and the end of a project."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from market.cli.context import App, common_options, pass_app
from market.cli.keys import KeyChoice, signer_options
from market.cli.project.values import Unit, project_argument, unit_of
from market.errors import ChainError, InputError, RefusedError
from market.units import NATIVE, address

if TYPE_CHECKING:
    from market.chain.gateway import Gateway


@click.command()
@project_argument
@click.argument("amount")
@signer_options
@common_options
@pass_app
def fund(app: App, project: int, amount: str, choice: KeyChoice) -> None:
    """Lock AMOUNT (0.5, or 500wei) in the project's escrow. Anybody may; nobody can take it back by wish.

    Of an ERC-20 token exactly this amount is approved, and the market refuses tokens that deliver less.
    """
    key = choice.open(app)
    gateway = app.gateway(key.account)
    params, _ = gateway.params(project)
    unit = unit_of(gateway, params.token)
    units = unit.parse(amount)
    if units == 0:
        raise InputError("E108", f"nothing to fund: got {amount}, expected more than 0")
    _check_tokens(gateway, unit, key.address, units)
    receipt = gateway.send("fund", project, units, value=gateway.allow(params.token, units))
    escrow = gateway.project(project).escrow
    rounds = escrow // params.pot
    out = app.out
    out.line(f"funded {unit.text(units)}; escrow {unit.text(escrow)}, enough for {rounds} rounds")
    out.line(
        f"next: fairtrain project show {project}; trainers: fairtrain trainer join {project} --data FILE"
    )
    out.result(
        {"ok": True, "project": project, "funded_wei": str(units), "escrow_wei": str(escrow)}
        | {"rounds": rounds, "gas": receipt.gas_used, "tx": receipt.tx_hash}
    )


def _check_tokens(gateway: Gateway, unit: Unit, account: str, units: int) -> None:
    """Before anything is approved: a token's own refusal would say less. Native coin is checked when it is sent."""
    if unit.token == NATIVE:
        return
    held = gateway.token(unit.token).balance(account)
    if held < units:
        raise ChainError(
            "E205", f"{account} holds {unit.text(held)}, needs {unit.text(units)}; get the rest first"
        )


@click.command()
@project_argument
@signer_options
@common_options
@pass_app
def stop(app: App, project: int, choice: KeyChoice) -> None:
    """Open no further round. Open rounds end as usual and are paid; then the rest can be refunded. Owner only."""
    gateway = app.gateway(choice.open(app).account)
    receipt = gateway.send("stop", project)
    open_rounds = gateway.project(project).open_count
    out = app.out
    rest = f"{open_rounds} open rounds end as usual and are paid" if open_rounds else "no round is open"
    out.line(f"stopped; {rest}")
    then = "refund" if open_rounds == 0 else "advance"
    out.line(f"next: fairtrain project {then} {project}")
    out.result({"ok": True, "project": project, "open_rounds": open_rounds, "gas": receipt.gas_used})


@click.command()
@click.option("--to", "to", metavar="ADDRESS", help="Who receives it (else the key's own address).")
@click.option("--token", metavar="ADDRESS", help="An ERC-20 token (else the native coin).")
@signer_options
@common_options
@pass_app
def withdraw(app: App, to: str | None, token: str | None, choice: KeyChoice) -> None:
    """Take your whole credit of one token out of the market: refunds, fees, pay, returned stakes and bonds."""
    receiver = None if to is None else address(to)
    which = NATIVE if token is None else address(token)
    key = choice.open(app)
    gateway = app.gateway(key.account)
    unit = unit_of(gateway, which)
    credit = gateway.credit(which, key.address)
    if credit == 0:
        what = f"{key.address} has no credit in {unit.symbol}"
        raise RefusedError("MarketNothingDue", {}, f"{what}; pass the key that has, or --token ADDRESS")
    receipt = gateway.send("withdraw", which, receiver or key.address)
    app.out.line(f"sent {unit.text(credit)} to {receiver or key.address}")
    app.out.result(
        {"ok": True, "amount_wei": str(credit), "token": which, "to": receiver or key.address}
        | {"gas": receipt.gas_used, "tx": receipt.tx_hash}
    )
