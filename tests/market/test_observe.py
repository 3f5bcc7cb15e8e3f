"""Following a chain: new blocks once, nothing twice, and a fresh start after a reorganisation."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest
from sample_events import PROJECT, created, left, opened, registered

from market.errors import ChainError
from market.events import Event
from market.observe import Observer


@dataclass
class Mined:
    """An event in its block."""

    event: Event
    block: int


@dataclass
class Blocks:
    """A chain of named blocks, each with its events; `fails_after` breaks the connection while logs are read."""

    blocks: list[tuple[str, list[Event]]] = field(default_factory=lambda: [("genesis", [])])
    asked: list[tuple[int | None, int | None]] = field(default_factory=list)
    fails_after: int | None = None

    def mine(self, name: str, *events: Event) -> None:
        self.blocks.append((name, list(events)))

    def block_number(self) -> int:
        return len(self.blocks) - 1

    def block_hash(self, number: int) -> str:
        return self.blocks[number][0] if number < len(self.blocks) else ""

    def events(self, from_block: int | None, to_block: int | None, project: int | None) -> Iterator[Mined]:
        self.asked.append((from_block, to_block))
        last = self.block_number() if to_block is None else to_block
        for number in range(from_block or 0, last + 1):
            for event in self.blocks[number][1]:
                if self.fails_after == 0:
                    raise ChainError("E206", "the node went away")
                self.fails_after = None if self.fails_after is None else self.fails_after - 1
                yield Mined(event, number)


@pytest.fixture
def chain() -> Blocks:
    blocks = Blocks()
    blocks.mine("one", created(), registered(0, 0))
    return blocks


def test_refresh_first_time__reads_everything(chain: Blocks) -> None:
    observer = Observer(chain, PROJECT)

    assert observer.refresh()
    assert observer.history.signer(0) is not None


def test_refresh_without_new_block__reads_nothing(chain: Blocks) -> None:
    observer = Observer(chain, PROJECT)
    observer.refresh()

    assert not observer.refresh()
    assert len(chain.asked) == 1


def test_refresh_with_new_blocks__reads_only_those_into_the_same_history(chain: Blocks) -> None:
    observer = Observer(chain, PROJECT)
    observer.refresh()
    before = observer.history
    chain.mine("two")
    chain.mine("three", opened(1))

    assert observer.refresh()
    assert observer.history is before
    assert before.round(1).pot > 0
    assert chain.asked[-1] == (2, 3)


@pytest.mark.parametrize("others", [["two'"], ["two'", "three'"], []])
def test_refresh_reorganised_chain__history_is_made_again(chain: Blocks, others: list[str]) -> None:
    observer = Observer(chain, PROJECT)
    chain.mine("two", left(0))
    observer.refresh()
    before = observer.history
    assert before.past_tenures(0) == 1
    del chain.blocks[2:]
    for name in others:
        chain.mine(name)

    assert observer.refresh()
    assert observer.history is not before
    assert observer.history.past_tenures(0) == 0
    assert observer.history.signer(0) is not None


def test_refresh_after_a_broken_read__no_event_is_applied_twice(chain: Blocks) -> None:
    observer = Observer(chain, PROJECT)
    observer.refresh()
    chain.mine("two", left(0), registered(0, 1))
    chain.fails_after = 1
    with pytest.raises(ChainError, match="went away"):
        observer.refresh()
    chain.fails_after = None

    assert observer.refresh()
    assert observer.history.past_tenures(0) == 1
