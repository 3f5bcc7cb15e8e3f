"""Deploys a market and proves what was deployed."""

from __future__ import annotations

from eth_account.signers.local import LocalAccount

from market.chain.artifacts import load_artifact
from market.chain.deployment import Deployment
from market.chain.errors import decode_refusal
from market.chain.gateway import Gateway, default_policy
from market.chain.identity import chain_identity, creation_data
from market.chain.journal import Journal
from market.chain.rpc import Rpc
from market.chain.sender import Sender, SendPolicy
from market.errors import ChainError
from market.keccak import keccak256
from market.params import Limits
from market.units import address


def deploy_market(
    rpc: Rpc, signer: LocalAccount, limits: Limits, preset: str = "", policy: SendPolicy | None = None
) -> tuple[Deployment, int]:
    """Deploys `Market` with `limits`; returns the deployment and the gas used.

    RefusedError if the constructor refuses the limits; ChainError E207 if the deployed code or the limits
    differ from the artifact's, E205, E206, E209 as for every transaction.
    """
    artifact = load_artifact("Market")
    interface = artifact.interface
    chain_id, genesis = chain_identity(rpc)
    journal = Journal(None, chain_id, signer.address)
    policy = policy or default_policy(chain_id)
    sender = Sender(rpc, signer, journal, lambda error: decode_refusal(interface, error), policy)
    receipt = sender.send("deploy", "", creation_data(limits))
    where = address(receipt["contractAddress"])
    code = bytes.fromhex(rpc.request("eth_getCode", [where, "latest"])[2:])
    if not artifact.matches(code):
        raise ChainError("E207", f"code at {where} ({len(code)} bytes) is not the artifact's; reinstall")
    deployment = Deployment(
        chain_id=chain_id,
        genesis_hash=genesis,
        market=where,
        tx=receipt["transactionHash"],
        block=int(receipt["blockNumber"], 16),
        code_hash="0x" + keccak256(code).hex(),
        limits=limits,
        preset=preset,
    )
    stored = Gateway(rpc, deployment).limits()
    if stored != limits:
        raise ChainError("E207", f"market {where} has limits {stored}, expected {limits}")
    return deployment, int(receipt["gasUsed"], 16)
