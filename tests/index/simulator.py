"""A chain that can be made to misbehave, behind the indexer's port: blocks of calls that the specification executes.

`script` is a long sequence of calls through every stage of `tests.stateful.stages`; `SimChain` mines it, takes blocks
back and mines others, and answers wrongly on demand. Everything follows from the seed.
"""

from __future__ import annotations

import copy
import random
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from functools import cache
from typing import Any

from market.chain.artifacts import load_artifact
from market.chain.blocks import Header, RawLog, bloom_of, encode_event
from market.chain.deployment import Deployment
from market.errors import ChainError, RefusedError
from market.events import Event
from market.keccak import keccak256
from market.params import MINIMAL
from market.records import ProjectView, RoundView
from market.spec import State, apply, views
from market.tokens import TokenFacts
from tests.stateful.stages import STAGES
from tests.stateful.world import World, someone

CHAIN_ID = 31337
MARKET = someone(0)
INTERFACE = load_artifact("Market").interface


@dataclass(frozen=True)
class Call:
    """A transaction: what is called, by whom, when."""

    name: str
    args: tuple[Any, ...]
    caller: str
    now: int
    value: int


def silence_convicted(world: World) -> None:
    """Both asks end: one is answered late, the other convicts."""
    first, second = list(world.state.asks)[-2:]
    world.answer(first)
    world.call("convictSilent", second)


def price_returned(world: World) -> None:
    """The ask about a result that is gone."""
    world.call("settleAsk", list(world.state.asks)[-1])


END: dict[str, Callable[[World], None]] = {"silent": silence_convicted, "asked_and_gone": price_returned}
"""What follows stages that stop one call early."""


@cache
def script(*stages: str) -> tuple[Call, ...]:
    """The calls of some stages (default: all), one project each, in one market."""
    world, calls = World.spec(), list[Call]()

    def driver(name: str, *args: Any, caller: str, now: int, value: int = 0) -> list[Event]:
        events = apply(world.state, name, *args, caller=caller, now=now, value=value)
        calls.append(Call(name, args, caller, now, value))
        return events

    world.driver = driver
    for stage in stages or STAGES:
        world.now += 10
        world.start(**STAGES[stage].terms)
        STAGES[stage].go(world)
        END.get(stage, lambda world: None)(world)
        for account in [*world.trainers, world.owner]:
            if world.state.credits.get((world.params.token, world.payout(account))):
                world.call("withdraw", world.params.token, world.anyone, caller=world.payout(account))
    return tuple(calls)


@dataclass(frozen=True)
class SimBlock:
    """A mined block with the market's state after it."""

    header: Header
    logs: tuple[RawLog, ...]
    calls: tuple[Call, ...]
    state: State


