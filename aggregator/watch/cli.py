"""`fairtrain watch`: recompute what is posted, refute what is wrong."""

from __future__ import annotations

import logging

import click

from aggregator.ledger import shape_of
from aggregator.watch.metrics import Metrics
from aggregator.watch.node import WatchNode
from market.claims import Place
from market.cli.context import App, common_options, pass_app
from market.cli.keys import KeyChoice, signer_options
from market.cli.output import amount
from market.cli.pace import pace_options
from market.node import Pace
from market.project_files import description_of, only_one, project_folder
from market.units import ZERO_ADDRESS

WRONG = 7
"""Exit code of `--once` where a result was wrong, as of `aggregator verify`."""
UNCHECKED = 3
"""Exit code of `--once` where a result could not be recomputed."""


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.argument("project", type=click.IntRange(1))
@click.option("--once", is_flag=True, help="End when nothing is left to do now.")
@click.option("--dry-run", is_flag=True, help="Only say what is wrong: needs no key.")
@click.option("--metrics", help="Port on this machine, or file, for figures in Prometheus text.")
@click.option(
    "--force-data", is_flag=True, help="Ask for files that nobody serves: some 0.2 M gas for each 2 KiB."
)
@click.option(
    "--spot-check",
    type=click.FloatRange(0, 1, min_open=True),
    help="For large models: recompute this part of the files (0 to 1), and all numbers that follow from sketches.",
)
@pace_options()
@signer_options
@common_options
@pass_app
def watch(
    app: App,
    project: int,
    choice: KeyChoice,
    once: bool,
    dry_run: bool,
    metrics: str | None,
    force_data: bool,
    spot_check: float | None,
    pace: Pace,
) -> None:
    """Recompute every result of a project from chain and storage alone, and refute what is wrong.

    Earns a third of a liar's bond. Needs only gas; safe to kill and start again at any time.
    """
    logging.basicConfig(format="%(asctime)s %(message)s", datefmt="%H:%M:%S", level=logging.INFO)
    key = None if dry_run else choice.open(app)
    gateway = app.gateway(key.account if key else None)
    params, content = gateway.params(project)
    shape_of(params)
    store = app.store()
    description_of(store, params, content)
    place = Place(gateway.deployment.chain_id, gateway.deployment.market)
    me = key.address if key else ZERO_ADDRESS
    folder = project_folder(app.home, place, project, f"watch-{me}")
    options = {"force_data": force_data, "once": once, "spot_check": spot_check}
    with only_one(folder, f"a watcher of {me} in project {project}"):
        figures = Metrics(project, metrics)
        try:
            node = WatchNode(gateway, store, project, me, folder, pace, figures, **options)  # type: ignore[arg-type]
            node.run()
        finally:
            figures.close()
    report(app, node, gateway.credit(params.token, me) if key else 0)
    if once and (node.wrong or any(node.missing.values())):
        click.get_current_context().exit(WRONG if node.wrong else UNCHECKED)


def report(app: App, node: WatchNode, credit: int) -> None:
    """What was found. `credit`: smallest units that the watcher may withdraw."""
    missing = sum(node.missing.values())
    for commitment, what in node.wrong.items():
        app.out.line(f"0x{commitment.hex()[:16]}: {what} is wrong")
    found = f"{len(node.wrong)} wrong results, {missing} files missing"
    app.out.line(f"{found}; credit to withdraw: {amount(credit)}")
    body = {"project": node.project, "wrong": len(node.wrong), "missing": missing, "credit_wei": str(credit)}
    app.out.result({"ok": True, **body})
