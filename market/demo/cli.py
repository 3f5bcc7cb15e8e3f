"""`fairtrain demo`: watch a marketplace work from the first stake to the last wei."""

from __future__ import annotations

import re
import tempfile
import time
from pathlib import Path

import click
from rich.console import Console

from market.cli.context import App, pass_app
from market.cli.output import amount, plain_table
from market.cli.output import console as people_console
from market.cli.stopping import ends_as_interrupt
from market.demo.liar import ALL, FEWEST_ROUNDS, KINDS, LIE_ROUND, Trial, start_watcher, windows_with_asks
from market.demo.live import Show
from market.demo.outcome import report_of
from market.demo.plan import DEFAULT_ATTACKERS, Member, attackers, members
from market.demo.processes import Child, Family
from market.demo.report import LiarReport, Report
from market.demo.stage import Stage, fund, home_folder, set_stage, start_everybody, wait_for_seats
from market.devnet import Devnet, start_devnet
from market.errors import ChainError, VerificationError
from market.params import DEMO
from market.records import REPUTATION_ONE

LEAVE_SECONDS = 90.0
WEB_SECONDS = 20.0
WIDTH = 120
"""Columns where there is no terminal to ask."""


@click.command()
@click.option("--trainers", type=click.IntRange(2, 50), default=10, show_default=True)
@click.option(
    "--attackers",
    "attackers_text",
    default=DEFAULT_ATTACKERS,
    show_default=True,
    help="KIND=N, an attack of one's own as file.py:name=N, or `none`.",
)
@click.option("--rounds", type=click.IntRange(1, 60), default=8, show_default=True)
@click.option(
    "--alpha", type=click.FloatRange(0.01), default=0.5, show_default=True, help="Unevenness of data."
)
@click.option("--sizes", "size_text", default="", help="Relative data sizes like 1:2:4:8 instead of --alpha.")
@click.option(
    "--store", "store_kind", default="embedded", show_default=True, help="embedded, kubo or kubo:ADDRESS."
)
@click.option("--node", type=click.Choice(["anvil", "ganache"]), default="anvil", show_default=True)
@click.option("--seed", type=click.IntRange(0), default=0, show_default=True, help="Decides everything.")
@click.option(
    "--liar",
    type=click.Choice([*KINDS, ALL]),
    help="What the aggregator lies about in round 2 (all: one run for each).",
)
@click.option(
    "--reference",
    is_flag=True,
    help="The owner trains a reference of its own, on forty samples, in each round.",
)
@click.option("--web/--no-web", default=True, show_default=True, help="The dashboard, live during the run.")
@click.option("--report", type=click.Path(dir_okay=False, path_type=Path), help="Write a JSON report.")
@click.option(
    "--keep", type=click.Path(file_okay=False, path_type=Path), help="Keep home and logs in this folder."
)
@click.option("--json", "as_json", is_flag=True, help="Print the report as one JSON document.")
@pass_app
def demo(
    app: App,
    /,
    as_json: bool,
    trainers: int,
    attackers_text: str,
    rounds: int,
    alpha: float,
    size_text: str,
    store_kind: str,
    node: str,
    seed: int,
    liar: str | None,
    reference: bool,
    web: bool,
    report: Path | None,
    keep: Path | None,
) -> None:
    """Run a whole marketplace: contracts, trainers, cheats, an aggregator, a watcher, and the money."""
    app.as_json = app.as_json or as_json
    console = people_console(stderr=app.as_json)
    if not console.is_terminal:
        console.width = WIDTH
    wanted = attackers(attackers_text)
    people = members(trainers, wanted, seed, alpha, size_text)
    rounds = max(rounds, FEWEST_ROUNDS) if liar else rounds
    kinds: list[str | None] = [*KINDS] if liar == ALL else [liar]
    liars: list[LiarReport] = []
    with tempfile.TemporaryDirectory(prefix="fairtrain-demo-") as scratch:
        for kind in kinds:
            base = (keep or Path(scratch)) / (kind or "" if liar == ALL else "")
            outcome = run_once(
                app, console, base, store_kind, node, people, rounds, seed, kind, web, reference
            )
            liars += outcome.liars
            if not outcome.project.balances():
                raise VerificationError("escrow equation", outcome.project.funded_wei, "the sum of its parts")
    outcome = outcome.model_copy(update={"liars": liars})
    if report is not None:
        outcome.save(report)
        console.print(f"report: {report}")
    app.out.result(outcome.model_dump(mode="json"))
    if free := [told.kind for told in liars if not told.convicted]:
        raise VerificationError(f"lies about {', '.join(free)}", "convicted", "not convicted")


