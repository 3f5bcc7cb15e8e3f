"""Is this the right chain, and is the market on it, with all of its code, the one that we know?"""

from __future__ import annotations

from collections.abc import Sequence

from market.chain.artifacts import CHECKS, Artifact, load_artifact
from market.chain.codec import encode_values
from market.chain.deployment import Deployment
from market.chain.rpc import Rpc
from market.errors import ChainError
from market.keccak import keccak256
from market.params import Limits


def chain_identity(rpc: Rpc) -> tuple[int, str]:
    """(chain id, genesis hash): what tells one chain from another."""
    genesis = rpc.request("eth_getBlockByNumber", ["0x0", False])
    return int(rpc.request("eth_chainId"), 16), str(genesis["hash"])


def creation_data(limits: Limits, court: str) -> bytes:
    """Calldata of the transaction that creates a market."""
    return _creation("Market", limits, court)


def court_creation_data(checks: Sequence[str]) -> bytes:
    """Calldata of the transaction that creates the code of refutations."""
    return _creation("Court", *checks)


def checks_creation_data(name: str) -> bytes:
    """Calldata of the transaction that creates one list of checks."""
    return _creation(name)


def _creation(name: str, *args: object) -> bytes:
    artifact = load_artifact(name)
    return bytes.fromhex(artifact.bytecode[2:]) + encode_values(artifact.interface.constructor, args)


def code_at(rpc: Rpc, where: str) -> bytes:
    """Deployed code; empty where there is none."""
    return bytes.fromhex(rpc.request("eth_getCode", [where, "latest"])[2:])


def check_chain(rpc: Rpc, deployment: Deployment) -> None:
    """ChainError E201 if `rpc` is another chain than the deployment's, or its market is another contract.

    The market's own code is not all of it: the court that it was created with, and the checks that the court was
    created with, decide over bonds, so all five must be ours.
    """
    chain_id, genesis = chain_identity(rpc)
    if chain_id != deployment.chain_id:
        raise _changed(f"chain id {chain_id} expected {deployment.chain_id}")
    if genesis != deployment.genesis_hash:
        raise _changed(f"genesis {genesis} expected {deployment.genesis_hash}")
    code = code_at(rpc, deployment.market)
    found = "0x" + keccak256(code).hex()
    if found != deployment.code_hash:
        what = f"code {found if code else 'missing'} expected {deployment.code_hash}"
        raise _changed(f"market {deployment.market} has {what}")
    market, court = load_artifact("Market"), load_artifact("Court")
    data = creation_data(deployment.limits, deployment.court)
    if not _is_ours(rpc, market, deployment.market, deployment.tx, data):
        raise _foreign(f"market {deployment.market}")
    data = court_creation_data(deployment.checks)
    if not _is_ours(rpc, court, deployment.court, deployment.court_tx, data):
        raise _foreign(f"court {deployment.court}")
    for name, where in zip(CHECKS, deployment.checks, strict=True):
        if not load_artifact(name).matches(code_at(rpc, where)):
            raise _foreign(f"{name} {where}")


def _is_ours(rpc: Rpc, artifact: Artifact, where: str, tx: str, data: bytes) -> bool:
    """Whether our code is there, and our creation code ran with the arguments of the deployment file.

    Runtime code alone proves too little: other creation code could have set storage, or an immutable address,
    at will and then returned the same code. Nodes that no longer have the transaction are given the benefit.
    """
    if not artifact.matches(code_at(rpc, where)):
        return False
    transaction = rpc.request("eth_getTransactionByHash", [tx])
    if transaction is None:
        return True
    receipt = rpc.request("eth_getTransactionReceipt", [tx])
    created = str(receipt["contractAddress"] or "").lower() == where.lower()
    return created and transaction["input"] == "0x" + data.hex()


def _foreign(what: str) -> ChainError:
    text = f"{what} is not the contract of this version of fairtrain"
    return ChainError("E201", f"{text}; deploy again, or install the version that deployed it")


def _changed(what: str) -> ChainError:
    return ChainError("E201", f"chain changed: {what}; redeploy, or pass the --rpc URL of the right chain")
