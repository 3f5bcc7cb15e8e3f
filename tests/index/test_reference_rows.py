"""The owner's reference in the index: state, round page, reorganisations, rebuild, and the cross-check."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from market.cid import cid_from_digest
from market.codec import UPDATE
from market.errors import ChainError
from market.events import Event
from market.index.logs import decode
from market.index.queries import open_reader
from market.index.views import ReferenceRow
from market.keccak import keccak256
from market.seals import seal_hash, short_seal
from market.spec import apply
from tests.index.conftest import sqlite_url
from tests.index.simulator import Call, SimChain
from tests.index.simulator import script as usual_script
from tests.index.sync import assert_getters, dumped, fresh, service, steps, sync
from tests.stateful.stages import STAGES as ALL_STAGES
from tests.stateful.world import World, someone

KEY = someone(50)
ROOT, SALT, FILE = b"\xff" * 32, keccak256(b"salt"), keccak256(b"file")
SEALED, REVEALED = "sealed", "revealed"


def seal(world: World, round_: int) -> bytes:
    """The reference seals; the seal."""
    place = (world.state.chain_id, world.state.market, world.number, round_, KEY)
    sealed = short_seal(seal_hash(*place, world.project.rounds[round_].base_root, ROOT, SALT))
    world.call("sealReference", world.number, round_, sealed, caller=KEY)
    return sealed


def to_aggregate(world: World, reveals: bool = True) -> None:
    """A round with three trainers and the reference, sealed and, if it should, revealed."""
    round_ = world.open()
    for seat in range(3):
        world.seal(round_, seat)
    seal(world, round_)
    world.now = max(world.now, world.project.rounds[round_].commit_end)
    for seat in range(3):
        world.reveal(round_, seat)
    if reveals:
        world.call("revealReference", world.number, round_, ROOT, SALT, FILE, caller=KEY)


def to_posted(world: World, bit: int) -> None:
    """... and a result whose first word of rows has this bit."""
    to_aggregate(world)
    draft, _ = world.draft(world.project.head)
    world.post(world.project.head, rows=(bit, *draft.rows[1:]))


STAGES: dict[str, Callable[[World], None]] = {
    SEALED: lambda world: to_aggregate(world, reveals=False),
    REVEALED: to_aggregate,
}


@cache
def script(stage: str) -> tuple[Call, ...]:
    """Calls of a market with one project that has a reference; `stage`: one of STAGES, or the bit of a result."""
    world, calls = World.spec(), list[Call]()

    def driver(name: str, *args: Any, caller: str, now: int, value: int = 0) -> list[Event]:
        events = apply(world.state, name, *args, caller=caller, now=now, value=value)
        calls.append(Call(name, args, caller, now, value))
        return events

    world.driver = driver
    world.start(reference_key=KEY)
    if stage in STAGES:
        STAGES[stage](world)
    else:
        to_posted(world, int(stage))
    return tuple(calls)


def indexed(tmp_path: Path, stage: str) -> tuple[str, SimChain]:
    """A database, and the chain that it is of."""
    chain, url = SimChain(), sqlite_url(tmp_path)
    chain.play(script(stage))
    sync(url, chain)
    return url, chain


def reference(url: str) -> ReferenceRow | None:
    with open_reader(url) as reader:
        page = reader.round(1, 1)
    assert page is not None
    return page.reference


def test_round_page_revealed__everything_that_its_events_say(tmp_path: Path) -> None:
    url, _ = indexed(tmp_path, REVEALED)

    row = reference(url)

    assert row is not None
    size = UPDATE.file_bytes(4096)
    assert (row.key, row.root, row.salt) == (KEY, "0x" + ROOT.hex(), "0x" + SALT.hex())
    assert row.cid == cid_from_digest(FILE, size)
    assert row.revealed_at is not None
    assert len({row.seal_tx, row.reveal_tx, ""}) == 3
    assert row.included is None, "nothing is posted"
    with open_reader(url) as reader:
        page = reader.round(1, 1)
        assert page is not None
        assert (len(page.updates), page.row.view.seal_count) == (3, 3), "it is no seat"
        assert reader.watch().other == [], "no event without a place"


def test_round_page_sealed__no_reveal_yet(tmp_path: Path) -> None:
    row = reference(indexed(tmp_path, SEALED)[0])

    assert row is not None
    assert row.sealed_at is not None
    assert (row.revealed_at, row.reveal_tx, row.root, row.cid) == (None, "", "", "")


@pytest.mark.parametrize("stage", [SEALED, REVEALED])
def test_getters__are_the_specifications(tmp_path: Path, stage: str) -> None:
    url, chain = indexed(tmp_path, stage)

    assert_getters(url, chain.blocks[-1].state, chain.now())


@pytest.mark.parametrize("depth", [1, 3, 6])
def test_reorganised__equal_to_a_new_index(tmp_path: Path, depth: int) -> None:
    chain, url = SimChain(seed=depth), sqlite_url(tmp_path)
    chain.play(script(REVEALED))
    sync(url, chain)

    chain.reorganise(depth, keep=0.6)
    sync(url, chain)

    (tmp_path / "new").mkdir()
    assert dumped(url) == fresh(tmp_path / "new", chain)


@pytest.mark.parametrize(("stage", "hidden"), [(SEALED, "ReferenceSealed"), ("8", "ReferenceRevealed")])
def test_node_that_keeps_an_event_back__e202(tmp_path: Path, stage: str, hidden: str) -> None:
    chain = SimChain()
    chain.play(script(stage))
    for at, block in enumerate(chain.blocks):
        logs = tuple(log for log in block.logs if decode(log.topics, log.data)[0] != hidden)
        bloom = block.header.bloom if logs else b""
        chain.blocks[at] = replace(block, logs=logs, header=replace(block.header, bloom=bloom))

    with (
        service(sqlite_url(tmp_path), chain) as running,
        pytest.raises(ChainError, match=r"E202 .*rebuild"),
    ):
        steps(running)


@pytest.mark.parametrize(("bit", "included"), [(1 << 3, True), (0, False), (1 << 2, False)])
def test_posted__included_is_the_bit_of_its_row(tmp_path: Path, bit: int, included: bool) -> None:
    assert reference(indexed(tmp_path, f"{bit}")[0]).included is included  # type: ignore[union-attr]


def test_project_without_a_reference__none(tmp_path: Path) -> None:
    chain, url = SimChain(), sqlite_url(tmp_path)
    chain.play(usual_script(next(iter(ALL_STAGES))))
    sync(url, chain)

    assert reference(url) is None
