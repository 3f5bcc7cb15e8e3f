"""The demonstration as users run it, in processes: one seed decides everything, whatever is killed on the way."""

from __future__ import annotations

import os
import random
import signal
import time
from dataclasses import dataclass
from pathlib import Path

import pytest
from rich.console import Console

from market.cli.context import App
from market.demo.cli import settle, verify
from market.demo.liar import start_watcher
from market.demo.live import Show
from market.demo.outcome import report_of
from market.demo.plan import Member, attackers, held_out_data, members
from market.demo.processes import Family
from market.demo.report import Report
from market.demo.stage import Stage, fund, home_folder, set_stage, start_everybody, wait_for_seats
from market.devnet import Devnet, start_devnet
from market.index.queries import open_reader
from tests.scenarios.demo_runs import PEOPLE, ROUNDS, check, demo

pytestmark = [pytest.mark.chain, pytest.mark.slow]

KILLS = 3


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> Report:
    """The run that others are compared with."""
    folder = tmp_path_factory.mktemp("undisturbed")
    report = demo(folder, "--seed", "3", web="--web")
    assert "dashboard at http://127.0.0.1:" in (folder / "kept" / "logs" / "web.log").read_text()
    with open_reader(f"sqlite:///{folder / 'kept' / 'home' / 'index.sqlite'}") as index:
        shown = index.project(1)
    assert shown is not None, "the dashboard's index has followed the run"
    return report


def test_demo_anvil_and_folder__is_whole(undisturbed: Report) -> None:
    check(undisturbed)
    assert undisturbed.node == "anvil"


def test_demo_on_kubo__gives_the_same_model(undisturbed: Report, tmp_path: Path, kubo_api: str) -> None:
    """Another store, the same CIDs: one seed decides everything."""
    on_kubo = demo(tmp_path, "--seed", "3", "--store", f"kubo:{kubo_api}")

    check(on_kubo)
    assert on_kubo.store == "kubo"
    assert on_kubo.model_cid == undisturbed.model_cid
    assert [t.paid_wei for t in on_kubo.trainers] == [t.paid_wei for t in undisturbed.trainers]


@dataclass
class Killer:
    """Kills a random child with SIGKILL at random moments and starts its command again."""

    family: Family
    random: random.Random
    kills: list[str]
    last: float = 0.0

    def maybe(self) -> None:
        """A few kills in all; the victim of the last one has some seconds to come back."""
        if len(self.kills) < KILLS and time.monotonic() > self.last + self.random.uniform(3, 8):
            self.last = time.monotonic()
            name = self.random.choice(sorted(self.family.running()))
            process = self.family.children[name].process
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            self.family.restart(name)
            self.kills.append(name)


class RestlessShow(Show):
    """Follows the project like `Show`; each look may kill somebody."""

    killer: Killer

    def _look(self) -> None:
        super()._look()
        self.killer.maybe()


@pytest.mark.parametrize("seed", [11, 12])
def test_demo_with_random_kills__loses_nothing_and_pays_nobody_twice(
    undisturbed: Report, tmp_path: Path, seed: int
) -> None:
    app = App(home=home_folder(tmp_path))
    app.store_url = f"folder:{app.home / 'store'}"
    people = members(PEOPLE[1], attackers(PEOPLE[0]), 3, 0.5)
    with start_devnet("anvil", accounts=PEOPLE[1] + 4) as chain:
        report, kills = _with_kills(app, chain, people, tmp_path, seed)

    check(report)
    assert len(kills) == KILLS
    assert report.model_cid == undisturbed.model_cid
    assert [t.paid_wei for t in report.trainers] == [t.paid_wei for t in undisturbed.trainers]


def _with_kills(
    app: App, chain: Devnet, people: list[Member], folder: Path, seed: int
) -> tuple[Report, list[str]]:
    environment = {"FAIRTRAIN_HOME": str(app.home), "FAIRTRAIN_RPC": chain.url, "OMP_NUM_THREADS": "1"}
    with Family(folder / "logs", environment | {"FAIRTRAIN_STORE": str(app.store_url)}) as family:
        stage: Stage = set_stage(app, chain, people, ROUNDS, 3)
        start_everybody(stage, family)
        start_watcher(stage, family)
        wait_for_seats(stage, family)
        fund(stage)
        show = RestlessShow(stage, family, held_out_data(3), Console(quiet=True))
        show.killer = Killer(family, random.Random(seed), [])
        started = time.monotonic()
        show.follow()
        verify(stage, family)
        settle(stage, family)
        report = report_of(stage, show, 3, chain.kind, time.monotonic() - started)
        return report, show.killer.kills
