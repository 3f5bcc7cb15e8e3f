"""`fairtrain aggregator`: judge and post rounds for a fee, or verify what others posted."""

from __future__ import annotations

import logging
import sys
import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path

import click

from aggregator.compare import compare_announced
from aggregator.judge import LOCAL, Engine
from aggregator.ledger import Ledger, shape_of
from aggregator.lies import LiarNode
from aggregator.restore import restore_standing
from aggregator.role import AggregatorNode
from market.claims import Place
from market.cli import run as run_command
from market.cli.amounts import AMOUNT
from market.cli.context import App, common_options, pass_app
from market.cli.keys import KeyChoice, signer_options
from market.cli.output import amount
from market.cli.pace import pace_options
from market.devnet import CHAIN_IDS
from market.errors import InputError
from market.node import Pace
from market.observe import Observer
from market.project_files import description_of, only_one, project_folder


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@common_options
def aggregator() -> None:
    """Judge updates, aggregate them and post the result; or recompute what somebody posted."""


@aggregator.command()
@click.argument("project", type=click.IntRange(1))
@click.option(
    "--bond", type=AMOUNT, help="Raise the bond to this amount first (else: enough for all rounds)."
)
@click.option(
    "--patience", type=click.FloatRange(0), help="Seconds to wait for missing files (else T_x / 4)."
)
@pace_options(0.0)
@click.option(
    "--wait-final/--post-early",
    default=None,
    help="Post once the chain calls the end of REVEAL final (default: but on devnets).",
)
@click.option("--unbond", is_flag=True, help="Take the bond back when the project is over.")
@click.option(
    "--engine",
    type=click.Choice(["local", "ray"]),
    default="local",
    show_default=True,
    help="Where files are read: in this process, or in shards on a Ray cluster (extra `scale`).",
)
@click.option("--lie", hidden=True, help="KIND:ROUND: what to lie about, and when (demo).")
@signer_options
@common_options
@pass_app
def run(
    app: App,
    project: int,
    choice: KeyChoice,
    bond: int | None,
    patience: float | None,
    pace: Pace,
    wait_final: bool | None,
    unbond: bool,
    engine: str,
    lie: str | None,
) -> None:
    """Post every round of a project until it ends; safe to kill and start again at any time."""
    logging.basicConfig(format="%(asctime)s %(message)s", datefmt="%H:%M:%S", level=logging.INFO)
    files_read_by = engine_of(engine)  # refuses what is not installed before a bond is sent
    key = choice.open(app)
    gateway = app.gateway(key.account)
    params, content = gateway.params(project)
    shape_of(params)  # refuses what rule 1 cannot judge before a bond is sent
    store = app.store()
    description_of(store, params, content)
    place = Place(gateway.deployment.chain_id, gateway.deployment.market)
    folder = project_folder(app.home, place, project, f"aggregator-{key.address}")
    with only_one(folder, f"an aggregator of {key.address} in project {project}"):
        wanted = max(params.bond_floor, params.bond * params.open_rounds) if bond is None else bond
        pool = gateway.aggregator(project, key.address)
        if pool.bond < wanted and not pool.banned:
            missing = wanted - pool.bond
            app.out.line(f"bonding {amount(missing)} (1.5 pots for each of {params.open_rounds} open rounds)")
            gateway.send("addBond", project, missing, value=gateway.allow(params.token, missing))
        waits = params.windows.proposed / 4 if patience is None else patience
        final = place.chain_id not in CHAIN_IDS.values() if wait_final is None else wait_final
        options = {"wait_final": final, "engine": files_read_by}
        node = node_of(lie)(gateway, store, project, key.address, folder, pace, waits, **options)
        finished = node.run()
        if finished and unbond and (free := gateway.aggregator(project, key.address).bond):
            gateway.send("removeBond", project, free)
    credit = gateway.credit(params.token, key.address)
    end = "done" if finished else "stopped, the same command goes on"
    app.out.line(f"{end}; credit to withdraw: {amount(credit)} (fairtrain project withdraw)")
    app.out.result({"ok": True, "project": project, "credit_wei": str(credit)})


