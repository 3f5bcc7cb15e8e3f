"""Children of a demonstration: real commands with logs of their own, none of which outlives it."""

from __future__ import annotations

import os
import signal
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
