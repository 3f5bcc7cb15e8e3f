"""Calls of the real contracts of checks, on anvil: what they say about posted trees."""

from __future__ import annotations

import http.client
import json
import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import solcx

from aggregator.refute.trees import Case, Trees
from aggregator.rows import DELTAS, MEMORY
from market.chain import compile as compiler
from market.chain.artifacts import load_artifact
from market.chain.codec import Interface
from market.devnet import Devnet
from market.errors import ChainError
from market.records import Roots

STEP = 4
"""Ordinal of `Check.Step`."""
_BASE = 21_000
_BATCH = 100
_BATCH_BYTES = 700_000
"""Of evidence in one request: anvil takes two megabytes of hexadecimal text."""


@dataclass(frozen=True)
class Refused:
    """The check reverted."""

    error: str


@dataclass(frozen=True)
class Call:
    """One question to a contract of checks. `files`: roots of update files that the check reads."""

    trees: Trees
    check: int
    a: int
    b: int
    c: int
    evidence: bytes
    files: Sequence[bytes] = ()


class CheckContract:
    """A contract of checks, in place on a chain."""

    def __init__(self, devnet: Devnet, address: str, abi: Any, code: str) -> None:
        devnet.request("anvil_setCode", address, code)
        self._address, self._abi = address, Interface(abi)
        where = urlsplit(devnet.url)
        self._line = http.client.HTTPConnection(where.hostname or "", where.port)

    def close(self) -> None:
        """Ends the connection."""
        self._line.close()

    def answers(self, calls: Iterable[Call]) -> list[bool | Refused]:
        """What `wrong` gives for each."""
        out: list[bool | Refused] = []
        for batch in _batches(calls):
            replies = self._post([self._request(k, "eth_call", call) for k, call in enumerate(batch)])
            out += [self._read(reply) for reply in sorted(replies, key=lambda reply: reply["id"])]
        return out

    def answer(self, call: Call) -> bool | Refused:
        """What `wrong` gives for one."""
        return self.answers([call])[0]

    def gas(self, call: Call) -> tuple[int, int]:
        """Gas of the call alone as a transaction, and its bytes of evidence."""
        return gas_of(self._calldata(call), self.execution(call)), len(call.evidence)

    def execution(self, call: Call) -> int:
        """Gas of the call without base and calldata."""
        data = self._calldata(call)
        order = {"to": self._address, "data": "0x" + data.hex(), "gas": hex(30_000_000)}
        body = {"jsonrpc": "2.0", "id": 0, "method": "debug_traceCall"}
        reply = self._post([body | {"params": [order, "latest", {"tracer": "callTracer"}]}])[0]
        return int(reply["result"]["gasUsed"], 16) - _BASE - 4 * _tokens(data)

    def _request(self, number: int, method: str, call: Call) -> dict[str, Any]:
        order = {"to": self._address, "data": "0x" + self._calldata(call).hex(), "gas": hex(30_000_000)}
        return {"jsonrpc": "2.0", "id": number, "method": method, "params": [order, "latest"]}

    def _calldata(self, call: Call) -> bytes:
        facts = facts_of(call.trees, call.b, call.c, call.files)
        args = [facts, call.check, call.a, call.b, call.c, call.evidence]
        return self._abi.encode_call("wrong", args)

    def _post(self, body: list[dict[str, Any]]) -> list[dict[str, Any]]:
        self._line.request("POST", "/", json.dumps(body), {"Content-Type": "application/json"})
        replies: list[dict[str, Any]] = json.loads(self._line.getresponse().read())
        return replies

    def _read(self, reply: dict[str, Any]) -> bool | Refused:
        if "result" in reply:
            return int(reply["result"], 16) == 1
        error = reply["error"]
        data = bytes.fromhex(str(error.get("data") or "0x")[2:])
        known = self._abi.errors.get(data[:4])
        return Refused(known.name if known else data.hex() or error["message"])


def gas_of(data: bytes, execution: int) -> int:
    """Gas of a transaction with this calldata: 4 for each token beside execution, at least 10 (EIP-7623)."""
    tokens = _tokens(data)
    return _BASE + max(4 * tokens + execution, 10 * tokens)