def run_once(
    app: App,
    console: Console,
    base: Path,
    store_kind: str,
    node: str,
    people: list[Member],
    rounds: int,
    seed: int,
    liar: str | None,
    web: bool,
    reference: bool = False,
) -> Report:
    """One demonstration on a chain of its own."""
    app.home = home_folder(base)
    app.store_url = store_url(store_kind, app.home)
    # Ganache's clock stands still between blocks, anvil's does not.
    block_time = 1 if node == "ganache" else None
    # Whoever kills the demonstration kills its processes: they lead sessions of their own.
    with (
        ends_as_interrupt(),
        start_devnet(node, 0, len(people) + 5, block_time, base / "node.log") as chain,  # type: ignore[arg-type]
    ):
        environment = {
            "FAIRTRAIN_HOME": str(app.home),
            "FAIRTRAIN_RPC": chain.url,
            "FAIRTRAIN_STORE": app.store_url,
            "OMP_NUM_THREADS": "1",
        }
        logs = base / "logs"
        with Family(logs, environment) as family, Family(logs, environment) as audience:
            visitors = audience if web else None
            return perform(app, console, chain, family, people, rounds, seed, liar, visitors, reference)


def perform(
    app: App,
    console: Console,
    chain: Devnet,
    family: Family,
    people: list[Member],
    rounds: int,
    seed: int,
    liar: str | None = None,
    audience: Family | None = None,
    reference: bool = False,
) -> Report:
    """From an empty chain to the last withdrawal. `audience`: who only looks, and ends with the demonstration."""
    started = time.monotonic()
    windows = windows_with_asks(DEMO.windows) if liar else DEMO.windows
    stage = set_stage(app, chain, people, rounds, seed, windows, reference)
    introduce(console, stage, chain.url)
    site = audience.start("web", "web", "--port", "0", "--no-publish") if audience else None
    start_everybody(stage, family, f"{liar}:{LIE_ROUND}" if liar else "")
    start_watcher(stage, family)
    trial = Trial(stage, family, liar) if liar else None
    with console.status("trainers load PyTorch and their data, and send their stakes"):
        wait_for_seats(stage, family)
    if site:
        console.print(address_of(site, stage.project))
    budget = fund(stage)
    console.print(f"all stakes and the bond are in; the owner locks {amount(budget)} for {rounds} rounds")
    show = Show(stage, family, stage.test, console, *([trial.news] if trial else []))
    show.follow()
    with console.status("everybody claims and leaves; a verifier recomputes all rounds"):
        verified = verify(stage, family)
        settle(stage, family)
    outcome = report_of(stage, show, seed, chain.kind, time.monotonic() - started)
    if trial:
        outcome = outcome.model_copy(update={"liars": [trial.report()]})
    conclude(console, stage, outcome, verified)
    return outcome


def introduce(console: Console, stage: Stage, url: str) -> None:
    """Who takes part."""
    kinds = [member.kind for member in stage.members]
    crowd = ", ".join(
        f"{kinds.count(kind)} {kind}" for kind in sorted(set(kinds), key=kinds.count, reverse=True)
    )
    console.print(
        f"market {stage.gateway.address} on {url}; project {stage.project}: {stage.description.title}"
    )
    owner = "the owner's reference (40 samples), " if stage.reference else ""
    console.print(
        f"{len(kinds)} trainers ({crowd}), {owner}1 aggregator, 1 watcher, each a process of its own"
    )


def address_of(site: Child, project: int) -> str:
    """Where the dashboard is, from its log; a demonstration goes on without one."""
    deadline = time.monotonic() + WEB_SECONDS
    while time.monotonic() < deadline and site.process.poll() is None:
        if found := re.search(r"dashboard at (http://[^,\s]+)", site.tail()):
            return f"dashboard: {found[1]}/projects/{project} (live until the end of the run)"
        time.sleep(0.2)
    return f"no dashboard: {site.tail(1) or 'it said nothing'} (log {site.log})"


