"""Deploys a market, with the code of refutations behind it, and proves what was deployed."""

from __future__ import annotations

from typing import Any

from eth_account.signers.local import LocalAccount

from market.chain.artifacts import CHECKS, load_artifact, market_interface
from market.chain.deployment import Deployment
from market.chain.errors import decode_refusal
from market.chain.gateway import Gateway, default_policy
from market.chain.identity import (
    chain_identity,
    checks_creation_data,
    code_at,
    court_creation_data,
    creation_data,
)
from market.chain.journal import Journal
from market.chain.rpc import Rpc
from market.chain.sender import Sender, SendPolicy
from market.errors import ChainError
from market.keccak import keccak256
from market.params import Limits
from market.units import Address, address


def deploy_market(
    rpc: Rpc, signer: LocalAccount, limits: Limits, preset: str = "", policy: SendPolicy | None = None
) -> tuple[Deployment, int]:
    """Deploys the checks, `Court` and `Market` with `limits`, in five transactions; the deployment and the gas used.

    RefusedError if the constructor refuses the limits; ChainError E207 if the deployed code or the limits
    differ from the artifact's, E205, E206, E209 as for every transaction.
    """
    chain_id, genesis = chain_identity(rpc)
    journal = Journal(None, chain_id, signer.address)
    policy = policy or default_policy(chain_id)
    sender = Sender(rpc, signer, journal, lambda error: decode_refusal(market_interface(), error), policy)
    receipts = [_create(sender, name, checks_creation_data(name)) for name in CHECKS]
    checks = tuple(_place(receipt) for receipt in receipts)
    receipts.append(_create(sender, "Court", court_creation_data(checks)))
    court = _place(receipts[-1])
    receipts.append(_create(sender, "Market", creation_data(limits, court)))
    deployment = Deployment(
        chain_id=chain_id,
        genesis_hash=genesis,
        market=_place(receipts[-1]),
        tx=receipts[-1]["transactionHash"],
        block=int(receipts[-1]["blockNumber"], 16),
        code_hash="0x" + keccak256(code_at(rpc, _place(receipts[-1]))).hex(),
        limits=limits,
        court=court,
        court_tx=receipts[-2]["transactionHash"],
        checks=checks,
        preset=preset,
    )
    stored = Gateway(rpc, deployment).limits()
    if stored != limits:
        raise ChainError("E207", f"market {deployment.market} has limits {stored}, expected {limits}")
    return deployment, sum(int(receipt["gasUsed"], 16) for receipt in receipts)


def _create(sender: Sender, name: str, data: bytes) -> dict[str, Any]:
    """The receipt of a creation; ChainError E207 if other code lies there than was sent."""
    receipt = sender.send(f"deploy/{name}", "", data)
    code = code_at(sender.rpc, _place(receipt))
    if not load_artifact(name).matches(code):
        what = f"code at {_place(receipt)} ({len(code)} bytes) is not that of {name}"
        raise ChainError("E207", f"{what}; reinstall")
    return receipt


def _place(receipt: dict[str, Any]) -> Address:
    return address(receipt["contractAddress"])
