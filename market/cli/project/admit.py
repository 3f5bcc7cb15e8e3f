"""`fairtrain project admit`: a list of trainers who have proved themselves in other projects.

Reputation belongs to a seat of a project. An owner who wants a minimum names the projects whose judgement it trusts;
whoever is not on the list that comes out cannot take a seat, so a bad name is not shed by a new address.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from math import ceil
from pathlib import Path
from typing import TYPE_CHECKING

import click

from market.admission import admission_root
from market.claims import document_of
from market.cli.context import App, common_options, pass_app
from market.cli.project.show import share
from market.errors import InputError
from market.observe import Observer
from market.records import REPUTATION_ONE
from market.result_document import checked_accounts

if TYPE_CHECKING:
    from market.chain.gateway import Gateway


class Reputation(click.ParamType[int]):
    """A decimal from 0 to 1, exact or rounded up to 1/16,384, as an integer of 2^14."""

    name = "reputation"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """The integer of a decimal."""
        if isinstance(value, int):
            return value
        try:
            units = Decimal(str(value)) * REPUTATION_ONE
            if 0 <= units <= REPUTATION_ONE:
                return ceil(units)
        except ArithmeticError:
            pass
        return self.fail(f"{value!r} is not a number from 0 to 1", param, ctx)


@dataclass(frozen=True)
class Proven:
    """What a project says of a trainer. `reputation`: 2^14 = 1; `rounds`: in which this holder revealed."""

    address: str
    project: int
    reputation: int
    rounds: int


@click.command()
@click.argument("projects", type=click.IntRange(1), nargs=-1, required=True)
@click.option(
    "--reputation", "least", type=Reputation(), default="0.6", show_default=True, help="Least reputation."
)
@click.option(
    "--rounds", type=click.IntRange(1), default=8, show_default=True, help="Least rounds revealed in."
)
@click.option(
    "-o",
    "--output",
    type=click.Path(dir_okay=False, path_type=Path),
    required=True,
    help="List for --admission.",
)
@click.option("--force", is_flag=True, help="Replace the file if it is there.")
@common_options
@pass_app
def admit(app: App, projects: tuple[int, ...], least: int, rounds: int, output: Path, force: bool) -> None:
    """List who has a good name in PROJECTS, for `project create --admission`.

    Counted are the accounts of each project's newest FINAL result, which nobody can refute any more. Who ever was
    called malicious there is not listed. Newcomers have a reputation of 0.5.
    """
    if output.exists() and not force:
        raise InputError("E108", f"{output} is there already; pass --force to replace it, or another name")
    found = [proven for project in projects for proven in trainers_of(app, app.gateway(), project)]
    listed = best_of(found, least, rounds)
    if not listed:
        best = max((proven.reputation for proven in found), default=0)
        raise InputError(
            "E103",
            f"none of {len(found)} trainers has a reputation of {share(least)} and {rounds} rounds, the highest "
            f"reputation is {share(best)}; lower --reputation or --rounds, or name more projects",
        )
    output.write_text("".join(_line(proven) for proven in listed), encoding="utf-8")
    root = admission_root(proven.address for proven in listed)
    app.out.line(f"{len(listed)} of {len(found)} trainers are in {output}, admission root 0x{root.hex()}")
    app.out.line(f"next: fairtrain project create --admission {output} ...; trainers join with the same file")
    app.out.result({"ok": True, "trainers": [vars(proven) for proven in listed], "admission_root": root})


def trainers_of(app: App, gateway: Gateway, project: int) -> list[Proven]:
    """All present holders of seats of a project who were never called malicious. RefusedError if there is no such
    project, InputError E109 without a FINAL result, UpdateError E113 for accounts that nobody committed to."""
    params, _ = gateway.params(project)
    final = gateway.project(project).last_final
    if not final:
        raise InputError("E109", f"project {project} has no FINAL result yet; wait for one, or leave it out")
    observer = Observer(gateway, project)
    observer.refresh()
    posted = observer.history.posted(gateway.result(project, final).commitment)
    assert posted is not None  # a FINAL result was posted
    accounts, _ = checked_accounts(document_of(app.store(), posted), posted.post.roots.accounts, params.seats)
    holders = {seat: gateway.seat(project, seat) for seat in sorted(observer.history.seats_held())}
    return [
        Proven(held.signer, project, accounts[seat].reputation, _rounds(observer, seat, held.signer, final))
        for seat, held in holders.items()
        if accounts[seat].penalty <= held.penalty_taken  # of former holders, who have settled theirs
    ]


def best_of(found: list[Proven], least: int, rounds: int) -> list[Proven]:
    """Of each address its best, in the order of addresses; those below either bound left out."""
    fit = [proven for proven in found if proven.reputation >= least and proven.rounds >= rounds]
    best = {proven.address: proven for proven in sorted(fit, key=lambda proven: proven.reputation)}
    return sorted(best.values(), key=lambda proven: proven.address.lower())


def _rounds(observer: Observer, seat: int, signer: str, final: int) -> int:
    """Rounds up to `final` that this holder revealed in."""
    rounds = observer.history.rounds.items()
    reveals = [facts.reveals.get(seat) for number, facts in rounds if number <= final]
    return sum(reveal is not None and reveal.trainer == signer for reveal in reveals)


def _line(proven: Proven) -> str:
    why = f"reputation {share(proven.reputation)}, {proven.rounds} rounds"
    return f"{proven.address}  # project {proven.project}: {why}\n"
