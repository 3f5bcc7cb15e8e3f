"""`fairtrain project`: what an owner does with a project, and what anybody may look at or move on."""

from __future__ import annotations

import click

from market.cli.context import common_options
from market.cli.project.admit import admit
from market.cli.project.advance import advance, refund
from market.cli.project.create import create
from market.cli.project.describe import describe
from market.cli.project.evaluate import evaluate
from market.cli.project.evict import evict
from market.cli.project.listing import list_projects
from market.cli.project.model import model
from market.cli.project.money import fund, stop, withdraw
from market.cli.project.reference import reference
from market.cli.project.show import show

__all__ = ["project"]


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@common_options
def project() -> None:
    """Describe, create, fund and watch a project; stop it, take its model and what is left of its budget."""


for _command in (
    describe,
    admit,
    create,
    fund,
    list_projects,
    show,
    model,
    evaluate,
    reference,
    advance,
    evict,
    stop,
    refund,
    withdraw,
):
    project.add_command(_command)
