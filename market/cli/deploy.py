"""`fairtrain deploy`: puts a market on any EVM chain and writes the deployment file."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from market.cli.context import App, common_options, pass_app
from market.cli.keys import KeyChoice, signer_options
from market.cli.output import shown
from market.devnet import CHAIN_IDS
from market.errors import InputError
from market.params import PRESETS

if TYPE_CHECKING:
    from eth_account.signers.local import LocalAccount

    from market.chain.deployment import Deployment


@click.command()
@signer_options
@click.option("--preset", type=click.Choice(sorted(PRESETS)), required=True, help="Bounds of all projects.")
@click.option("--allow-short-windows", is_flag=True, help="Permit a preset in seconds on a public chain.")
@common_options
@pass_app
def deploy(app: App, choice: KeyChoice, preset: str, allow_short_windows: bool) -> None:
    """Deploy the market contract and write its deployment file.

    The contract has no owner and cannot be changed; the preset bounds what projects may choose.
    """
    key = choice.open(app)
    deployment, gas = deploy_and_save(app, key.account, preset, allow_short_windows)
    out = app.out
    out.line(f"market {deployment.market} on chain {deployment.chain_id}, {gas:,} gas, preset {preset}")
    out.line(
        f"deployment file {shown(deployment_path(app, deployment))}: give it to everybody who takes part"
    )
    out.line("next: fairtrain project create --help")
    out.result({"ok": True, "gas": gas, "file": deployment_path(app, deployment), "deployment": deployment})


def deploy_and_save(
    app: App, signer: LocalAccount, preset: str, allow_short_windows: bool = False
) -> tuple[Deployment, int]:
    """Deploys, checks the code, writes the file; the one way to a market. Returns deployment and gas used.

    InputError E107 for a preset in seconds on a chain that is no development chain.
    """
    from market.chain.deploy import deploy_market

    rpc = app.rpc()
    chain_id = int(rpc.request("eth_chainId"), 16)
    if preset != "mainnet" and chain_id not in CHAIN_IDS.values() and not allow_short_windows:
        what = f"preset {preset} allows windows of seconds, too short for chain {chain_id}"
        raise InputError("E107", f"{what}; use --preset mainnet, or --allow-short-windows on a test chain")
    deployment, gas = deploy_market(rpc, signer, PRESETS[preset].limits, preset)
    deployment.save(deployment_path(app, deployment))
    return deployment, gas


def deployment_path(app: App, deployment: Deployment) -> Path:
    """Where this deployment's file belongs: `--deployment` or the data folder."""
    from market.chain.deployment import default_path

    return app.deployment_file or default_path(app.home, deployment.chain_id)
