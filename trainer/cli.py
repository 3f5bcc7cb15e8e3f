"""`fairtrain trainer`: make a key, join a project, train in its rounds, be paid, leave."""

from __future__ import annotations

import logging
import sys
from pathlib import Path
from typing import Any

import click

from market.cli import run as run_command
from market.cli.amounts import AMOUNT
from market.cli.context import App, common_options, pass_app
from market.cli.keys import KeyChoice, signer_options
from market.cli.output import amount
from market.cli.pace import pace_options
from market.keystore import STRONG, WEAK, create, find_password
from market.node import Pace
from trainer.joining import join_project, print_terms, terms_document
from trainer.policy import Policy
from trainer.session import Session


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@common_options
def trainer() -> None:
    """Train on your own data and be paid for what your updates contribute."""


@trainer.command()
@click.option("--keystore", type=click.Path(dir_okay=False, path_type=Path), help="Where to write it.")
@click.option("--password-file", type=click.Path(dir_okay=False, path_type=Path))
@click.option("--weak", is_flag=True, help="Fast encryption, for devnets only.")
@common_options
@pass_app
def init(app: App, keystore: Path | None, password_file: Path | None, weak: bool) -> None:
    """Make an encrypted key that signs for you; pay may go to another address (see `join --payout`)."""
    path = keystore or app.home / "keystores" / "default.json"
    path.parent.mkdir(parents=True, exist_ok=True)

    def ask() -> str:
        return str(click.prompt("New password", hide_input=True, confirmation_prompt=True, err=True))

    password = find_password(ask if sys.stdin.isatty() else None, password_file)
    key = create(path, password, WEAK if weak else STRONG)
    app.out.line(f"address  {key.address}")
    app.out.line(f"keystore {path} (back it up: without it and its password the stake is lost)")
    app.out.line("next: send it a little for gas and stake, then fairtrain trainer join PROJECT --data FILE")
    app.out.result({"ok": True, "address": key.address, "keystore": str(path)})


def join_options(command: Any) -> Any:
    """Options of `join`, also accepted by `run --join`."""
    options = (
        click.option("--seat", type=click.IntRange(0, 1023), help="Seat number (else the first free one)."),
        click.option("--payout", help="Address that receives pay and stake (else the key's own)."),
        click.option("--stake", type=AMOUNT, help="Stake (else the project's minimum)."),
        click.option(
            "--admission",
            type=click.Path(dir_okay=False, exists=True, path_type=Path),
            help="List of admitted addresses, for projects that admit by list.",
        ),
        click.option("--yes", is_flag=True, help="Do not ask before the stake is sent."),
    )
    for option in reversed(options):
        command = option(command)
    return command


@trainer.command()
@click.argument("project", type=click.IntRange(1))
@join_options
@signer_options
@common_options
@pass_app
def join(app: App, /, project: int, choice: KeyChoice, **wishes: Any) -> None:
    """Take a seat: shows what the owner fixed, compares gas with pay, then sends the stake."""
    session = Session.open(app, choice, project)
    seat = join_project(app, session, **wishes)
    app.out.line(f"seat {seat} is yours; next: fairtrain trainer run {project} --data FILE")
    app.out.result({"ok": True, "project": project, "seat": seat, "address": session.key.address})


