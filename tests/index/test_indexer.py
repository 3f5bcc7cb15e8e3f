"""The index against the specification: whatever the chain does, the tables are those of a fresh sync."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from market.chain.blocks import RawLog
from market.errors import ChainError
from market.index.indexer import Indexer, Step
from market.index.queries import open_reader
from market.index.run import Service
from market.keccak import keccak256
from tests.index.simulator import MARKET, SimChain, script
from tests.index.sync import Killed, assert_getters, differences, dumped, fresh, service, steps, sync

QUICK = ("standing", "cleared", "final", "silent", "asked_and_gone")


def chain(seed: int = 0, *stages: str) -> SimChain:
    """A chain on which some projects have gone some way."""
    made = SimChain(seed)
    made.play(script(*(stages or QUICK)))
    return made


def test_sync_every_stage__getters_are_the_specifications(database: str) -> None:
    made = SimChain()
    made.play(script())

    sync(database, made)

    last = made.blocks[-1]
    assert_getters(database, last.state, last.header.time)
    assert_getters(database, last.state, last.header.time + 5)
    with open_reader(database) as reader:
        pages = [reader.project(number) for number in range(1, len(last.state.projects) + 1)]
        assert all(page and page.money.balances for page in pages)
        assert reader.health().unknown_events == 0


@pytest.mark.parametrize("depth", [1, 2, 7, 32, 65])
def test_step_reorganisation__equals_a_fresh_sync(database: str, tmp_path: Path, depth: int) -> None:
    made = chain(depth, *QUICK, "missed_then_next", "flat", "over")
    with service(database, made) as running:
        steps(running)
        for keep in (1.0, 0.5):
            made.reorganise(depth, keep)

            assert Step.REWOUND in steps(running)

            ours, theirs = dumped(database), fresh(tmp_path, made)
            assert ours == theirs, differences(ours, theirs)
    assert_getters(database, made.blocks[-1].state, made.blocks[-1].header.time)


def test_step_reorganisation_of_everything__starts_anew(sqlite: str, tmp_path: Path) -> None:
    made = chain(1, "final")
    with service(sqlite, made) as running:
        steps(running)
        made.reorganise(len(made.blocks), 0.9)

        assert steps(running)[0] is Step.REWOUND

    assert dumped(sqlite) == fresh(tmp_path, made)


@pytest.mark.parametrize(("depth", "passes"), [(19, True), (20, True), (21, False)])
def test_step_reorganisation_at_the_limit__undone_or_refused(
    sqlite: str, tmp_path: Path, depth: int, passes: bool
) -> None:
    made = chain(2)
    with service(sqlite, made, keep=20) as running:
        steps(running)
        made.reorganise(depth)

        if passes:
            steps(running)
        else:
            with pytest.raises(
                ChainError, match=r"E203 .*deeper than the 20 blocks.*fairtrain index rebuild"
            ):
                steps(running)
    if passes:
        assert dumped(sqlite) == fresh(tmp_path, made)
    else:
        with open_reader(sqlite) as reader:
            assert (reader.health().state, reader.health().stale) == ("halted", True)


def test_step_kept_blocks_in_many_steps__are_undone_too(sqlite: str, tmp_path: Path) -> None:
    """Notes of blocks outlive later steps and restarts."""
    made = chain(3, "standing")
    sync(sqlite, made)
    made.play(script(*QUICK)[len(script("standing")) :])
    sync(sqlite, made)
    made.reorganise(40)

    sync(sqlite, made)

    assert dumped(sqlite) == fresh(tmp_path, made)


def test_step_node_that_lags__waits_before_it_believes(sqlite: str) -> None:
    made = chain(4)
    with service(sqlite, made) as running:
        steps(running)
        place, hidden = running.indexer.place(), made.blocks[-3:]
        del made.blocks[-3:]

        assert [running.turn() for _ in range(3)] == [Step.IDLE] * 3
        made.blocks += hidden
        assert running.turn() is Step.IDLE

        assert running.indexer.place() == place


def test_step_shorter_chain__is_believed_in_the_end(sqlite: str, tmp_path: Path) -> None:
    made = chain(4)
    with service(sqlite, made) as running:
        steps(running)
        del made.blocks[-3:]

        assert [running.turn() for _ in range(4)] == [*[Step.IDLE] * 3, Step.REWOUND]

    assert dumped(sqlite) == fresh(tmp_path, made)


@pytest.mark.parametrize("fault", ["partial", "twice", "strange", "error", "no block", "reorganise"])
@pytest.mark.parametrize("seed", range(2))
def test_step_faulty_answers__equal_a_fresh_sync(sqlite: str, tmp_path: Path, fault: str, seed: int) -> None:
    made = chain(seed)
    with service(sqlite, made) as running:
        made.faults = [fault if made.random.random() < 0.1 else "" for _ in range(250)]
        for _ in range(60):
            if not made.faults:
                break
            running.turn()
        made.faults = []
        running.catch_up()

        ours, theirs = dumped(sqlite), fresh(tmp_path, made)
        assert ours == theirs, differences(ours, theirs)


def test_step_logs_that_never_fit__end_with_e202(sqlite: str) -> None:
    made = chain(5)
    keep = made.blocks[10]
    made.blocks[10] = replace(keep, logs=(), header=replace(keep.header, bloom=b""))
    assert keep.logs

    with (
        service(sqlite, made) as running,
        pytest.raises(ChainError, match=r"E202 .*another --rpc.*rebuild"),
    ):
        steps(running)


def test_step_missing_log_that_the_filter_admits__is_asked_for_again(sqlite: str, tmp_path: Path) -> None:
    made = chain(6)
    made.faults = [""] * 66 + ["partial"] * 1
    made.stateless = True

    sync(sqlite, made)

    made.faults, made.stateless = [], False
    assert made.asked > 0
    with service(sqlite, made) as running:
        steps(running)


def test_step_node_without_old_state__is_not_audited(sqlite: str, tmp_path: Path) -> None:
    made = chain(6)
    made.stateless = True

    sync(sqlite, made)

    assert dumped(sqlite) == fresh(tmp_path, made)


def test_audit_event_missed_earlier__is_found_in_turn_and_read_again(sqlite: str, tmp_path: Path) -> None:
    """What a node hid while it had no state is found out, and read again from a node that shows it."""
    made = chain(7, "final")
    made.stateless = True
    at = next(at for at, block in enumerate(made.blocks) if block.calls and block.calls[-1].name == "fund")
    whole = made.blocks[at]
    made.blocks[at] = replace(whole, logs=whole.logs[:-1])
    sync(sqlite, made)
    made.stateless, made.blocks[at] = False, whole
    for _ in range(3):
        made.mine()

    done: list[Step | None] = []

    def follow(running: Service) -> None:
        for _ in range(20):
            done.append(running.turn())
            made.mine()

    with service(sqlite, made) as running:
        follow(running)
        assert Step.REWOUND in done
        running.catch_up()

    assert dumped(sqlite) == fresh(tmp_path, made)


# ----- kills -----

POINTS = ("block 30", "flushed", "before commit", "committed")


@pytest.mark.parametrize("point", POINTS)
def test_write_killed_at_a_point__all_or_nothing(database: str, tmp_path: Path, point: str) -> None:
    made = chain(8)

    def die(at: str) -> None:
        if at == point:
            raise Killed

    with service(database, made) as running:
        running.indexer.at_fault = die
        with pytest.raises(Killed):
            steps(running)
    before = dumped(database)
    sync(database, made)

    assert before != dumped(database)
    assert dumped(database) == fresh(tmp_path, made)


def test_rewind_killed_half_way__starts_over(database: str, tmp_path: Path) -> None:
    made = chain(9)

    def die(at: str) -> None:
        if at == "rewound":
            raise Killed

    with service(database, made) as running:
        steps(running)
        before = dumped(database)
        made.reorganise(12)
        running.indexer.at_fault = die
        with pytest.raises(Killed):
            steps(running)
    assert dumped(database) == before
    sync(database, made)

    assert dumped(database) == fresh(tmp_path, made)


@pytest.mark.parametrize("seed", range(8))
def test_chaos_of_faults_kills_and_branches__equals_a_fresh_sync(
    sqlite: str, tmp_path: Path, seed: int
) -> None:
    calls = list(script("final", "cleared", "flat_below_stale", "over"))
    made = SimChain(seed)
    made.play(calls[:20])
    rest = calls[20:]

    def die(point: str) -> None:
        if made.random.random() < 0.01:
            raise Killed

    while rest:
        made.play(rest[:15])
        del rest[:15]
        made.faults = [
            made.random.choice(("", "", "", "", "error", "partial", "twice", "no block")) for _ in range(30)
        ]
        try:
            with service(sqlite, made) as running:
                running.indexer.at_fault = die
                for _ in range(made.random.randrange(8)):
                    running.turn()
        except (Killed, ChainError):
            pass
        made.faults = []
        if made.random.random() < 0.6:
            made.reorganise(min(made.random.choice((1, 2, 7, 32)), len(made.blocks) - 1), 0.8)
    sync(sqlite, made)

    ours, theirs = dumped(sqlite), fresh(tmp_path, made)
    assert ours == theirs, differences(ours, theirs)
    assert_getters(sqlite, made.blocks[-1].state, made.blocks[-1].header.time)


# ----- what this version does not know -----


def odd_log(project: int = 1) -> RawLog:
    """An event that no ABI has."""
    return RawLog(
        MARKET,
        (keccak256(b"Novelty(uint256)"), project.to_bytes(32, "big")),
        b"\1" * 32,
        0,
        b"",
        0,
        b"\2" * 32,
    )


def test_step_unknown_event__is_stored_raw_and_passed_over(sqlite: str, tmp_path: Path) -> None:
    made = chain(10, "standing")
    made.mine(odd=[odd_log()])
    made.play(script("standing", "final")[len(script("standing")) :])

    sync(sqlite, made)

    assert_getters(sqlite, made.blocks[-1].state, made.blocks[-1].header.time)
    assert dumped(sqlite) == fresh(tmp_path, made)
    with open_reader(sqlite) as reader:
        assert reader.health().unknown_events == 1
        assert [row.known for row in reader.watch().other] == [False]


def test_step_log_without_topics__is_stored_raw(sqlite: str) -> None:
    made = chain(11, "fresh")
    made.mine(odd=[replace(odd_log(), topics=())])

    sync(sqlite, made)

    with open_reader(sqlite) as reader:
        assert reader.health().unknown_events == 1


def test_step_other_genesis_after_a_branch__ends_with_e201(sqlite: str) -> None:
    made = chain(12, "final")
    with service(sqlite, made, keep=5) as running:
        steps(running)
        made.reorganise(30)
        made.genesis = "0x" + "77" * 32

        with pytest.raises(ChainError, match="E201"):
            steps(running)


def test_indexer_keeps_only_recent_blocks(sqlite: str) -> None:
    made = chain(13, "final")
    for _ in range(50):
        made.mine()
    with service(sqlite, made, keep=10) as running:
        steps(running)
        for _ in range(30):
            made.mine()
            steps(running)
        indexer: Indexer = running.indexer
        with running.engine.connect() as connection:
            from sqlalchemy import text

            empty = "SELECT count(*) FROM blocks WHERE number NOT IN (SELECT number FROM events)"
            count = connection.execute(text(empty)).scalar()
            notes = connection.execute(text("SELECT min(number) FROM undo")).scalar()

    assert count == 11
    assert notes is None
    assert indexer.place() is not None
