"""The demonstration on another EVM, and with an aggregator that lies: in processes, as users run it."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.scenarios.demo_runs import check, demo

pytestmark = [pytest.mark.chain, pytest.mark.slow]


def test_demo_on_ganache_with_a_reference__is_whole(tmp_path: Path) -> None:
    """Contracts run on another Shanghai node; its chain id differs, so does the seed of sketches. The owner's daemon
    runs beside the others: it counts in every round, is paid nothing and ends by itself."""
    report = demo(tmp_path, "--seed", "3", "--node", "ganache", "--reference")

    check(report)
    assert report.node == "ganache"
    assert [one.reference for one in report.rounds] == ["counted"] * len(report.rounds)
    log = (tmp_path / "kept" / "logs" / "reference.log").read_text()
    assert "40 samples from" in log
    assert log.count("sealReference (") == log.count("revealReference (") == len(report.rounds)


def test_demo_with_a_liar__is_caught_slashed_and_repaired(tmp_path: Path) -> None:
    """Inner products that nobody is shown but who asks: two questions, one refutation, in processes."""
    report = demo(tmp_path, "--seed", "3", "--liar", "gram")
    told = report.liars[0]

    assert (told.convicted, told.check, told.kind) == (True, "Gram", "gram")
    assert 1 <= told.asks <= 5
    assert told.gas < 300_000
    assert int(told.to_watcher_wei) == int(told.bond_lost_wei) // 3 > 0
    assert told.repaired_by not in ("", told.poster)
    assert report.project.balances()
    assert len(report.rounds) == 3
    assert min(int(t.paid_wei) for t in report.trainers if t.kind == "honest") > 0
