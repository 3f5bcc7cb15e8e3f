"""Is this the right chain, and is the market on it the contract that we know?"""

from __future__ import annotations

from market.chain.artifacts import load_artifact
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


def creation_data(limits: Limits) -> bytes:
    """Calldata of the transaction that creates a market."""
    artifact = load_artifact("Market")
    return bytes.fromhex(artifact.bytecode[2:]) + encode_values(artifact.interface.constructor, [limits])


def check_chain(rpc: Rpc, deployment: Deployment) -> None:
    """ChainError E201 if `rpc` is another chain than the deployment's, or its market is another contract."""
    chain_id, genesis = chain_identity(rpc)
    if chain_id != deployment.chain_id:
        raise _changed(f"chain id {chain_id} expected {deployment.chain_id}")
    if genesis != deployment.genesis_hash:
        raise _changed(f"genesis {genesis} expected {deployment.genesis_hash}")
    code = bytes.fromhex(rpc.request("eth_getCode", [deployment.market, "latest"])[2:])
    found = "0x" + keccak256(code).hex()
    if found != deployment.code_hash:
        what = f"code {found if code else 'missing'} expected {deployment.code_hash}"
        raise _changed(f"market {deployment.market} has {what}")
    if not load_artifact("Market").matches(code) or not _is_created_as_expected(rpc, deployment):
        what = f"market {deployment.market} is not the contract of this version of fairtrain"
        raise ChainError("E201", f"{what}; deploy again, or install the version that deployed it")


def _is_created_as_expected(rpc: Rpc, deployment: Deployment) -> bool:
    """Whether our creation code ran there with the limits of the file.

    Runtime code alone proves too little: other creation code could have set storage, or an immutable address,
    at will and then returned the same code. Nodes that no longer have the transaction are given the benefit.
    """
    transaction = rpc.request("eth_getTransactionByHash", [deployment.tx])
    if transaction is None:
        return True
    receipt = rpc.request("eth_getTransactionReceipt", [deployment.tx])
    created = str(receipt["contractAddress"] or "").lower() == deployment.market.lower()
    return created and transaction["input"] == "0x" + creation_data(deployment.limits).hex()


def _changed(what: str) -> ChainError:
    return ChainError("E201", f"chain changed: {what}; redeploy, or pass the --rpc URL of the right chain")
