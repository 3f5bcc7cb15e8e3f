"""Logs of the market as the dataclasses of `market.events`, read in ranges that nodes accept."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from market.chain.codec import Interface
from market.chain.errors import RpcError
from market.chain.rpc import Rpc
from market.events import EVENTS, Event

RANGE = 2_000
"""Blocks in one request at first; halved when a node finds it too much."""


@dataclass(frozen=True)
class Log:
    """An event with its place in the chain."""

    event: Event
    block: int
    index: int
    """position in the block"""
    tx_hash: str
    block_hash: str


def decode_log(interface: Interface, raw: Mapping[str, Any]) -> Log | None:
    """One raw log; None if the ABI or `market.events` does not know it."""
    topics = [bytes.fromhex(topic[2:]) for topic in raw["topics"]]
    decoded = interface.decode_event(topics, bytes.fromhex(raw["data"][2:]))
    if decoded is None or decoded[0] not in EVENTS:
        return None
    event = EVENTS[decoded[0]].from_abi(list(decoded[1].values()))
    return Log(
        event,
        int(raw["blockNumber"], 16),
        int(raw["logIndex"], 16),
        raw["transactionHash"],
        raw["blockHash"],
    )


def read_logs(
    rpc: Rpc, interface: Interface, address: str, first: int, last: int, project: int | None = None
) -> Iterator[Log]:
    """Events of blocks first .. last in order, of one project if given (`Withdrawn` belongs to none)."""
    size, at = RANGE, first
    question: dict[str, Any] = {"address": address}
    if project is not None:
        question["topics"] = [_project_topics(interface), "0x" + project.to_bytes(32, "big").hex()]
    while at <= last:
        upto = min(at + size - 1, last)
        try:
            raws = rpc.request("eth_getLogs", [{**question, "fromBlock": hex(at), "toBlock": hex(upto)}])
        except RpcError:
            if size == 1:
                raise
            size //= 2
            continue
        logs = (decode_log(interface, raw) for raw in raws)
        yield from (log for log in logs if log is not None)
        at, size = upto + 1, min(size * 2, RANGE)


def _project_topics(interface: Interface) -> list[str]:
    """Topics of the events whose first indexed argument is the project."""
    entries = interface.events.values()
    mine = [e for e in entries if e.inputs and e.inputs[0]["name"] == "project" and e.inputs[0]["indexed"]]
    return ["0x" + entry.hash.hex() for entry in mine]