def engine_of(name: str) -> Engine:
    """The engine of this name. Raises InputError E193 where its package is not installed."""
    if name == "local":
        return LOCAL
    # Imported here: nobody else needs the package.
    from aggregator.ray_engine import ray_engine

    return ray_engine()


def node_of(lie: str | None) -> Callable[..., AggregatorNode]:
    """The honest node, or one that lies as `KIND:ROUND` says."""
    if lie is None:
        return AggregatorNode
    kind, _, number = lie.partition(":")
    if not number.isdecimal():
        raise InputError("E119", f"lie: got {lie!r}, expected KIND:ROUND, for example weight:2")
    return partial(LiarNode, kind=kind, lies_in=int(number))


@aggregator.command()
@click.argument("project", type=click.IntRange(1))
@click.argument("round_", metavar="ROUND", type=click.IntRange(1))
@common_options
@pass_app
def verify(app: App, project: int, round_: int) -> None:
    """Recompute a posted round and all below it from chain and storage alone.

    Says "equal", or names the first number that differs (exit code 7).
    """
    gateway, store = app.gateway(), app.store()
    observer = Observer(gateway, project)
    observer.refresh()
    result = gateway.result(project, round_)
    posted = observer.history.posted(result.commitment)
    if posted is None:
        phase = gateway.phase(project, round_).name
        raise InputError(
            "E119", f"round {round_} of project {project} has no result to verify; it is in {phase}"
        )
    place = Place(gateway.deployment.chain_id, gateway.deployment.market)
    with tempfile.TemporaryDirectory(prefix="fairtrain-verify-") as folder, app.out.progress("files") as bar:
        task = bar.add_task("recomputing", total=None)
        ledger = Ledger(observer.history, store, place, Path(folder), keep=False)
        judgement = ledger.verify(posted, lambda step, done, of: bar.update(task, completed=done, total=of))
        computed = ledger.below(posted.commitment)
        compare_announced(posted, judgement, computed.deltas[0].path, computed.model.path)
    rows = [
        (
            seat.seat,
            seat.verdict,
            seat.weight,
            f"{seat.agreement / 16384:+.3f}",
            amount(int(seat.pay)),
            seat.reason,
        )
        for seat in judgement.seats
    ]
    columns = ["seat#", "verdict", "weight#", "agreement#", "pay#", "why"]
    app.out.table(f"project {project}, round {round_}: recomputed", columns, rows)
    app.out.line(
        f"equal: all {len(posted.post.roots.to_abi())} roots and the pay of {amount(judgement.paid)}"
    )
    body = {"equal": True, "round": round_, "paid_wei": str(judgement.paid), "commitment": posted.commitment}
    app.out.result({"ok": True, "project": project, **body})


@aggregator.command("restore")
@click.argument("project", type=click.IntRange(1))
@common_options
@pass_app
def restore_command(app: App, project: int) -> None:
    """Recompute the results that stand, and give back what their posters do not serve.

    Who announces a right result under wrong names changes no number and cannot be refuted. Delta, model and
    accounts are then found again by every command with this data folder. Ends with 7 at a wrong number.
    """
    gateway, store = app.gateway(), app.store()
    observer = Observer(gateway, project)
    observer.refresh()
    place = Place(gateway.deployment.chain_id, gateway.deployment.market)
    folder = project_folder(app.home, place, project, "restore")
    with only_one(folder, f"a restoration of project {project}"), app.out.progress("files") as bar:
        task = bar.add_task("recomputing", total=None)
        ledger = Ledger(observer.history, store, place, folder)
        newest = gateway.result(project, gateway.project(project).last_result).commitment
        done = restore_standing(
            ledger, store, newest, folder, lambda _, done, of: bar.update(task, completed=done, total=of)
        )
    for number, names in done.items():
        app.out.line(f"round {number}: {' and '.join(names) or 'nothing was missing'}")
    app.out.result({"ok": True, "project": project, "restored": {str(n): names for n, names in done.items()}})


def main() -> None:
    """Entry point of the console script `aggregator`."""
    sys.exit(run_command(aggregator, name="aggregator"))