def verify(stage: Stage, family: Family) -> str:
    """`aggregator verify` of the last round recomputes it and every round below, from chain and store alone."""
    last = stage.gateway.project(stage.project).last_result
    child = family.start("verifier", "aggregator", "verify", str(stage.project), str(last))
    if child.process.wait(600):
        raise VerificationError(f"rounds 1 to {last}", "posted", child.tail())
    return f"recomputed from chain and store alone: rounds 1 to {last} equal"


def settle(stage: Stage, family: Family) -> None:
    """Waits until all have claimed, left and unbonded, then refunds and pays out the owner."""
    deadline = time.monotonic() + LEAVE_SECONDS
    while (running := family.running()) and time.monotonic() < deadline:
        family.check()
        time.sleep(0.3)
    if running:
        raise ChainError("E222", f"still running after {LEAVE_SECONDS:.0f} s: {', '.join(running)}")
    family.check()
    gateway, project = stage.gateway, stage.gateway.project(stage.project)
    if project.escrow or project.penalty_pool:
        gateway.send("refund", stage.project)


def conclude(console: Console, stage: Stage, outcome: Report, verified: str) -> None:
    """The table of trainers and the escrow equation."""
    table = plain_table()
    for name in ("seat", "kind", "verdicts", "reputation", "stake back", "paid"):
        table.add_column(name, justify="left" if name in ("kind", "verdicts") else "right")
    for trainer in outcome.trainers:
        letters = "".join(verdict[0] if verdict != "left out" else "-" for verdict in trainer.verdicts)
        stake = f"{int(trainer.stake_wei) / 10**18:.3f}"
        paid = f"{int(trainer.paid_wei) / 10**18:.6f}"
        reputation = f"{trainer.reputation / REPUTATION_ONE:.3f}"
        table.add_row(str(trainer.seat), trainer.kind, letters, reputation, stake, paid)
    console.print("\ntrainers (stake and pay in ETH)", style="bold")
    console.print(table)
    if stage.reference:
        counted = [str(one.round) for one in outcome.rounds if one.reference == "counted"]
        console.print(
            f"the owner's reference steered weights in {len(counted)} of {len(outcome.rounds)} rounds "
            f"({', '.join(counted) or 'none'}) and was paid nothing"
        )
    console.print()
    console.print(
        "verdicts by round: h nothing against it, u unreliable, m malicious (costs stake), "
        "- left out, a absent; useless work is not punished, only unpaid"
    )
    project = outcome.project
    parts = [("paid", project.paid_wei), ("fees", project.fees_wei), ("refunded", project.refunded_wei)]
    parts.append(("dust", project.dust_wei))
    terms = " + ".join(f"{name} {amount(int(wei))}" for name, wei in parts)
    sign = "=" if project.balances() else "IS NOT"
    extra = f" + forfeited {amount(int(project.forfeited_wei))}" if int(project.forfeited_wei) else ""
    extra += f" + slashed {amount(int(project.slashed_wei))}" if int(project.slashed_wei) else ""
    console.print(f"funded {amount(int(project.funded_wei))}{extra} {sign} {terms}")
    for told in outcome.liars:
        how = f"{told.check} {tuple(told.place)}" if told.check else "an ask without an answer"
        console.print(
            f"lie about {told.kind}: convicted by {how} after {told.seconds} s, {told.asks} asks, "
            f"{told.gas:,} gas; bond lost {amount(int(told.bond_lost_wei))}; "
            f"round {told.round} repaired by {told.repaired_by}"
        )
    console.print(verified)
    console.print(
        f"model {outcome.model_cid}, accuracy {outcome.final_accuracy:.3f}, {outcome.seconds:.0f} s"
    )


def store_url(kind: str, home: Path) -> str:
    """`embedded`, `kubo` (on its usual port) or a store URL."""
    if kind == "embedded":
        return f"folder:{home / 'store'}"
    return "kubo:/ip4/127.0.0.1/tcp/5001" if kind == "kubo" else kind
