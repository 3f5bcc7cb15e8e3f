"""Two nodes: nothing is signed that the second does not confirm (threat F18). One of them is made to lie."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from market.chain.deployment import Deployment
from market.chain.gateway import Gateway
from market.chain.rpc import Rpc
from market.chain.second import PATIENCE_S, SecondNode
from market.devnet import Devnet, dev_account, start_devnet
from market.errors import ChainError
from tests.chain.child import QUICK
from tests.chain.faulty import Lie, faulty_node
from tests.chain.test_gateway import create

pytestmark = pytest.mark.chain


@contextmanager
def lying_node(upstream: str, lie: Lie) -> Iterator[str]:
    """URL of a node that answers as `upstream` does, but for its lie."""
    with faulty_node(upstream) as node:
        node.lie = lie
        yield node.url


@pytest.fixture
def deployment(anvil: Devnet, session_deployment: Deployment) -> Deployment:
    return session_deployment


def gateway(first: str, second: str, deployment: Deployment) -> Gateway:
    return Gateway(first, deployment, dev_account(1), policy=QUICK, second=Rpc(second, sleep=lambda _: None))


def drops_a_log(method: str, result: Any) -> Any:
    return result[1:] if method == "eth_getLogs" else result


def invents_a_head(method: str, result: Any) -> Any:
    if method == "eth_getBlockByNumber" and result and result.get("number") != "0x0":
        return {**result, "hash": "0x" + "ab" * 32}
    return result


def test_send_two_honest_nodes__as_with_one(anvil: Devnet, deployment: Deployment) -> None:
    owner = gateway(anvil.url, anvil.url, deployment)
    project = create(owner)
    pot = owner.params(project)[0].pot
    owner.send("fund", project, pot, value=pot)
    assert owner.project(project).escrow == pot


@pytest.mark.parametrize("lie", [drops_a_log, invents_a_head])
@pytest.mark.parametrize("liar_is_first", [True, False])
def test_send_one_node_lies__nothing_is_signed(
    anvil: Devnet, deployment: Deployment, lie: Lie, liar_is_first: bool
) -> None:
    create(gateway(anvil.url, anvil.url, deployment))
    nonce = anvil.request("eth_getTransactionCount", dev_account(1).address, "latest")
    with lying_node(anvil.url, lie) as liar:
        urls = (liar, anvil.url) if liar_is_first else (anvil.url, liar)
        with pytest.raises(ChainError, match=r"E202 RPC disagreement at block \d+: .* nothing was sent"):
            create(gateway(*urls, deployment))
    assert anvil.request("eth_getTransactionCount", dev_account(1).address, "latest") == nonce


def test_agree_call_that_only_the_first_accepts__disagreement(anvil: Devnet, deployment: Deployment) -> None:
    """The first node gave views of a project that is not there."""
    owner = gateway(anvil.url, anvil.url, deployment)
    node = SecondNode(Rpc(anvil.url), Rpc(anvil.url), owner.address, owner.interface, deployment.block)
    data = "0x" + owner.interface.encode_call("fund", (99, 1)).hex()
    with pytest.raises(ChainError, match=r"E202 .*a call that succeeds"):
        node.agree({"from": dev_account(1).address, "to": owner.address, "data": data, "value": "0x1"})


@pytest.mark.parametrize(
    ("behind_s", "agrees"), [(PATIENCE_S - 0.5, True), (PATIENCE_S, True), (PATIENCE_S + 0.5, False)]
)
def test_agree_second_node_is_behind__waits_a_while(
    anvil: Devnet, deployment: Deployment, behind_s: float, agrees: bool
) -> None:
    slept: list[float] = []

    def behind(method: str, result: Any) -> Any:
        late = sum(slept) < behind_s
        return hex(int(result, 16) - 1) if method == "eth_blockNumber" and late else result

    with lying_node(anvil.url, behind) as second:
        owner = gateway(anvil.url, anvil.url, deployment)
        node = SecondNode(
            Rpc(anvil.url), Rpc(second), owner.address, owner.interface, deployment.block, sleep=slept.append
        )
        call = {"to": owner.address, "data": "0x" + owner.interface.encode_call("projectCount", ()).hex()}
        if agrees:
            node.agree(call)
            assert sum(slept) == behind_s
        else:
            with pytest.raises(ChainError, match=r"E202 .*head"):
                node.agree(call)


def test_agree_after_a_reorganisation__logs_are_compared_again(anvil: Devnet, deployment: Deployment) -> None:
    owner = gateway(anvil.url, anvil.url, deployment)
    asked: list[Any] = []

    def count(method: str, result: Any) -> Any:
        if method == "eth_getLogs":
            asked.append(result)
        return result

    with lying_node(anvil.url, count) as second:
        node = SecondNode(Rpc(anvil.url), Rpc(second), owner.address, owner.interface, deployment.block)
        call = {"to": owner.address, "data": "0x" + owner.interface.encode_call("projectCount", ()).hex()}
        create(owner)
        node.agree(call)
        node.agree(call)
        assert [len(logs) for logs in asked] == [1]
        anvil.request("anvil_reorg", 1, [])
        create(owner)
        node.agree(call)
    assert len(asked) == 2


def test_gateway_second_node_of_another_chain__refused(deployment: Deployment, anvil: Devnet) -> None:
    with start_devnet("anvil", accounts=1) as other, pytest.raises(ChainError, match="E201"):
        gateway(anvil.url, other.url, deployment)
