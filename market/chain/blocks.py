"""Blocks and raw logs of one market, for an index that follows the chain: everything with its hashes.

Ranges that a node refuses are halved here; an answer is either all logs of the range that the node admits to, or an
error. Whether a node kept something back is for the caller to find out, from `may_have_logs` and `counters`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from eth_abi.abi import encode

from market.chain.codec import Interface
from market.chain.errors import RpcError
from market.chain.gateway import Gateway
from market.chain.identity import check_chain
from market.chain.token import Token
from market.errors import ChainError, RefusedError
from market.events import Event
from market.keccak import keccak256
from market.records import ProjectView, RoundView
from market.tokens import TokenFacts

BLOOM_BITS = 2048


@dataclass(frozen=True)
class Header:
    """What an index keeps of a block. `bloom`: 256 bytes, empty where the node gives none; `time` in unix seconds."""

    number: int
    hash: bytes
    parent: bytes
    time: int
    bloom: bytes = b""


@dataclass(frozen=True)
class RawLog:
    """A log as the node gives it; `index` is its position in the block."""

    address: str
    topics: tuple[bytes, ...]
    data: bytes
    block: int
    block_hash: bytes
    index: int
    tx: bytes


class ChainBlocks:
    """Blocks, logs and getters of one market through its gateway."""

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway
        self._rpc = gateway.rpc
        self.deployment = gateway.deployment

    def check(self) -> None:
        """ChainError E201 if the node is on another chain now, or the market is another contract."""
        check_chain(self._rpc, self.deployment)

    def head(self) -> int:
        """Number of the latest block."""
        return self._gateway.block_number()

    def now(self) -> int:
        """Time of the pending block, unix seconds."""
        return self._gateway.now()

    def header(self, number: int) -> Header | None:
        """Header of a block, None if the node has none of that number."""
        raw = self._rpc.request("eth_getBlockByNumber", [hex(number), False])
        return None if raw is None else header_of(raw)

    def logs(self, first: int, last: int) -> list[RawLog]:
        """Logs of the market in blocks first .. last, as the node orders them; ChainError E206 if it refuses."""
        place = {"address": self.deployment.market, "fromBlock": hex(first), "toBlock": hex(last)}
        try:
            raws = self._rpc.request("eth_getLogs", [place])
        except RpcError as error:
            if first == last:
                raise ChainError("E206", f"{self._rpc.url} gives no logs of block {first}: {error}") from None
            middle = (first + last) // 2
            return [*self.logs(first, middle), *self.logs(middle + 1, last)]
        return [log_of(raw) for raw in raws if not raw.get("removed")]

    def project_count(self, block: int) -> int | None:
        """Projects of the market at a block; None where the node has no state of that block any more."""
        answer = self._ask("projectCount", block)
        return None if answer is None else int(answer)

    def project(self, project: int, block: int) -> ProjectView | None:
        """Facts of a project at a block; None as above."""
        answer = self._ask("projectOf", block, project)
        return None if answer is None else ProjectView.from_abi(answer)

    def round(self, project: int, round_: int, block: int) -> RoundView | None:
        """Facts of a round at a block; None as above."""
        answer = self._ask("roundOf", block, project, round_)
        return None if answer is None else RoundView.from_abi(answer)

    def token(self, address: str, block: int) -> TokenFacts:
        """What a token said of itself at a block, or says now where the node has no state of that block any more."""
        return Token(self._rpc, address).facts(block)

    def _ask(self, name: str, block: int, *args: int) -> Any:
        try:
            return self._gateway.call(name, *args, block=block)[0]
        except (ChainError, RefusedError):
            return None


def header_of(raw: Mapping[str, Any]) -> Header:
    """A header from a node's block."""
    return Header(
        int(raw["number"], 16),
        bytes.fromhex(raw["hash"][2:]),
        bytes.fromhex(raw["parentHash"][2:]),
        int(raw["timestamp"], 16),
        bytes.fromhex((raw.get("logsBloom") or "0x")[2:]),
    )


def log_of(raw: Mapping[str, Any]) -> RawLog:
    """A raw log from a node's answer."""
    return RawLog(
        raw["address"],
        tuple(bytes.fromhex(topic[2:]) for topic in raw["topics"]),
        bytes.fromhex(raw["data"][2:]),
        int(raw["blockNumber"], 16),
        bytes.fromhex(raw["blockHash"][2:]),
        int(raw["logIndex"], 16),
        bytes.fromhex(raw["transactionHash"][2:]),
    )


def may_have_logs(bloom: bytes, address: str) -> bool:
    """Whether a block's filter admits logs of `address` (yellow paper 4.3.1): False is certain, True is likely."""
    digest = keccak256(bytes.fromhex(address[2:]))
    bits = int.from_bytes(bloom, "big")
    places = (int.from_bytes(digest[at : at + 2], "big") % BLOOM_BITS for at in (0, 2, 4))
    return all(bits >> place & 1 for place in places)


def bloom_of(addresses: Iterable[str]) -> bytes:
    """Filter of a block with logs of these addresses (topics left out); for synthetic chains."""
    bits = 0
    for address in addresses:
        digest = keccak256(bytes.fromhex(address[2:]))
        for at in (0, 2, 4):
            bits |= 1 << int.from_bytes(digest[at : at + 2], "big") % BLOOM_BITS
    return bits.to_bytes(BLOOM_BITS // 8, "big")


def encode_event(interface: Interface, event: Event) -> tuple[tuple[bytes, ...], bytes]:
    """(topics, data) of an event as the market emits it: the inverse of decoding, for synthetic chains."""
    entry = next(e for e in interface.events.values() if e.name == type(event).__name__)
    topics: list[bytes] = [entry.hash]
    plain: list[tuple[str, Any]] = []
    for kind, item, value in zip(entry.types, entry.inputs, event.to_abi(), strict=True):
        if item.get("indexed"):
            topics.append(encode([kind], [value]))
        else:
            plain.append((kind, value))
    return tuple(topics), encode([kind for kind, _ in plain], [value for _, value in plain])


__all__: Sequence[str] = ["ChainBlocks", "Header", "RawLog", "bloom_of", "encode_event", "may_have_logs"]
