"""The market as typed Python: views, calls and events. Callers see dataclasses and typed errors, never web3.

Reads ask for the *pending* block, whose time is now: on a chain that mines on demand the latest block may be
old, and phases are a matter of time.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from eth_account.signers.local import LocalAccount

from market.chain.artifacts import market_interface
from market.chain.deployment import Deployment
from market.chain.errors import RpcError, decode_refusal
from market.chain.events import Log, decode_log, read_logs
from market.chain.identity import check_chain
from market.chain.journal import Journal, journal_path
from market.chain.rpc import Rpc
from market.chain.second import SecondNode
from market.chain.sender import Check, Sender, SendPolicy, unchecked
from market.chain.token import Token
from market.devnet import CHAIN_IDS
from market.errors import ChainError, RefusedError
from market.events import Asked, Event
from market.keccak import keccak256
from market.params import Content, Limits, Params
from market.phases import Phase
from market.records import AggregatorView, ProjectView, ResultView, RoundView, SeatView
from market.refutation import Ask, AskView, Refutation, ask_price
from market.units import NATIVE


@dataclass(frozen=True)
class Receipt:
    """A mined transaction that took effect. `fee` in wei; `events` are those of the market, in order."""

    tx_hash: str
    block: int
    gas_used: int
    fee: int
    events: tuple[Event, ...]


class Gateway:
    """One market on one chain, with one key (or none: then it can only read).

    `journal_dir` is the folder of journals; None keeps the journal in memory, so a killed process forgets.
    `second`: another node, without whose agreement nothing is signed. Refuses to start (ChainError E201) on a chain
    other than the deployment's.
    """

    def __init__(
        self,
        rpc_url: str | Rpc,
        deployment: Deployment,
        signer: LocalAccount | None = None,
        journal_dir: Path | None = None,
        policy: SendPolicy | None = None,
        second: Rpc | None = None,
    ) -> None:
        self.rpc = rpc_url if isinstance(rpc_url, Rpc) else Rpc(rpc_url)
        self.deployment = deployment
        self.address = deployment.market
        self.signer = signer
        self.interface = market_interface()
        check_chain(self.rpc, deployment)
        self._sender = None
        if signer is not None:
            chain, genesis = deployment.chain_id, deployment.genesis_hash
            path = journal_path(journal_dir, chain, genesis, signer.address) if journal_dir else None
            journal = Journal(path, chain, signer.address)
            self._sender = Sender(
                self.rpc,
                signer,
                journal,
                self._decode,
                policy or default_policy(chain),
                self._witness(second),
            )

    def _witness(self, second: Rpc | None) -> Check:
        if second is None:
            return unchecked
        check_chain(second, self.deployment)
        return SecondNode(self.rpc, second, self.address, self.interface, self.deployment.block).agree

    # ----- views -----

    def limits(self) -> Limits:
        """Bounds of this market."""
        return Limits.from_abi(self._one("limits"))

    def project_count(self) -> int:
        """Projects are numbered 1 .. project_count."""
        return int(self._one("projectCount"))

    def params(self, project: int) -> tuple[Params, Content]:
        """What the project fixed at creation; RefusedError if there is no such project."""
        params, content = self.call("paramsOf", project)
        return Params.from_abi(params), Content.from_abi(content)

    def project(self, project: int) -> ProjectView:
        """Facts of a project that change."""
        return ProjectView.from_abi(self._one("projectOf", project))

    def round(self, project: int, round_: int) -> RoundView:
        """Facts of a round; Phase.NONE if it does not exist."""
        return RoundView.from_abi(self._one("roundOf", project, round_))

    def result(self, project: int, round_: int) -> ResultView:
        """The result that counts for a round; all zero if none does."""
        return ResultView.from_abi(self._one("resultOf", project, round_))

    def seat(self, project: int, seat: int) -> SeatView:
        """Facts of a seat; signer zero if it is free."""
        return SeatView.from_abi(self._one("seatOf", project, seat))

    def aggregator(self, project: int, account: str) -> AggregatorView:
        """Bond of a poster."""
        return AggregatorView.from_abi(self._one("aggregatorOf", project, account))

    def ask_count(self) -> int:
        """Asks are numbered 1 .. ask_count, over all projects."""
        return int(self._one("askCount"))

    def ask_view(self, id_: int) -> AskView:
        """An ask without an answer; empty once it is closed."""
        return AskView.from_abi(self._one("askOf", id_))

    def slot(self, project: int, round_: int, seat: int) -> bytes:
        """32 bytes: zero empty, below 2^216 sealed, else the revealed root."""
        return bytes(self._one("slotOf", project, round_, seat))

    def seat_index(self, project: int, signer: str) -> int | None:
        """The seat that `signer` holds in the project, None if none."""
        held, seat = self.call("seatIndexOf", project, signer)
        return int(seat) if held else None

    def phase(self, project: int, round_: int) -> Phase:
        """Phase of a round now."""
        return Phase(self._one("phaseOf", project, round_))

    def credit(self, token: str, account: str) -> int:
        """What `account` may withdraw, in smallest units."""
        return int(self._one("creditOf", token, account))

    def held(self, token: str) -> int:
        """What entered the market less what left it, in smallest units."""
        return int(self._one("held", token))

    def call(self, name: str, *args: Any, sender: str | None = None, block: str | int = "pending") -> Any:
        """Any view (or a dry run of any call) by its Solidity name: the tuple of its answers."""
        question = {"to": self.address, "data": "0x" + self.interface.encode_call(name, args).hex()}
        if sender or self.signer:
            question["from"] = sender or (self.signer.address if self.signer else "")
        tag = hex(block) if isinstance(block, int) else block
        try:
            answer = self.rpc.request("eth_call", [question, tag])
        except RpcError as error:
            if error.is_revert:
                raise self._decode(error) from None
            raise ChainError("E206", f"{self.rpc.url} cannot answer {name}: {error}") from None
        return self.interface.decode_answer(name, bytes.fromhex(answer[2:]))

    # ----- transactions -----

    def send(self, name: str, *args: Any, value: int = 0, intent: str | None = None) -> Receipt:
        """Calls `name(*args)` with `value` wei and waits until it is mined.

        `intent` names the purpose, for example `seal/3/7`: one intent is never sent twice, also not after a
        crash; a second call returns the first receipt. Without it every call is sent, but one that was
        interrupted is finished by repeating it. Errors: RefusedError as the contract says (nothing signed),
        ChainError E202, E205, E206, E209.
        """
        data = self.interface.encode_call(name, args)
        if intent is None:
            return self.receipt_of(self.sender.send_once(name, self.address, data, value))
        return self.receipt_of(self.sender.send(intent, self.address, data, value))

    def refute(self, project: int, round_: int, refutation: Refutation) -> Receipt:
        """Convicts the poster of a result in which a number is wrong; RefusedError, and nothing sent, if it is right.

        The same refutation is never sent twice, also not by a process that was killed meanwhile.
        """
        intent = self._intent(f"refute/{project}/{round_}", "refute", project, round_, refutation)
        return self.send("refute", project, round_, refutation, intent=intent)

    def price_of(self, size: int, open_asks: int) -> int:
        """What an ask for an answer of `size` bytes should send, in wei: twice its price now.

        The base fee and the number of open asks may rise until it is mined; what is too much becomes credit.
        """
        block = self.rpc.request("eth_getBlockByNumber", ["latest", False])
        base_fee = int(block.get("baseFeePerGas") or "0x0", 16)
        return 2 * sum(ask_price(size, base_fee, self.deployment.limits.ask_floor, open_asks + 1))

    def ask(self, project: int, round_: int, question: Ask, value: int) -> tuple[int, Receipt]:
        """Asks the poster of a result; returns the number of the ask. `value` in wei: see `price_of`.

        An ask that a killed process had sent is finished by `resume`: look for open asks before asking again.
        """
        intent = self._intent(f"ask/{project}/{round_}/{value}", "ask", project, round_, question)
        receipt = self.send("ask", project, round_, question, value=value, intent=intent)
        asked = next(event for event in receipt.events if isinstance(event, Asked))
        return asked.id, receipt

    def answer(self, id_: int, data: bytes) -> Receipt:
        """Answers an ask and earns its price; once."""
        return self.send("answer", id_, data, intent=f"answer/{id_}")

    def convict_silent(self, id_: int) -> Receipt:
        """Convicts a poster who has not answered in time; once."""
        return self.send("convictSilent", id_, intent=f"convictSilent/{id_}")

    def settle_ask(self, id_: int) -> Receipt:
        """Gives the price of an ask back whose result no longer counts; once."""
        return self.send("settleAsk", id_, intent=f"settleAsk/{id_}")

    def _intent(self, what: str, name: str, *args: Any) -> str:
        """A name for one exact call."""
        return f"{what}/{keccak256(self.interface.encode_call(name, args))[:8].hex()}"

    def resume(self) -> list[Receipt]:
        """At the start of a daemon: finishes what a killed process left under way; nothing without a key."""
        if self._sender is None:
            return []
        return [self.receipt_of(receipt) for receipt in self.sender.resume()]

    @property
    def sender(self) -> Sender:
        """The signing side; ChainError E209 without a key."""
        if self._sender is None:
            raise ChainError("E209", "this command has no key to sign with; pass --keystore FILE")
        return self._sender

    def allow(self, token: str, amount: int, intent: str | None = None) -> int:
        """Prepares a payment of `amount` into the market and returns the `value` to send with the call.

        Native coin: the amount itself. ERC-20: 0, after approving exactly the amount where less is allowed.
        """
        if token == NATIVE:
            return amount
        self.token(token).approve(self.address, amount, intent)
        return 0

    def token(self, address: str) -> Token:
        """An ERC-20 token, with this gateway's key if it has one."""
        return Token(self.rpc, address, self._sender)

    # ----- chain -----

    def now(self) -> int:
        """Time of the pending block in unix seconds: what a call sent now would see."""
        block = self.rpc.request("eth_getBlockByNumber", ["pending", False])
        latest = self.rpc.request("eth_getBlockByNumber", ["latest", False])
        return max(int(part["timestamp"], 16) for part in (block, latest) if part)

    def final_time(self) -> int:
        """Time of the newest block that its chain calls final, unix seconds; 0 before there is one.

        ChainError E206 where the node does not know the tag `finalized` (execution API, EIP-3675).
        """
        try:
            block = self.rpc.request("eth_getBlockByNumber", ["finalized", False])
        except RpcError as error:
            raise ChainError("E206", f"{self.rpc.url} does not say which block is final: {error}") from None
        return int(block["timestamp"], 16) if block else 0

    def block_number(self) -> int:
        """Number of the latest block."""
        return int(self.rpc.request("eth_blockNumber"), 16)

    def block_hash(self, number: int) -> str:
        """Hash of a block, 0x-hexadecimal; empty when the chain has no such block."""
        block = self.rpc.request("eth_getBlockByNumber", [hex(number), False])
        return str(block["hash"]) if block else ""

    def balance(self, account: str) -> int:
        """Native coin of `account` in wei."""
        return int(self.rpc.request("eth_getBalance", [account, "latest"]), 16)

    def events(
        self, from_block: int | None = None, to_block: int | None = None, project: int | None = None
    ) -> Iterator[Log]:
        """Events of the market in order, by default all up to the latest block."""
        first = self.deployment.block if from_block is None else from_block
        last = self.block_number() if to_block is None else to_block
        return read_logs(self.rpc, self.interface, self.address, first, last, project)

    def receipt_of(self, raw: dict[str, Any]) -> Receipt:
        """A raw receipt as dataclass; logs of other contracts are left out."""
        mine = [log for log in raw["logs"] if log["address"].lower() == self.address.lower()]
        logs = [decode_log(self.interface, log) for log in mine]
        gas = int(raw["gasUsed"], 16)
        return Receipt(
            raw["transactionHash"],
            int(raw["blockNumber"], 16),
            gas,
            gas * int(raw.get("effectiveGasPrice") or "0x0", 16),
            tuple(log.event for log in logs if log is not None),
        )

    def _one(self, name: str, *args: Any) -> Any:
        return self.call(name, *args)[0]

    def _decode(self, error: RpcError) -> RefusedError:
        return decode_refusal(self.interface, error)


def default_policy(chain_id: int) -> SendPolicy:
    """Two blocks on top of each receipt, so that a short reorganisation is noticed; none on a devnet."""
    return SendPolicy(confirmations=0 if chain_id in CHAIN_IDS.values() else 2)
