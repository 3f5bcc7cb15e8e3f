"""A second node that has to agree before anything is signed, so that one lying node moves nobody (threat F18).

Compared are what decisions come from and what the decision is: the hash of the newest common block, every log of
the market up to it, and whether the call about to be sent would succeed. Views are not compared one by one: whatever
they say, a call that the second node refuses is not sent.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from itertools import zip_longest

from market.chain.codec import Interface
from market.chain.errors import RpcError
from market.chain.events import Log, read_logs
from market.chain.rpc import Rpc
from market.errors import ChainError

PATIENCE_S = 15.0
"""How long one node may be behind the other: some blocks of a public chain."""
_POLL_S = 0.5


class SecondNode:
    """Compares `first`, which the market is used through, with `second`. Logs are compared once, from block `start`
    on; a reorganisation begins again."""

    def __init__(
        self,
        first: Rpc,
        second: Rpc,
        address: str,
        interface: Interface,
        start: int,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._first, self._second = first, second
        self._address, self._interface, self._start, self._sleep = address, interface, start, sleep
        self._agreed: tuple[int, str] | None = None

    def agree(self, call: dict[str, str]) -> None:
        """Returns if both nodes tell the same chain and the second would accept `call` (of eth_call, which the first
        accepted). ChainError E202 if not: nothing may be signed."""
        number = self._common_head()
        ours, theirs = _hash(self._first, number), _hash(self._second, number)
        if ours != theirs:
            raise self._disagreement(number, f"block {ours}", theirs)
        self._compare_logs(number)
        self._agreed = (number, ours)
        try:
            self._second.request("eth_call", [call, "pending"])
        except RpcError as error:
            raise self._disagreement(number, "a call that succeeds", str(error)) from None

    def _common_head(self) -> int:
        """The newest block that both have, when neither is behind for long."""
        waited = 0.0
        while True:
            heads = [_head(node) for node in (self._first, self._second)]
            if heads[1] >= heads[0]:
                return heads[0]
            if waited >= PATIENCE_S:
                raise self._disagreement(heads[0], f"head {heads[0]}", f"head {heads[1]}")
            self._sleep(_POLL_S)
            waited += _POLL_S

    def _compare_logs(self, upto: int) -> None:
        if self._agreed is not None and _hash(self._first, self._agreed[0]) != self._agreed[1]:
            self._agreed = None
        first = self._start if self._agreed is None else self._agreed[0] + 1
        for one, other in zip_longest(
            self._logs(self._first, first, upto), self._logs(self._second, first, upto)
        ):
            if one != other:
                at = min(log.block for log in (one, other) if log is not None)
                raise self._disagreement(at, _said(one), _said(other))

    def _logs(self, node: Rpc, first: int, last: int) -> Iterator[Log]:
        return read_logs(node, self._interface, self._address, first, last)

    def _disagreement(self, number: int, ours: str, theirs: str) -> ChainError:
        where = f"RPC disagreement at block {number}: {self._first.url} says {ours}, {self._second.url} says {theirs}"
        return ChainError("E202", f"{where}; nothing was sent: find out which node is wrong, then try again")


def _head(node: Rpc) -> int:
    return int(node.request("eth_blockNumber"), 16)


def _hash(node: Rpc, number: int) -> str:
    block = node.request("eth_getBlockByNumber", [hex(number), False])
    return str(block["hash"]) if block else "nothing"


def _said(log: Log | None) -> str:
    return f"{type(log.event).__name__} in {log.tx_hash}" if log else "no event of the market"
