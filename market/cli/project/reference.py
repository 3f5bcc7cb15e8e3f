"""`fairtrain project reference`: the owner's own update in every round, made from a few samples of the owner's."""

from __future__ import annotations

import logging
from typing import Any

import click

from market.cli.context import App, common_options, pass_app
from market.cli.keys import KeyChoice, signer_options
from market.cli.pace import pace_options
from market.cli.project import plugins
from market.cli.project.values import project_argument
from market.node import Pace


@click.command()
@project_argument
@click.option("--data", help="CSV, .npz, .npy, image folder or sklearn:NAME, with options after `?`.")
@click.option("--rounds", type=click.IntRange(0), default=0, help="Stop sealing after so many; 0: no limit.")
@click.option("--once", is_flag=True, help="End when nothing is left to do now.")
@click.option("--device", default="auto", show_default=True, help="auto, cpu, cuda or mps.")
@click.option("--trust-model", is_flag=True, help="Accept a first model that comes from no public seed.")
@click.option(
    "--no-verify", is_flag=True, help="Do not recompute a sample of each result before training on it."
)
@pace_options()
@signer_options
@common_options
@pass_app
def reference(
    app: App, /, project: int, choice: KeyChoice, pace: Pace, no_verify: bool, **options: Any
) -> None:
    """Train the owner's reference in every round, on the owner's samples (40 are enough).

    Signs with the key that `create --reference-key` named. It steers weights and takes no pay; a round without it goes
    on without it. Safe to kill and start again at any time.
    """
    run = plugins.reference()
    logging.basicConfig(format="%(asctime)s %(message)s", datefmt="%H:%M:%S", level=logging.INFO)
    finished = run(app, choice, project, pace, verify=not no_verify, **options)
    app.out.line("done" if finished else "stopped, the same command goes on")
    app.out.result({"ok": True, "project": project, "finished": finished})