@trainer.command()
@click.argument("project", type=click.IntRange(1))
@click.option("--data", help="CSV, .npz, .npy, image folder or sklearn:NAME, with options after `?`.")
@click.option("--dry-run", is_flag=True, help="Train and score locally; nothing is sent.")
@click.option("--dry-rounds", type=click.IntRange(1, 1000), default=3, show_default=True, help="Its rounds.")
@click.option("--join", "join_first", is_flag=True, help="Take a seat first if the key has none.")
@click.option("--rounds", type=click.IntRange(0), default=0, help="Stop sealing after so many; 0: no limit.")
@click.option("--leave", is_flag=True, help="Claim and give the seat back when done.")
@click.option("--device", default="auto", show_default=True, help="auto, cpu, cuda or mps.")
@click.option("--trust-model", is_flag=True, help="Accept a first model that comes from no public seed.")
@click.option(
    "--no-verify", is_flag=True, help="Do not recompute a sample of each result before training on it."
)
@click.option(
    "--producer", default="honest", hidden=True, help="Who makes the updates (dishonest ones: demo)."
)
@pace_options()
@join_options
@signer_options
@common_options
@pass_app
def run(app: App, /, project: int, choice: KeyChoice, pace: Pace, data: str | None, **options: Any) -> None:
    """Train in every round until the project ends; safe to kill and start again at any time."""
    wishes = {name: options[name] for name in ("seat", "payout", "stake", "admission", "yes")}
    session = Session.open(app, choice, project, needs_key=not options["dry_run"])
    if options["dry_run"]:
        session.dry_run(app, data, options["dry_rounds"], options["device"])
        return
    logging.basicConfig(format="%(asctime)s %(message)s", datefmt="%H:%M:%S", level=logging.INFO)
    specification = session.data(data)
    if options["join_first"] and session.seat() is None:
        join_project(app, session, **wishes)
    policy = Policy(
        rounds=options["rounds"],
        trust_model=options["trust_model"],
        verify_sample=not options["no_verify"],
        leave=options["leave"],
    )
    finished = session.run(app, specification, options["producer"], options["device"], policy, pace)
    paid = session.credit()
    end = "done" if finished else "stopped, the same command goes on"
    app.out.line(f"{end}; credit to withdraw: {amount(paid)} (fairtrain project withdraw)")
    app.out.result({"ok": True, "project": project, "credit_wei": str(paid)})


@trainer.command()
@click.argument("project", type=click.IntRange(1))
@signer_options
@common_options
@pass_app
def status(app: App, project: int, choice: KeyChoice) -> None:
    """Show your seat: stake, reputation, pay so far, what is open."""
    session = Session.open(app, choice, project)
    session.show(app)


@trainer.command()
@click.argument("project", type=click.IntRange(1))
@signer_options
@common_options
@pass_app
def claim(app: App, project: int, choice: KeyChoice) -> None:
    """Turn all pay of FINAL rounds into credit of your payout address."""
    taken = Session.open(app, choice, project).claim()
    app.out.line(f"claimed {amount(taken)}; next: fairtrain project withdraw")
    app.out.result({"ok": True, "project": project, "claimed_wei": str(taken)})


@trainer.command()
@click.argument("project", type=click.IntRange(1))
@signer_options
@common_options
@pass_app
def leave(app: App, project: int, choice: KeyChoice) -> None:
    """Claim, take the stake back and free the seat, once everything you sealed is settled."""
    pay, stake, penalty = Session.open(app, choice, project).leave()
    app.out.line(f"left: pay {amount(pay)}, stake back {amount(stake)}, penalty {amount(penalty)}")
    app.out.result({"ok": True, "pay_wei": str(pay), "stake_wei": str(stake), "penalty_wei": str(penalty)})


@trainer.command()
@click.argument("project", type=click.IntRange(1))
@click.argument("added", type=AMOUNT, metavar="AMOUNT")
@signer_options
@common_options
@pass_app
def stake(app: App, project: int, added: int, choice: KeyChoice) -> None:
    """Add AMOUNT (0.5, or 500wei) to your stake: needed when missed reveals have eaten it below one unit."""
    session = Session.open(app, choice, project)
    total = session.add_stake(added)
    rest = f"; one unit, which a missed reveal costs, is {amount(session.params.unit)}"
    app.out.line(f"stake {amount(total)}{rest}")
    app.out.result({"ok": True, "project": project, "stake_wei": str(total)})


@trainer.command()
@click.argument("project", type=click.IntRange(1))
@common_options
@pass_app
def terms(app: App, project: int) -> None:
    """Print what the owner fixed, without a key."""
    session = Session.open(app, KeyChoice(None, None, None), project, needs_key=False)
    print_terms(app, session)
    app.out.result({"ok": True, **terms_document(session)})


def main() -> None:
    """Entry point of the console script `trainer`."""
    sys.exit(run_command(trainer, name="trainer"))