@dataclass
class SimChain:
    """Blocks from the deployment on. `faults`: what happens to the next requests, see `_fault`."""

    seed: int = 0
    first_block: int = 5
    blocks: list[SimBlock] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)
    stateless: bool = False
    """the node has no state of any block"""
    genesis: str = "0x" + keccak256(b"genesis").hex()
    asked: int = 0
    tokens: frozenset[str] = frozenset()
    """contracts that are tokens"""

    def __post_init__(self) -> None:
        self.random = random.Random(self.seed)
        self.deployment = Deployment(
            chain_id=CHAIN_ID,
            genesis_hash=self.genesis,
            market=MARKET,
            tx="0x" + "11" * 32,
            block=self.first_block,
            code_hash="0x" + "22" * 32,
            limits=MINIMAL.limits,
            court=someone(100),
            court_tx="0x" + "33" * 32,
            checks=(),
        )

    # ----- making blocks -----

    def mine(
        self, calls: Iterable[Call] = (), salt: str = "", at: int | None = None, odd: Iterable[RawLog] = ()
    ) -> None:
        """A block with these calls; those that are refused are left out, as a pool drops them."""
        before = self.blocks[-1] if self.blocks else None
        state = before.state if before else World.spec().state
        own = {"projects": list(state.projects), "credits": dict(state.credits), "held": dict(state.held)}
        state = replace(state, **own, asks=dict(state.asks), tokens=self.tokens)
        calls = tuple(calls)
        time = max([before.header.time if before else 0, *(call.now for call in calls), at or 0])
        number = self.first_block + len(self.blocks)
        done, events = list[Call](), list[tuple[int, Event]]()
        for call in calls:
            _own_project(state, call)
            try:
                made = apply(state, call.name, *call.args, caller=call.caller, now=time, value=call.value)
            except RefusedError:
                continue
            events += [(len(done), event) for event in made]
            done.append(call)
        parent = before.header.hash if before else keccak256(b"below")
        block_hash = keccak256(parent + repr((number, time, salt, done)).encode())
        logs = [_raw(event, number, block_hash, index, tx) for index, (tx, event) in enumerate(events)]
        extra = [_moved(raw, number, block_hash, len(logs) + at) for at, raw in enumerate(odd)]
        bloom = bloom_of([MARKET] if logs or extra else [])
        header = Header(number, block_hash, parent, time, bloom)
        self.blocks.append(SimBlock(header, (*logs, *extra), tuple(done), state))

    def play(self, calls: Iterable[Call]) -> None:
        """Mines calls in order, one to three in a block, with empty blocks between."""
        rest = list(calls)
        while rest:
            size = self.random.choice((0, 1, 1, 1, 2, 3))
            now = rest[0].now if size else 0
            together = [call for call in rest[:size] if call.now == now]
            del rest[: len(together)]
            self.mine(together)

    def reorganise(self, depth: int, keep: float = 1.0, extra: int = 1) -> None:
        """Takes `depth` blocks back and mines as many and `extra` more: the same calls, shuffled, some left out."""
        removed = self.blocks[-depth:]
        del self.blocks[-depth:]
        calls = [call for block in removed for call in block.calls if self.random.random() < keep]
        swaps = len(calls) // 3
        for _ in range(swaps):
            at = self.random.randrange(max(1, len(calls) - 1))
            calls[at : at + 2] = reversed(calls[at : at + 2])
        groups: list[list[Call]] = [[] for _ in range(depth + extra)]
        for at, call in enumerate(calls):
            groups[at * (depth + extra) // max(1, len(calls))].append(call)
        for group in groups:
            self.mine(group, salt=f"branch {self.random.random()}")

    # ----- the port -----

    def check(self) -> None:
        """As of the real one: the genesis decides."""
        if self.genesis != self.deployment.genesis_hash:
            raise ChainError("E201", "chain changed: genesis")

    def head(self) -> int:
        """Latest block."""
        self._fault()
        return self.first_block + len(self.blocks) - 1

    def now(self) -> int:
        """Time of the next block."""
        return self.blocks[-1].header.time + 1 if self.blocks else 1_000_000

    def header(self, number: int) -> Header | None:
        """Header, None outside."""
        if self._fault() == "no block":
            return None
        at = number - self.first_block
        return self.blocks[at].header if 0 <= at < len(self.blocks) else None

    def logs(self, first: int, last: int) -> list[RawLog]:
        """Logs of a range; with `partial` a third is missing, with `twice` repeated, with `strange` of others."""
        fault = self._fault()
        low, high = first - self.first_block, last - self.first_block
        logs = [log for block in self.blocks[max(low, 0) : high + 1] for log in block.logs]
        if fault == "partial":
            return [log for log in logs if self.random.random() > 0.33]
        if fault == "twice":
            return [*logs, *logs[::-1]]
        if fault == "strange":
            return [
                *logs,
                *(_moved(log, log.block, log.block_hash, log.index + 900, someone(77)) for log in logs),
            ]
        return logs

    def project_count(self, block: int) -> int | None:
        """The getter at a block."""
        state = self._state(block)
        return None if state is None else len(state.projects)

    def project(self, project: int, block: int) -> ProjectView | None:
        """The getter at a block."""
        state = self._state(block)
        if state is None or project > len(state.projects):
            return None
        return views.project_of(state, project)

    def round(self, project: int, round_: int, block: int) -> RoundView | None:
        """The getter at a block."""
        state = self._state(block)
        time = self.blocks[block - self.first_block].header.time
        return None if state is None else views.round_of(state, project, round_, time)

    def token(self, address: str, block: int) -> TokenFacts:
        """Every token has six decimals and a name that is its own."""
        self._fault()
        return TokenFacts(address, f"SIM{address[-4:]}", 6)

    def _state(self, block: int) -> State | None:
        self._fault()
        return None if self.stateless else self.blocks[block - self.first_block].state

    def _fault(self) -> str:
        self.asked += 1
        fault = self.faults.pop(0) if self.faults else ""
        if fault == "error":
            raise ChainError("E206", "the node went away")
        if fault == "reorganise":
            self.reorganise(min(2, len(self.blocks) - 1))
        return fault


def _own_project(state: State, call: Call) -> None:
    """A copy of the project that a call may change: blocks below keep theirs."""
    number = call.args[0] if call.args and call.name not in ("create", "withdraw", "burn") else 0
    if call.name in ("answer", "convictSilent", "settleAsk"):
        number = state.asks[number].event.project if number in state.asks else 0
    if 1 <= number <= len(state.projects):
        asks = {id_: ask for id_, ask in state.asks.items() if ask.event.project == number}
        # together, since an ask is about one of the project's results
        state.projects[number - 1], copied = copy.deepcopy((state.projects[number - 1], asks))
        state.asks |= copied


def _raw(event: Event, number: int, block_hash: bytes, index: int, tx: int) -> RawLog:
    topics, data = encode_event(INTERFACE, event)
    return RawLog(MARKET, topics, data, number, block_hash, index, keccak256(block_hash + bytes([tx])))


def _moved(raw: RawLog, number: int, block_hash: bytes, index: int, address: str = "") -> RawLog:
    return RawLog(address or raw.address, raw.topics, raw.data, number, block_hash, index, raw.tx)
