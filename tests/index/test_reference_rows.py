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
from market.spec import apply
from tests.index.conftest import sqlite_url
from tests.index.simulator import Call, SimChain
from tests.index.simulator import script as usual_script
from tests.index.sync import assert_getters, dumped, fresh, service, steps, sync
from tests.stateful.world import REFERENCE, World

SEALED, REVEALED, INCLUDED, LEFT_OUT = "sealed", "revealed", "included", "left out"


def to_posted(world: World, reference: bool) -> None:
    """A result with the reference's row, or without it."""
    world.post(world.to_aggregate(), reference=reference)


STAGES: dict[str, Callable[[World], object]] = {
    SEALED: lambda world: world.to_reveal(),
    REVEALED: lambda world: world.to_aggregate(),
    INCLUDED: lambda world: to_posted(world, True),
    LEFT_OUT: lambda world: to_posted(world, False),
}


@cache
def script(stage: str) -> tuple[Call, ...]:
    """Calls of a market with one project that has a reference."""
    world, calls = World.spec(), list[Call]()

    def driver(name: str, *args: Any, caller: str, now: int, value: int = 0) -> list[Event]:
        events = apply(world.state, name, *args, caller=caller, now=now, value=value)
        calls.append(Call(name, args, caller, now, value))
        return events

    world.driver = driver
    world.start(reference_key=REFERENCE)
    STAGES[stage](world)
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
    url, chain = indexed(tmp_path, REVEALED)

    row = reference(url)

    assert row is not None
    size = UPDATE.file_bytes(4096)
    root = chain.blocks[-1].state.projects[0].rounds[1].reference
    assert (row.key, row.root) == (REFERENCE, "0x" + root.hex())
    assert row.cid == cid_from_digest(keccak256(b"file"), size)
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


@pytest.mark.parametrize(("stage", "hidden"), [(SEALED, "ReferenceSealed"), (INCLUDED, "ReferenceRevealed")])
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


@pytest.mark.parametrize(("stage", "included"), [(INCLUDED, True), (LEFT_OUT, False)])
def test_posted__included_is_the_bit_of_its_row(tmp_path: Path, stage: str, included: bool) -> None:
    row = reference(indexed(tmp_path, stage)[0])

    assert row is not None
    assert row.included is included


def test_project_without_a_reference__none(tmp_path: Path) -> None:
    chain, url = SimChain(), sqlite_url(tmp_path)
    chain.play(usual_script("commit"))
    sync(url, chain)

    assert reference(url) is None
