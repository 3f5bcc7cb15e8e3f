"""Reading the next stretch of a chain so that nothing is missing and nothing is of another branch.

A node may answer half of the logs, answer from another branch in the middle of a question, or lag behind itself.
Every stretch is checked before it counts: hashes link, each log is of the block that we know under that number, blocks
whose filter admits our logs have some or are asked again alone.
"""

from __future__ import annotations

from dataclasses import dataclass

from market.chain.blocks import Header, RawLog, may_have_logs
from market.index.port import BlockSource


class MovedError(Exception):
    """The chain changed while it was read, or the node does not have what it announced: look again."""


class PartialError(Exception):
    """The node kept something back: ask again, for less."""


@dataclass(frozen=True)
class Stretch:
    """Blocks first .. last. `headers`: of all blocks with logs and of `last`, of all blocks where they may go away."""

    first: int
    last: int
    headers: dict[int, Header]
    logs: dict[int, list[RawLog]]
    may_go: bool

    @property
    def events(self) -> int:
        """Number of logs."""
        return sum(len(logs) for logs in self.logs.values())


def read_settled(source: BlockSource, first: int, last: int) -> Stretch:
    """Blocks so far below the head that they stay: only those with logs are looked at, and the last one."""
    logs = _by_block(source, source.logs(first, last), first, last)
    headers = {number: _header(source, number) for number in sorted({*logs, last})}
    _check_logs(logs, headers)
    return Stretch(first, last, headers, logs, may_go=False)


def read_recent(source: BlockSource, first: int, last: int, parent: bytes | None) -> Stretch:
    """Blocks that may still go away, each with its header; `parent`: hash of the block below, None at the start."""
    headers: dict[int, Header] = {}
    for number in range(first, last + 1):
        header = headers[number] = _header(source, number)
        if parent is not None and header.parent != parent:
            raise MovedError(f"block {number} has parent 0x{header.parent.hex()}, ours is 0x{parent.hex()}")
        parent = header.hash
    logs = _by_block(source, source.logs(first, last), first, last)
    market = source.deployment.market
    for number, header in headers.items():
        if number not in logs and header.bloom and may_have_logs(header.bloom, market):
            logs |= _by_block(source, source.logs(number, number), number, number)
    _check_logs(logs, headers)
    return Stretch(first, last, headers, dict(sorted(logs.items())), may_go=True)


def _header(source: BlockSource, number: int) -> Header:
    header = source.header(number)
    if header is None or header.number != number:
        raise MovedError(f"the node has no block {number} any more, or not yet")
    return header


def _by_block(source: BlockSource, logs: list[RawLog], first: int, last: int) -> dict[int, list[RawLog]]:
    """Our market's logs by block in the order of the chain, each once; some nodes ignore what they were asked."""
    market = source.deployment.market.lower()
    mine = {(log.block, log.index, log.block_hash): log for log in logs if log.address.lower() == market}
    found: dict[int, list[RawLog]] = {}
    for _, log in sorted(mine.items()):
        if not first <= log.block <= last:
            raise PartialError(f"asked for logs of blocks {first} to {last}, got one of block {log.block}")
        found.setdefault(log.block, []).append(log)
    return found


def _check_logs(logs: dict[int, list[RawLog]], headers: dict[int, Header]) -> None:
    for number, of_block in logs.items():
        expected = headers[number].hash
        if any(log.block_hash != expected for log in of_block):
            raise MovedError(f"block {number} is 0x{expected.hex()} now, its logs are of another branch")
