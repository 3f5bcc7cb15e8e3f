"""Specification and real contract side by side: every call goes to both, and refusals, events and views must agree.

The chain is anvil; calls are mined at exactly the time that the specification is given. The contract is the
harness, which differs from the market only in that `convict` may be called.
"""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache, lru_cache
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

from market.abi import AbiRecord
from market.chain.codec import Interface, encode_values
from market.chain.errors import decode_revert
from market.devnet import Devnet, dev_account, find_tool, start_devnet
from market.errors import RefusedError
from market.events import EVENTS, Event
from market.params import MINIMAL, Limits
from market.records import AggregatorView, ProjectView, ResultView, RoundView, SeatView
from market.refutation import AskView
from market.replay import Replay
from market.spec import State, apply, liabilities, views
from market.units import NATIVE, address
from tests.stateful.oracle import MockOracle

ROOT = Path(__file__).resolve().parents[2]
CONTRACTS = ROOT / "contracts"
GAS = 3_000_000


@cache
def harness(name: str) -> tuple[Interface, str]:
    """ABI and bytecode of a contract of the harness, built by forge unless its output is newer than every source."""
    files = ["test/harness/MarketHarness.sol", "test/mocks/ChecksMock.sol"]
    out = [CONTRACTS / "out" / Path(file).name for file in files]
    found = [file for folder in out for file in folder.glob(f"{name}.json")]
    sources = [*CONTRACTS.glob("src/**/*.sol"), *(CONTRACTS / file for file in files)]
    newest = max(file.stat().st_mtime for file in sources)
    if not found or found[0].stat().st_mtime < newest:
        command = [str(find_tool("forge")), "build", *files]
        built = subprocess.run(command, cwd=CONTRACTS, check=False, capture_output=True, text=True)
        assert built.returncode == 0, f"the harness does not compile:\n{built.stdout}{built.stderr}"
        found = [file for folder in out for file in folder.glob(f"{name}.json")]
        os.utime(found[0])  # forge leaves what has not changed as it is
    body = json.loads(found[0].read_text())
    return Interface(body["abi"]), body["bytecode"]["object"].removeprefix("0x")


