"""Transport faults are retried, refusals are not (threats F15, F16)."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from market.chain.errors import RpcError
from market.chain.rpc import Rpc
from market.devnet import Devnet, free_port
from market.errors import ChainError
from tests.chain.faulty import FAULTS, FaultyNode, faulty_node

pytestmark = pytest.mark.chain


@pytest.fixture
def node(anvil: Devnet) -> Iterator[FaultyNode]:
    with faulty_node(anvil.url) as node:
        yield node


def quick(urls: str, attempts: int = 4) -> Rpc:
    return Rpc(urls, timeout_s=5, attempts=attempts, sleep=lambda _: None)


@pytest.mark.parametrize("fault", [*FAULTS, "drop", "drop after"])
def test_request_passing_fault__answered_after_retries(node: FaultyNode, fault: str) -> None:
    node.plan = [fault] * 3
    assert quick(node.url).request("eth_chainId") == "0x7a69"
    assert len(node.seen) == 4


def test_request_lasting_fault__e206_names_url_cause_and_next_step(node: FaultyNode) -> None:
    node.plan = ["500"] * 9
    with pytest.raises(ChainError) as caught:
        quick(node.url).request("eth_chainId")
    assert caught.value.code == "E206"
    for part in ("eth_chainId", node.url, "500", "--rpc"):
        assert part in caught.value.text
    assert len(node.seen) == 4


def test_request_pauses__grow_with_jitter(node: FaultyNode) -> None:
    pauses: list[float] = []
    node.plan = ["429"] * 3
    Rpc(node.url, attempts=4, pause_s=1.0, sleep=pauses.append).request("eth_chainId")
    assert [0.5 <= pause / 2**i <= 1.0 for i, pause in enumerate(pauses)] == [True] * 3


def test_request_node_refuses__rpc_error_at_once(node: FaultyNode) -> None:
    with pytest.raises(RpcError) as caught:
        quick(node.url).request("eth_noSuchMethod")
    assert caught.value.code == -32601
    assert len(node.seen) == 1


def test_request_refusal_with_status_400__still_a_refusal(node: FaultyNode) -> None:
    node.plan = ["status 400"]
    with pytest.raises(RpcError) as caught:
        quick(node.url).request("eth_noSuchMethod")
    assert caught.value.code == -32601


def test_request_first_url_dead__second_answers_and_stays(node: FaultyNode) -> None:
    dead = f"http://127.0.0.1:{free_port()}"
    rpc = quick(f"{dead}, {node.url}", attempts=2)
    assert rpc.request("eth_chainId") == "0x7a69"
    assert rpc.url == node.url


def test_request_nobody_there__e206_lists_all_urls() -> None:
    urls = [f"http://127.0.0.1:{free_port()}" for _ in range(2)]
    with pytest.raises(ChainError) as caught:
        quick(",".join(urls), attempts=2).request("eth_chainId")
    assert all(url in caught.value.text for url in urls)


@pytest.mark.parametrize("urls", ["", " , ", "localhost:8545", "ws://localhost:8545"])
def test_rpc_bad_url__e206(urls: str) -> None:
    with pytest.raises(ChainError, match=r"E206 .*RPC URL"):
        Rpc(urls)
