"""Children of a demonstration: real commands with logs of their own, none of which outlives it."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from market.demo.processes import Family
from market.errors import ChainError


@pytest.fixture
def family(tmp_path: Path) -> Family:
    return Family(tmp_path / "logs", {"FAIRTRAIN_HOME": str(tmp_path)})


def test_start__runs_the_real_program_into_its_log(family: Family) -> None:
    with family:
        child = family.start("helper", "--version")

        assert child.process.wait(60) == 0
        assert "version" in child.tail()
        family.check()
        assert family.running() == []


def test_check_failed_child__named_with_the_end_of_its_log(family: Family) -> None:
    with family:
        family.start("helper", "no-such-group").process.wait(60)

        with pytest.raises(
            ChainError, match=r"E220 helper ended with exit code 2; its log says:\n(.|\n)*no-such-group"
        ):
            family.check()


def test_restart_killed_child__same_command_same_log(family: Family) -> None:
    with family:
        first = family.start("helper", "devnet", "--port", "0", "--block-time", "60")
        first.process.send_signal(signal.SIGKILL)
        first.process.wait(10)

        second = family.restart("helper")

        assert second.arguments == first.arguments
        assert second.log == first.log
        assert family.running() == ["helper"]
    assert second.process.poll() is not None


def test_leaving__ends_whoever_still_runs(family: Family) -> None:
    with family:
        child = family.start("helper", "devnet", "--port", "0", "--block-time", "60")
        assert family.running() == ["helper"]

    assert child.process.poll() is not None
    with pytest.raises(ProcessLookupError):
        os.kill(child.process.pid, 0)


def test_demonstration_that_is_killed__takes_its_processes_with_it(tmp_path: Path) -> None:
    """As `kill` and a closed terminal do; Ctrl-C is the same inside."""
    options = ["--trainers", "2", "--attackers", "none", "--rounds", "1", "--no-web", "--keep", str(tmp_path)]
    demonstration = subprocess.Popen(
        [sys.executable, "-m", "market.cli", "demo", *options],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    )
    try:
        log = tmp_path / "logs"
        wait_until(lambda: log.is_dir() and any(log.glob("trainer*")))
        demonstration.send_signal(signal.SIGTERM)
        assert demonstration.wait(60) == 130
    finally:
        demonstration.kill()
        demonstration.communicate()
    wait_until(lambda: not commands_with(str(tmp_path)))


def commands_with(text: str) -> list[str]:
    """Command lines and environments of living processes that name it."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            said = (folder / "cmdline").read_bytes() + (folder / "environ").read_bytes()
            if text.encode() in said:
                found.append(folder.name)
    return found


def wait_until(done: Callable[[], bool], seconds: float = 60.0) -> None:
    """Looks until it is so."""
    end = time.monotonic() + seconds
    while not done():
        assert time.monotonic() < end
        time.sleep(0.05)