class Chain:
    """A deployed harness on a development chain, spoken to in batches."""

    def __init__(self, devnet: Devnet, limits: Limits) -> None:
        self._http = HTTPConnection("127.0.0.1", devnet.port, timeout=30)
        self.chain_id = devnet.chain_id
        self.interface, _ = harness("MarketHarness")
        # the same questions are asked after every step, and most answers stay as they were
        self._calldata, self._answer = lru_cache(50_000)(self._encode), lru_cache(50_000)(self._decode)
        self.request("anvil_autoImpersonateAccount", True)
        checks = [self._create(name) for name in ("TreeMock", "RuleMock", "PayMock")]
        self.market = self._create("MarketHarness", limits, self._create("CourtHarness", *checks))
        self.start = int(self.request("eth_getBlockByNumber", "latest", False)["timestamp"], 16) + 1000

    def _create(self, name: str, *args: Any) -> str:
        """Deploys one contract of the harness."""
        interface, code = harness(name)
        data = "0x" + code + encode_values(interface.constructor, args).hex()
        sender = dev_account(0).address
        tx = self.request("eth_sendTransaction", {"from": sender, "data": data, "gas": hex(29_000_000)})
        receipt = self._receipt(tx)
        assert receipt["status"] == "0x1", f"{name} was not deployed"
        return address(receipt["contractAddress"])

    def batch(self, calls: Iterable[tuple[str, tuple[Any, ...]]]) -> list[dict[str, Any]]:
        """Answers in the order of the calls; an error is an answer with `error`."""
        body = [
            {"jsonrpc": "2.0", "id": number, "method": method, "params": list(params)}
            for number, (method, params) in enumerate(calls)
        ]
        # one connection and nothing else: a client library costs more than the chain does
        self._http.request("POST", "/", json.dumps(body), {"Content-Type": "application/json"})
        answers: list[dict[str, Any]] = json.loads(self._http.getresponse().read())
        return sorted(answers, key=lambda answer: int(answer["id"]))

    def request(self, method: str, *params: Any) -> Any:
        """One call; AssertionError if the node refuses."""
        answer = self.batch([(method, params)])[0]
        assert "error" not in answer, f"{method}: {answer['error']}"
        return answer["result"]

    def fund(self, accounts: Iterable[str]) -> None:
        """Gives accounts enough for gas and payments."""
        self.batch(("anvil_setBalance", (account, hex(10**20))) for account in accounts)

    def send(self, name: str, args: tuple[Any, ...], caller: str, now: int, value: int) -> list[Event]:
        """Mines a call at exactly `now`; the contract's refusal as RefusedError."""
        tx = {"from": caller, "to": self.market, "data": self._encode(name, args), "value": hex(value)}
        answer = self.batch([self._question(tx, now)])[0]
        if "error" in answer:
            raise decode_revert(self.interface, bytes.fromhex(answer["error"].get("data", "0x")[2:]))
        # not in one batch, whose calls anvil runs side by side
        self.request("evm_setNextBlockTimestamp", now)
        receipt = self._receipt(self.request("eth_sendTransaction", {**tx, "gas": hex(GAS)}))
        assert receipt["status"] == "0x1", f"{name} reverted when mined, not when tried"
        return [self._event(log) for log in receipt["logs"]]

    def _receipt(self, tx: str) -> dict[str, Any]:
        """A transaction is mined at once, but its receipt may be a moment late."""
        for _ in range(1000):
            receipt: dict[str, Any] | None = self.request("eth_getTransactionReceipt", tx)
            if receipt:
                return receipt
        raise AssertionError(f"{tx} was not mined")

    def _question(self, tx: dict[str, Any], now: int) -> tuple[str, tuple[Any, ...]]:
        return "eth_call", (tx, "latest", {}, {"time": hex(now)})

    def _event(self, log: dict[str, Any]) -> Event:
        topics = [bytes.fromhex(topic[2:]) for topic in log["topics"]]
        decoded = self.interface.decode_event(topics, bytes.fromhex(log["data"][2:]))
        assert decoded, "an event that the ABI does not know"
        return EVENTS[decoded[0]].from_abi(decoded[1])

    def read(self, questions: list[tuple[str, tuple[Any, ...]]], now: int) -> list[Any]:
        """Answers of views at `now` (records as such), in one round trip."""
        calls = [
            self._question({"to": self.market, "data": self._calldata(name, args)}, now)
            for name, args in questions
        ]
        answers = self.batch(calls)
        pairs = zip(questions, answers, strict=True)
        return [self._answer(name, answer["result"]) for (name, _), answer in pairs]

    def _encode(self, name: str, args: tuple[Any, ...]) -> str:
        return "0x" + self.interface.encode_call(name, args).hex()

    def _decode(self, name: str, answer: str) -> Any:
        (value,) = self.interface.decode_answer(name, bytes.fromhex(answer[2:]))
        return RECORDS[name].from_abi(value) if name in RECORDS else value

    def close(self) -> None:
        """Ends the connection."""
        self._http.close()

    def balance(self, account: str) -> int:
        """Native coin of an account."""
        return int(self.request("eth_getBalance", account, "latest"), 16)


@contextmanager
def chain(limits: Limits = MINIMAL.limits) -> Iterator[Chain]:
    """A chain of its own with a market on it."""
    # without a base fee the price of an ask is the same at all times
    with start_devnet(extra=("--block-base-fee-per-gas", "0")) as devnet:
        running = Chain(devnet, limits)
        yield running
        running.close()


