"""`fairtrain devnet`: a chain of one's own with a deployed market, until Ctrl-C or in the background."""

from __future__ import annotations

import json
from pathlib import Path

import click

from market.cli.amounts import AMOUNT
from market.cli.context import App, common_options, pass_app, running_chain_id
from market.cli.deploy import deploy_and_save, deployment_path
from market.cli.output import amount, shown
from market.cli.stopping import ends_as_interrupt
from market.devnet import (
    CHAIN_IDS,
    MNEMONIC,
    Devnet,
    dev_account,
    process_runs,
    rpc_request,
    start_devnet,
    stop_process,
)
from market.errors import ChainError
from market.params import PRESETS
from market.units import address

DEFAULT_PORT = 8545
SHOWN = 3


@click.group(invoke_without_command=True)
@click.option(
    "--port", type=click.IntRange(0, 65535), default=DEFAULT_PORT, show_default=True, help="0: any."
)
@click.option("--accounts", type=click.IntRange(1, 255), default=30, show_default=True, help="Funded keys.")
@click.option("--block-time", type=click.IntRange(1), help="Seconds a block; else a block a transaction.")
@click.option("--preset", type=click.Choice(sorted(PRESETS)), default="demo", show_default=True)
@click.option("--detach", is_flag=True, help="Run in the background until `fairtrain devnet stop`.")
@common_options
@pass_app
@click.pass_context
def devnet(
    context: click.Context,
    app: App,
    port: int,
    accounts: int,
    block_time: int | None,
    preset: str,
    detach: bool,
) -> None:
    """Start anvil and deploy the market on it; the chain is forgotten when it stops."""
    if context.invoked_subcommand is not None:
        return
    _refuse_second(app)
    app.home.mkdir(parents=True, exist_ok=True)
    with ends_as_interrupt():
        chain = start_devnet("anvil", port, accounts, block_time, app.home / "devnet.log")
        try:
            app.rpc_urls = chain.url
            _deploy(app, chain, preset, accounts)
            if detach:
                return chain.detach()
            app.out.line("running; end with Ctrl-C")
            assert chain.process is not None
            chain.process.wait()
            raise ChainError("E206", "anvil ended by itself; see its log, then run `fairtrain devnet` again")
        except BaseException:
            app.devnet_file.unlink(missing_ok=True)
            chain.stop()
            raise


@devnet.command()
@common_options
@pass_app
def stop(app: App) -> None:
    """End the devnet that runs in the background."""
    running = _running(app)
    if running is None:
        raise ChainError("E206", "no devnet of this data folder is running; `fairtrain devnet` starts one")
    stop_process(int(str(running["pid"])))
    app.devnet_file.unlink(missing_ok=True)
    app.out.line(f"stopped {running['url']}")
    app.out.result({"ok": True, **running})


@devnet.command()
@common_options
@pass_app
@click.pass_context
def status(context: click.Context, app: App) -> None:
    """Say whether the devnet of this data folder runs (exit code 4 if not)."""
    running = _running(app)
    app.out.line(f"running at {running['url']} (pid {running['pid']})" if running else "not running")
    app.out.result({"ok": running is not None, **(running or {})})
    context.exit(0 if running else ChainError.exit_code)


@devnet.command()
@click.argument("to", metavar="ADDRESS_OR_KEYSTORE")
@click.argument("units", metavar="AMOUNT", type=AMOUNT)
@common_options
@pass_app
def fund(app: App, to: str, units: int) -> None:
    """Send an address, or that of a keystore file, an AMOUNT (5, or 500wei) of the devnet's worthless coins."""
    from market.keystore import address_of

    receiver = address_of(Path(to)) if Path(to).is_file() else address(to)
    _refuse_public(app)
    # The devnet holds its test keys itself; the last one, so that no nonce of --devnet-key 0, 1, ... is taken.
    payer = rpc_request(app.url, "eth_accounts")[-1]
    rpc_request(app.url, "eth_sendTransaction", {"from": payer, "to": receiver, "value": hex(units)})
    balance = int(rpc_request(app.url, "eth_getBalance", receiver, "pending"), 16)
    app.out.line(f"sent {amount(units)} to {receiver}, which has {amount(balance)} now")
    app.out.result({"ok": True, "to": receiver, "sent_wei": str(units), "balance_wei": str(balance)})


def _refuse_public(app: App) -> None:
    """ChainError E201 unless a development chain answers: only there do test keys hold worthless coins."""
    chain_id = int(rpc_request(app.url, "eth_chainId"), 16)
    if chain_id not in CHAIN_IDS.values():
        raise ChainError(
            "E201", f"chain {chain_id} at {app.url} is no devnet; expected {_ids()}: check --rpc"
        )


def _ids() -> str:
    return " or ".join(map(str, CHAIN_IDS.values()))


def _deploy(app: App, chain: Devnet, preset: str, accounts: int) -> None:
    deployment, gas = deploy_and_save(app, dev_account(0), preset)
    running = {"url": chain.url, "pid": chain.pid, "kind": chain.kind, "chain_id": chain.chain_id}
    app.devnet_file.write_text(json.dumps(running))
    out = app.out
    out.line(f"anvil at {chain.url}, chain id {chain.chain_id}, log {shown(app.home / 'devnet.log')}")
    out.line(f"market {deployment.market} ({gas:,} gas, preset {preset})")
    out.line(f"deployment file {shown(deployment_path(app, deployment))}")
    out.line(f"{accounts} accounts with 10,000 ETH each; commands sign with one by --devnet-key N:")
    for i in range(min(SHOWN, accounts)):
        out.line(f"  {i}  {dev_account(i).address}")
    out.line(f"of the public mnemonic `{MNEMONIC}`: never send anything of value to them")
    out.line("next: fairtrain project describe --help, or fairtrain demo")
    out.result({"ok": True, **running, "market": deployment.market, "accounts": accounts, "gas": gas})


def _running(app: App) -> dict[str, object] | None:
    """What runs according to devnet.json, if it really does."""
    if not app.devnet_file.is_file():
        return None
    running: dict[str, object] = json.loads(app.devnet_file.read_text())
    alive = process_runs(int(str(running["pid"]))) and running_chain_id(str(running["url"])) is not None
    return running if alive else None


def _refuse_second(app: App) -> None:
    if running := _running(app):
        what = f"a devnet of this data folder runs at {running['url']}"
        raise ChainError("E206", f"{what}; stop it with `fairtrain devnet stop`")
    app.devnet_file.unlink(missing_ok=True)
