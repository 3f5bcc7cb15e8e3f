"""ERC-20 tokens as far as paying into a market needs them (EIP-20)."""

from __future__ import annotations

from typing import Any

from eth_abi.abi import encode

from market.chain.errors import RpcError
from market.chain.rpc import Rpc
from market.chain.sender import Sender
from market.errors import ChainError
from market.keccak import keccak256
from market.tokens import TokenFacts, token_facts

METADATA_GAS = 200_000
"""What a token may burn to say its name; proxies need some 30,000."""


class Token:
    """One token contract. Amounts in its smallest unit."""

    def __init__(self, rpc: Rpc, address: str, sender: Sender | None = None) -> None:
        self.address = address
        self._rpc = rpc
        self._sender = sender

    def balance(self, account: str) -> int:
        """What `account` holds."""
        return self._number("balanceOf(address)", account)

    def allowance(self, owner: str, spender: str) -> int:
        """What `spender` may still take from `owner`."""
        return self._number("allowance(address,address)", owner, spender)

    def facts(self, block: int | None = None) -> TokenFacts:
        """What it says of itself at a block (else now), as far as it is believed; see `market.tokens`.

        A node that has forgotten the state of the block is asked about the present: honest tokens never change this.
        """
        return token_facts(self.address, self._told("symbol()", block), self._told("decimals()", block))

    def approve(self, spender: str, amount: int, intent: str | None = None) -> None:
        """Lets `spender` take exactly `amount`, unless it may take that much already.

        A smaller allowance is first set to zero, since some tokens refuse to change one that is not.
        """
        if self._sender is None:
            raise ChainError("E209", "this command has no key to sign with; pass --keystore FILE")
        owner = self._sender.account.address
        allowed = self.allowance(owner, spender)
        if allowed >= amount:
            return
        for step in [0, amount] if allowed else [amount]:
            data = _data("approve(address,uint256)", spender, step)
            if intent is None:
                self._sender.send_once("approve", self.address, data)
            else:
                self._sender.send(f"{intent}/{step}", self.address, data)

    def _number(self, signature: str, *args: Any) -> int:
        answer = self._ask(_data(signature, *args))
        if len(answer) != 32:
            raise ChainError(
                "E207", f"{self.address} is no ERC-20 token: {signature} gave {len(answer)} bytes"
            )
        return int.from_bytes(answer, "big")

    def _told(self, signature: str, block: int | None) -> bytes:
        """The raw answer of an optional method; empty where it refuses."""
        question = {"to": self.address, "data": "0x" + _data(signature).hex(), "gas": hex(METADATA_GAS)}
        for at in ["latest"] if block is None else [hex(block), "latest"]:
            try:
                return bytes.fromhex(self._rpc.request("eth_call", [question, at])[2:])
            except RpcError:
                continue
        return b""

    def _ask(self, data: bytes) -> bytes:
        question = {"to": self.address, "data": "0x" + data.hex()}
        try:
            answer = self._rpc.request("eth_call", [question, "latest"])
        except RpcError as error:
            raise ChainError("E207", f"{self.address} is no ERC-20 token: {error.message}") from None
        return bytes.fromhex(answer[2:])


def _data(signature: str, *args: Any) -> bytes:
    types = [kind for kind in signature[signature.index("(") + 1 : -1].split(",") if kind]
    return keccak256(signature.encode())[:4] + encode(types, args)