@dataclass
class Pair:
    """Applies calls to specification and chain; `people`: everybody whose credit is compared."""

    chain: Chain
    state: State
    people: list[str]
    quiet: bool = False
    """views are not compared after each call (events and refusals always are)"""
    replay: Replay = field(init=False)

    def __post_init__(self) -> None:
        self.state.oracle = MockOracle()
        self.replay = Replay(self.chain.chain_id, self.chain.market, self.state.limits)

    def __call__(self, name: str, *args: Any, caller: str, now: int, value: int = 0) -> list[Event]:
        """One call to both; raises the refusal if both refuse alike."""
        expected = _outcome(lambda: apply(self.state, name, *args, caller=caller, now=now, value=value))
        found = _outcome(lambda: self.chain.send(name, args, caller, now, value))
        shown = f"contract {found!r}, specification {expected!r}, {name}{args} by {caller} at {now}"
        assert _comparable(found) == _comparable(expected), shown
        if isinstance(expected, RefusedError):
            raise expected
        events = expected
        for event in events:
            self.replay.apply(event, now)
        if not self.quiet:
            self.compare(now)
        return events

    def compare(self, now: int) -> None:
        """Every getter of contract, specification and replayed events, and the escrow equation."""
        questions = self._questions()
        answers = self.chain.read(questions, now)
        for (name, args), answer in zip(questions, answers, strict=True):
            expected = VIEWS[name](self.state, now, *args)
            assert answer == expected, f"{name}{args} at {now}"
            assert VIEWS[name](self.replay.state, now, *args) == expected, f"replay: {name}{args} at {now}"
        assert liabilities(self.state, NATIVE) == self.state.held.get(NATIVE, 0)
        assert self.chain.balance(self.chain.market) == self.state.held.get(NATIVE, 0)

    def _questions(self) -> list[tuple[str, tuple[Any, ...]]]:
        asked: list[tuple[str, tuple[Any, ...]]] = [("held", (NATIVE,)), ("askCount", ())]
        asked += [
            ("askOf", (number,))
            for number in range(max(self.state.ask_count - 3, 0), self.state.ask_count + 2)
        ]
        asked += [("creditOf", (NATIVE, who)) for who in self.people]
        for number, project in enumerate(self.state.projects, 1):
            seats, posters = range(project.params.seats), project.aggregators
            asked.append(("projectOf", (number,)))
            asked += [("seatOf", (number, seat)) for seat in seats]
            asked += [("tenureCountOf", (number, seat)) for seat in seats]
            asked += [("aggregatorOf", (number, who)) for who in posters]
            for round_ in range(max(project.head - 3, 0), project.head + 2):
                asked += [("roundOf", (number, round_)), ("resultOf", (number, round_))]
            for round_ in range(max(project.head - 1, 0), project.head + 1):
                asked += [("slotOf", (number, round_, seat)) for seat in range(len(seats) + 1)]
        return asked


def _outcome(call: Callable[[], list[Event]]) -> list[Event] | RefusedError:
    try:
        return call()
    except RefusedError as refusal:
        return refusal


def _comparable(outcome: list[Event] | RefusedError) -> Any:
    if isinstance(outcome, RefusedError):
        return outcome.name, outcome.args_
    return outcome


VIEWS: dict[str, Any] = {
    "held": lambda state, now, token: views.held(state, token),
    "askCount": lambda state, now: views.ask_count(state),
    "askOf": lambda state, now, number: views.ask_of(state, number, now),
    "creditOf": lambda state, now, token, who: views.credit_of(state, token, who),
    "projectOf": lambda state, now, p: views.project_of(state, p),
    "seatOf": lambda state, now, p, seat: views.seat_of(state, p, seat),
    "tenureCountOf": lambda state, now, p, seat: views.tenure_count_of(state, p, seat),
    "aggregatorOf": lambda state, now, p, who: views.aggregator_of(state, p, who),
    "roundOf": lambda state, now, p, r: views.round_of(state, p, r, now),
    "resultOf": lambda state, now, p, r: views.result_of(state, p, r, now),
    "slotOf": lambda state, now, p, r, seat: views.slot_of(state, p, r, seat),
}
RECORDS: dict[str, type[AbiRecord]] = {
    "askOf": AskView,
    "projectOf": ProjectView,
    "seatOf": SeatView,
    "aggregatorOf": AggregatorView,
    "roundOf": RoundView,
    "resultOf": ResultView,
}