def _tokens(data: bytes) -> int:
    return sum(4 if byte else 1 for byte in data)


def _batches(calls: Iterable[Call]) -> Iterator[list[Call]]:
    batch: list[Call] = []
    for call in calls:
        if batch and (len(batch) == _BATCH or sum(len(c.evidence) for c in (*batch, call)) > _BATCH_BYTES):
            yield batch
            batch = []
        batch.append(call)
    if batch:
        yield batch


def facts_of(trees: Trees, b: int, c: int, files: Sequence[bytes] = ()) -> list[Any]:
    """`Facts` as the court would fill it for a refutation with coordinates b and c."""
    case = trees.case
    nothing = bytes(32)
    below = Roots(
        nothing,
        nothing,
        trees.steps_below.root if trees.steps_below else nothing,
        trees.accounts_below.root if trees.accounts_below else nothing,
        nothing,
        nothing,
        trees.model_below.root if trees.model_below else nothing,
    )
    return [
        case.shape.seats, case.shape.d, "0x" + case.poster.hex(), case.seed, case.to_pay, case.unit, case.paid,
        case.merged, case.start, _of(case.first, b), _of(case.first, c), _of(case.sealed, b),
        trees.roots(), below, *bitmaps(case), list(files),
    ]  # fmt: skip


def bitmaps(case: Case) -> tuple[list[int], list[int]]:
    """Words of `included` and `rows` as a result posts them."""
    shape, words = case.shape, -(-case.shape.seats // 256)
    first = [*(shape.delta(age) for age in range(DELTAS)), shape.reference]
    rows = [sum(1 << bit for bit, row in enumerate(first) if row in case.present)]
    for age in range(MEMORY):
        rows += _words([seat for seat in range(shape.seats) if shape.past(age, seat) in case.present], words)
    return _words(sorted(case.included), words), rows


def check_contract(devnet: Devnet, name: str, address: str, kept: Path) -> CheckContract:
    """A contract of `contracts/src/checks` as it is now: from the committed artifact, unless sources have changed
    since; then compiled alone, and kept in the folder `kept`. `tools/check_mutants.py` puts a file of code in its place
    (FAIRTRAIN_CHECKS)."""
    root = compiler.checkout()
    whole = compiler.standard_input(root)
    if (mutant := os.environ.get("FAIRTRAIN_CHECKS", "").partition("="))[0] == name:
        return CheckContract(devnet, address, load_artifact(name).abi, Path(mutant[2]).read_text())
    try:
        artifact = load_artifact(name)
        if artifact.input_hash == compiler.input_hash(whole):
            return CheckContract(devnet, address, artifact.abi, artifact.deployed_bytecode)
    except ChainError:
        pass
    narrow = whole | {"sources": _reachable(whole["sources"], f"src/checks/{name}.sol")}
    file = kept / f"{compiler.input_hash(narrow)}.json"
    if not file.is_file():
        file.write_text(json.dumps(_compiled(root, narrow, name)))
    made = json.loads(file.read_text())
    return CheckContract(devnet, address, made["abi"], "0x" + made["evm"]["deployedBytecode"]["object"])


def _compiled(root: Path, narrow: dict[str, Any], name: str) -> Any:
    try:
        output = solcx.compile_standard(narrow, solc_binary=compiler.solc_binary(root))
    except solcx.exceptions.SolcError as error:
        pytest.fail(f"{name} does not compile: {error.message}", pytrace=False)
    return output["contracts"][f"src/checks/{name}.sol"][name]


def _reachable(sources: dict[str, Any], name: str) -> dict[str, Any]:
    found, todo = {}, [name]
    while todo:
        at = todo.pop()
        if at not in found:
            found[at] = sources[at]
            todo += [compiler._resolve(at, t) for t in compiler._IMPORT.findall(sources[at]["content"])]
    return found


def _words(seats: Iterable[int], count: int) -> list[int]:
    bits = sum(1 << seat for seat in seats)
    return [bits >> 256 * k & (1 << 256) - 1 for k in range(count)]


def _of(flags: Sequence[bool], seat: int) -> bool:
    return seat < len(flags) and bool(flags[seat])
