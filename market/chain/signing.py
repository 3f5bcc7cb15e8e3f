"""Building and signing transactions: what an intent asks for, gas, nonce and fees (EIP-1559)."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Any

from eth_account.signers.local import LocalAccount
from eth_account.typed_transactions.typed_transaction import TypedTransaction
from eth_utils.address import to_checksum_address
from hexbytes import HexBytes

from market.chain.errors import RpcError
from market.chain.journal import SIGNED, Key, Record
from market.chain.rpc import Rpc

GAS_CAP = 1 << 24
"""EIP-7825: no transaction may ask for more."""
DEFAULT_TIP = 10**9
"""wei per gas, where a node does not propose one"""
Fees = dict[str, int]


@dataclass(frozen=True)
class Order:
    """One call to send. `to` is empty for a deployment; `value` in wei."""

    intent: str
    to: str
    data: bytes
    value: int = 0

    @property
    def key(self) -> Key:
        """What the journal files it under."""
        return self.to.lower(), self.intent

    @property
    def content(self) -> str:
        """What an intent may never change: sha256 of value and calldata."""
        return hashlib.sha256(self.value.to_bytes(32, "big") + self.data).hexdigest()

    def call_from(self, sender: str) -> dict[str, str]:
        """Arguments of eth_call and eth_estimateGas."""
        call = {"from": sender, "data": "0x" + self.data.hex(), "value": hex(self.value)}
        return {**call, "to": self.to} if self.to else call


def sign_order(
    account: LocalAccount, chain_id: int, order: Order, nonce: int, gas: int, fees: Fees
) -> Record:
    """The signed transaction as journal record; nothing is sent."""
    transaction: dict[str, Any] = {
        "chainId": chain_id,
        "nonce": nonce,
        "gas": gas,
        "value": order.value,
        "data": "0x" + order.data.hex(),
        **fees,
    }
    if order.to:
        transaction["to"] = to_checksum_address(order.to)
    signed = account.sign_transaction(transaction)
    return Record(
        intent=order.intent,
        state=SIGNED,
        chain_id=chain_id,
        sender=account.address,
        to=order.to,
        nonce=nonce,
        hash="0x" + bytes(signed.hash).hex(),
        raw="0x" + bytes(signed.raw_transaction).hex(),
        content=order.content,
    )


def sign_bumped(account: LocalAccount, record: Record, fees: Fees) -> Record | None:
    """The same call with the same nonce and every fee raised by at least 12.5 %, what nodes ask of a replacement.

    None where the chain or the transaction has no EIP-1559 fees.
    """
    payload = HexBytes(record.raw)
    if payload[0] != 2 or "gasPrice" in fees:
        return None
    old = TypedTransaction.from_bytes(payload).as_dict()
    raised = {name: max(fee, -(-int(old[name]) * 9 // 8)) for name, fee in fees.items()}
    order = Order(record.intent, record.to, bytes(old["data"]), int(old["value"]))
    return sign_order(account, record.chain_id, order, record.nonce, int(old["gas"]), raised)


def current_fees(rpc: Rpc) -> Fees:
    """Fee fields of a transaction sent now: room for the base fee to double, and the node's tip."""
    block = rpc.request("eth_getBlockByNumber", ["pending", False])
    base = (block or rpc.request("eth_getBlockByNumber", ["latest", False])).get("baseFeePerGas")
    if base is None:
        return {"gasPrice": int(rpc.request("eth_gasPrice"), 16)}
    try:
        tip = int(rpc.request("eth_maxPriorityFeePerGas"), 16)
    except RpcError:
        tip = DEFAULT_TIP
    return {"maxFeePerGas": 2 * int(base, 16) + tip, "maxPriorityFeePerGas": tip}


def with_margin(estimate: int) -> int:
    """Gas limit for an estimate: a neighbour's call may come in between and make this one dearer."""
    return min(estimate * 3 // 2 + 30_000, max(GAS_CAP, estimate))
