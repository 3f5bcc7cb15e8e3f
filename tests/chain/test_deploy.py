"""Deployments: the same path on anvil and Ganache, proved code, and the file other commands read."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from market.chain.artifacts import load_artifact
from market.chain.deploy import deploy_market
from market.chain.deployment import Deployment, default_path
from market.chain.gateway import Gateway
from market.chain.identity import chain_identity, court_creation_data, creation_data
from market.chain.rpc import Rpc
from market.devnet import Devnet, dev_account, start_devnet
from market.errors import ChainError, DocumentError, RefusedError
from market.params import DEMO, MINIMAL
from market.units import ZERO_ADDRESS, address
from tests.chain.child import make_sender

pytestmark = pytest.mark.chain


def test_deploy_market__code_limits_and_identity_recorded(anvil: Devnet) -> None:
    rpc = Rpc(anvil.url)
    deployment, gas = deploy_market(rpc, dev_account(0), DEMO.limits, "demo")

    assert (deployment.chain_id, deployment.genesis_hash) == chain_identity(rpc)
    assert Gateway(rpc, deployment).limits() == DEMO.limits == deployment.limits
    assert deployment.block == int(anvil.request("eth_blockNumber"), 16)
    assert gas < 5 * 16_777_216


def test_deploy_market_on_ganache__works_alike(ganache: Devnet) -> None:
    deployment, _ = deploy_market(Rpc(ganache.url), dev_account(0), MINIMAL.limits)
    assert deployment.chain_id == 1337
    assert Gateway(ganache.url, deployment).project_count() == 0


def test_deploy_market_impossible_limits__refused_with_the_contracts_error(anvil: Devnet) -> None:
    limits = replace(MINIMAL.limits, max_seats=1025)
    with pytest.raises(RefusedError, match="MarketLimitOutOfRange"):
        deploy_market(Rpc(anvil.url), dev_account(0), limits)


def test_deploy_market_poor_account__e205(anvil: Devnet) -> None:
    anvil.request("anvil_setBalance", dev_account(9).address, "0x1")
    with pytest.raises(ChainError, match="E205"):
        deploy_market(Rpc(anvil.url), dev_account(9), MINIMAL.limits)


class TestGatewayStart:
    def test_gateway_other_chain_id__e201(self, anvil: Devnet, deployment: Deployment) -> None:
        with pytest.raises(ChainError, match="E201 chain changed: chain id 31337 expected 1;"):
            Gateway(anvil.url, replace(deployment, chain_id=1))

    def test_gateway_wiped_chain__e201_with_both_genesis_hashes(self, deployment: Deployment) -> None:
        with start_devnet(extra=("--timestamp", "1")) as other:
            genesis = chain_identity(Rpc(other.url))[1]
            with pytest.raises(ChainError) as caught:
                Gateway(other.url, deployment)
        assert f"genesis {genesis} expected {deployment.genesis_hash}" in caught.value.text

    @pytest.mark.parametrize(("code", "said"), [("0x", "code missing"), ("0x6000", "code 0x")])
    def test_gateway_other_code__e201(
        self, anvil: Devnet, deployment: Deployment, code: str, said: str
    ) -> None:
        anvil.request("anvil_setCode", deployment.market, code)
        with pytest.raises(ChainError, match=f"E201 .*{said}.* expected {deployment.code_hash}"):
            Gateway(anvil.url, deployment)


def test_gateway_same_code_from_forged_creation__e201(
    anvil: Devnet, deployment: Deployment, tmp_path: Path
) -> None:
    """Creation code of a forger may set storage and immutable addresses and return the right runtime code."""
    code = anvil.request("eth_getCode", deployment.market, "latest")
    size = f"{len(code) // 2 - 1:04x}"
    forged = f"0x61{size}80600c6000396000f3{code[2:]}"
    rpc = Rpc(anvil.url)
    sender = make_sender(anvil.url, tmp_path, account=0)
    receipt = sender.send("forge", "", bytes.fromhex(forged[2:]))
    where = address(receipt["contractAddress"])
    assert anvil.request("eth_getCode", where, "latest") == code

    for tx in (receipt["transactionHash"], deployment.tx):
        with pytest.raises(ChainError, match=r"E201 market .* is not the contract of this version"):
            Gateway(rpc, replace(deployment, market=where, tx=tx))


def test_gateway_other_limits_than_created_with__e201(anvil: Devnet, deployment: Deployment) -> None:
    with pytest.raises(ChainError, match=r"E201 market .* is not the contract of this version"):
        Gateway(anvil.url, replace(deployment, limits=DEMO.limits))


def test_gateway_node_without_old_transactions__code_is_enough(anvil: Devnet, deployment: Deployment) -> None:
    assert Gateway(anvil.url, replace(deployment, tx="0x" + "00" * 32)).project_count() == 0


def test_creation_data__below_the_limit_of_eip_3860() -> None:
    assert len(creation_data(MINIMAL.limits, ZERO_ADDRESS)) <= 49_152
    assert len(court_creation_data([ZERO_ADDRESS] * 3)) <= 49_152


class TestDeploymentFile:
    def test_save__load_gives_it_back(self, tmp_path: Path, deployment: Deployment) -> None:
        path = default_path(tmp_path, deployment.chain_id)
        deployment.save(path)
        assert path == tmp_path / "deployments" / "31337.json"
        assert Deployment.load(path) == deployment
        assert [file.name for file in path.parent.iterdir()] == ["31337.json"]

    def test_load_missing__e207_names_the_command(self, tmp_path: Path) -> None:
        with pytest.raises(ChainError, match=r"E207 no deployment file .*; run `fairtrain devnet`"):
            Deployment.load(tmp_path / "1.json")

    @pytest.mark.parametrize(
        "change",
        [
            {"version": 1},
            {"court": "0x12"},
            {"checks": ["0x12"]},
            {"market": "0x12"},
            {"limits": {}},
            {"surplus": 1},
            {"limits": None},
        ],
    )
    def test_from_json_wrong_field__e180(self, deployment: Deployment, change: dict[str, Any]) -> None:
        body = {**json.loads(deployment.to_json()), **change}
        with pytest.raises(DocumentError, match="E180"):
            Deployment.from_json(json.dumps(body))

    @pytest.mark.parametrize("text", ["", "[]", "null", "{}", "{"])
    def test_from_json_no_deployment__e180(self, text: str) -> None:
        with pytest.raises(DocumentError, match="E180 deployment file"):
            Deployment.from_json(text)


def test_artifact__is_what_anvil_runs(anvil: Devnet, deployment: Deployment) -> None:
    code = bytes.fromhex(anvil.request("eth_getCode", deployment.market, "latest")[2:])
    assert load_artifact("Market").matches(code)
