"""`aggregator run --engine`: who works on the files, and that the result does not depend on it."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import pytest

from market.devnet import dev_account
from market.phases import Phase
from tests.cli.role_world import AGGREGATOR, FIRST_TRAINER, Daemons, Roles, data_of

pytestmark = pytest.mark.chain
ME = dev_account(AGGREGATOR).address


def test_run_with_an_engine_that_is_not_installed__refused_before_the_bond(
    roles: Roles, monkeypatch: pytest.MonkeyPatch
) -> None:
    project = roles.create()
    monkeypatch.setitem(sys.modules, "ray", None)

    said = roles("aggregator", "run", project, "--engine", "ray", key=AGGREGATOR)

    assert (said.code, said.error["code"]) == (2, "E193")
    assert roles.owner.aggregator(project, ME).bond == 0


@pytest.fixture
def on_ray(roles: Roles, tmp_path: Path) -> Iterator[tuple[int, subprocess.Popen[str]]]:
    """A project and its aggregator on a cluster, in a process of its own: Ray leaves warnings behind."""
    project = roles.create(expected_seats=2)
    words = roles.words("aggregator", "run", project, "--engine", "ray", "--devnet-key", AGGREGATOR)
    command = [sys.executable, "-W", "ignore", "-m", "market.cli", *words, "--poll", "0.1", "--chores", "0"]
    with (
        (tmp_path / "log").open("w") as log,
        subprocess.Popen(command, stdout=log, stderr=log, text=True) as process,
    ):
        yield project, process
        process.terminate()


@pytest.mark.slow
@pytest.mark.skipif(
    find_spec("ray") is None, reason='needs the extra "scale": pip install "fairtrain[scale]"'
)
def test_run_on_ray__posts_what_one_process_computes(
    roles: Roles, on_ray: tuple[int, subprocess.Popen[str]]
) -> None:
    (project, aggregator), daemons = on_ray, Daemons(roles)
    for seat in range(2):
        words = ("--join", "--yes", "--seat", seat, "--data", data_of(seat), "--device", "cpu", "--rounds", 1)
        daemons.start(
            f"trainer {seat}", "trainer", "run", project, "--devnet-key", FIRST_TRAINER + seat, *words,
            "--poll", 0.1, "--chores", 0,
        )  # fmt: skip
    daemons.wait_for(lambda: roles.seats_taken(project) == 2)
    roles.fund(project, 1)
    daemons.wait_for(lambda: roles.owner.project(project).head == 1)
    roles.owner.send("stop", project)

    daemons.wait_for(lambda: roles.owner.phase(project, 1) in (Phase.PROPOSED, Phase.STANDING), 120)

    verified = roles("aggregator", "verify", project, 1)
    assert (verified.code, verified.body["equal"]) == (0, True)
    roles.chain.advance(71)
    daemons.wait_for(lambda: all(code.done() for code in daemons.codes.values()))
    assert not daemons.failed()
    assert aggregator.wait(60) == 0
