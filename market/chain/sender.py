"""Sends transactions so that a killed process neither loses nor repeats one.

Order of one intent: simulate (a refusal costs no nonce) -> choose the nonce -> sign -> journal and fsync ->
broadcast -> wait for the receipt by hash -> journal the outcome. Everything from the nonce to the broadcast
happens under the key's file lock, so two processes with one key take turns.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, NoReturn

from eth_account.signers.local import LocalAccount
from eth_account.typed_transactions.typed_transaction import TypedTransaction
from hexbytes import HexBytes

from market.chain.errors import RpcError
from market.chain.faults import fault
from market.chain.journal import FAILED, LOST, MINED, SIGNED, Intent, Journal, Key, Record
from market.chain.rpc import Rpc
from market.errors import ChainError, RefusedError

GAS_CAP = 1 << 24
"""EIP-7825: no transaction may ask for more."""
DEFAULT_TIP = 10**9
SIGNINGS = 8
"""So often may one call of `send` lose its nonce to another program with the same key."""

KNOWN = ("already known", "already imported", "known transaction", "already exists")
STALE = ("nonce too low", "correct nonce", "invalid nonce")
UNDERPRICED = ("underpriced", "less than block base fee", "fee too low", "max fee per gas")
POOR = ("insufficient funds", "not enough funds", "enough balance")


@dataclass(frozen=True)
class SendPolicy:
    """Patience of the sender. Times in seconds; `confirmations` counts blocks on top of the receipt's."""

    timeout_s: float = 180.0
    bump_after_s: float = 30.0
    rebroadcast_s: float = 5.0
    poll_s: float = 0.02
    poll_max_s: float = 1.0
    confirmations: int = 0


@dataclass(frozen=True)
class _Order:
    """What to send. `content` is what an intent may never change: calldata and value."""

    intent: str
    to: str
    data: bytes
    value: int

    @property
    def key(self) -> Key:
        return self.to.lower(), self.intent

    @property
    def content(self) -> str:
        return hashlib.sha256(self.value.to_bytes(32, "big") + self.data).hexdigest()


class Sender:
    """Signs with one key on one chain. `decode` turns a revert into the contract's error."""

    def __init__(
        self,
        rpc: Rpc,
        account: LocalAccount,
        journal: Journal,
        decode: Callable[[RpcError], RefusedError],
        policy: SendPolicy | None = None,
    ) -> None:
        self.rpc = rpc
        self.account = account
        self.journal = journal
        self.policy = policy or SendPolicy()
        self._decode = decode

    def send(self, intent: str, to: str, data: bytes, value: int = 0) -> dict[str, Any]:
        """The receipt of `intent`, sent now, earlier, or by a process that was killed meanwhile.

        `to` is empty for a deployment. An intent that is mined is never sent again, whatever its age; one
        that failed or lost its nonce is tried anew. RefusedError if the contract refuses (nothing is signed
        then), ChainError E205 (funds), E206 (node), E209 (not mined in time, other content under the intent).
        """
        order = _Order(intent, to, data, value)
        for _ in range(SIGNINGS):
            with self.journal.locked():
                known = self._known(order)
                if known is None:
                    self._rebroadcast_all()
                    self._sign_and_broadcast(order)
                elif known.state == SIGNED:
                    self._rebroadcast(known)
            receipt = self._wait(order.key)
            if receipt is not None:
                return self._checked(receipt, order)
        raise ChainError(
            "E209", f"{intent}: another program keeps taking the nonces of {self.account.address}; stop it"
        )

    def resume(self) -> list[dict[str, Any]]:
        """After a restart: rebroadcasts what may be lost and waits for it; receipts in order of nonce."""
        with self.journal.locked():
            self._rebroadcast_all()
            keys = [intent.newest.key for intent in self.journal.live()]
        return [receipt for receipt in map(self._wait, keys) if receipt is not None]

    # ----- what is known of an intent -----

    def _known(self, order: _Order) -> Intent | None:
        """The intent if it is under way or done; None if it has to be (or may be) sent anew."""
        known = self.journal.intents.get(order.key)
        if known is None or known.state in (FAILED, LOST):
            return None
        if known.newest.content != order.content:
            what = f"intent {order.intent} was sent with other content before"
            raise ChainError("E209", f"{what} (tx {known.newest.hash}); look at that transaction first")
        if known.state == MINED and self._receipt(known) is None:
            self.journal.append(known.newest)  # a reorganisation took it out: it is under way again
        return known

    def _receipt(self, intent: Intent) -> dict[str, Any] | None:
        for attempt in reversed(intent.attempts):
            receipt: dict[str, Any] | None = self.rpc.request("eth_getTransactionReceipt", [attempt.hash])
            if receipt is not None and receipt.get("blockNumber") is not None:
                return receipt
        return None

    # ----- signing -----

    def _sign_and_broadcast(self, order: _Order) -> None:
        gas = self._estimate(order)
        self._journal_and_broadcast(self._signed(order, self._next_nonce(), gas, self._fees()))

    def _journal_and_broadcast(self, record: Record, is_bump: bool = False) -> None:
        fault("before_journal", record.intent)
        self.journal.append(record)
        fault("after_journal", record.intent)
        try:
            self.rpc.request("eth_sendRawTransaction", [record.raw])
        except RpcError as error:
            if not is_bump:  # an earlier attempt is in the pool whatever becomes of this one
                self._after_rejection(record, error)
        except ChainError:
            pass  # a time-out may hide an accepted transaction: it is looked up by hash, never signed anew
        fault("after_broadcast", record.intent)

    def _after_rejection(self, record: Record, error: RpcError) -> None:
        """The node did not take a fresh transaction; whatever does not settle by waiting frees its nonce."""
        text = error.message.lower()
        if any(word in text for word in KNOWN) or self._receipt(Intent(SIGNED, [record])) is not None:
            return
        if any(word in text for word in STALE) or "replacement" in text:
            # Another writer took this nonce (F19): `_wait` sees the intent as lost, `send` signs anew.
            return self.journal.close_intent(record.key, LOST, record)
        if any(word in text for word in UNDERPRICED):
            return  # stays under way until `_wait` raises its fee
        self.journal.close_intent(record.key, LOST, record)
        self._raise_node(error)

    def _signed(self, order: _Order, nonce: int, gas: int, fees: dict[str, int]) -> Record:
        transaction: dict[str, Any] = {
            "chainId": self.journal.chain_id,
            "nonce": nonce,
            "gas": gas,
            "value": order.value,
            "data": "0x" + order.data.hex(),
            **fees,
        }
        if order.to:
            transaction["to"] = order.to
        signed = self.account.sign_transaction(transaction)
        return Record(
            intent=order.intent,
            state=SIGNED,
            chain_id=self.journal.chain_id,
            sender=self.account.address,
            to=order.to,
            nonce=nonce,
            hash="0x" + bytes(signed.hash).hex(),
            raw="0x" + bytes(signed.raw_transaction).hex(),
            content=order.content,
        )

    def _estimate(self, order: _Order) -> int:
        """Gas limit with a margin: a neighbour's call may come in between and make this one dearer."""
        try:
            estimate = int(self.rpc.request("eth_estimateGas", [self._call(order), "pending"]), 16)
        except RpcError as error:
            if error.is_revert:
                raise self._decode(error) from None
            self._raise_node(error)
        return min(max(estimate * 3 // 2 + 30_000, estimate), max(GAS_CAP, estimate))

    def _next_nonce(self) -> int:
        """First nonce that neither the chain, the node's pool nor the journal has used."""
        where = self.account.address
        mined = int(self.rpc.request("eth_getTransactionCount", [where, "latest"]), 16)
        pool = int(self.rpc.request("eth_getTransactionCount", [where, "pending"]), 16)
        planned = [intent.newest.nonce + 1 for intent in self.journal.live()]
        return max([mined, pool, *planned])

    def _fees(self) -> dict[str, int]:
        base = self.rpc.request("eth_getBlockByNumber", ["latest", False]).get("baseFeePerGas")
        if base is None:
            return {"gasPrice": int(self.rpc.request("eth_gasPrice"), 16)}
        try:
            tip = int(self.rpc.request("eth_maxPriorityFeePerGas"), 16)
        except RpcError:
            tip = DEFAULT_TIP
        return {"maxFeePerGas": 2 * int(base, 16) + tip, "maxPriorityFeePerGas": tip}

    # ----- waiting -----

    def _wait(self, key: Key) -> dict[str, Any] | None:
        """The receipt, journalled; None if the nonce went to another transaction."""
        policy, start = self.policy, time.monotonic()
        pause, sent, bumped = policy.poll_s, start, start
        while True:
            intent = self.journal.intents[key]
            if intent.state == LOST:
                return None
            receipt = self._receipt(intent)
            if receipt is not None and self._deep(receipt):
                return self._settle(key, receipt)
            now = time.monotonic()
            if now - start > policy.timeout_s:
                what = f"{key[1]} not mined after {policy.timeout_s:.0f} s (tx {intent.newest.hash})"
                raise ChainError("E209", f"{what}; it is kept: run the same command again")
            if receipt is None and self._nonce_gone(intent):
                with self.journal.locked():
                    self.journal.close_intent(key, LOST, intent.newest)
                return None
            if receipt is None and now - bumped > policy.bump_after_s:
                bumped = sent = now
                self._bump(key)
            elif receipt is None and now - sent > policy.rebroadcast_s:
                sent = now
                self._rebroadcast(intent)
            time.sleep(pause)
            pause = min(pause * 1.5, policy.poll_max_s)

    def _settle(self, key: Key, receipt: dict[str, Any]) -> dict[str, Any]:
        fault("after_receipt", key[1])
        state = MINED if int(receipt["status"], 16) == 1 else FAILED
        with self.journal.locked():
            intent = self.journal.intents[key]
            if intent.state == SIGNED:
                winner = next(a for a in intent.attempts if a.hash == receipt["transactionHash"])
                self.journal.close_intent(key, state, winner, int(receipt["blockNumber"], 16))
        return receipt

    def _deep(self, receipt: dict[str, Any]) -> bool:
        if self.policy.confirmations == 0:
            return True
        head = int(self.rpc.request("eth_blockNumber"), 16)
        return head - int(receipt["blockNumber"], 16) >= self.policy.confirmations

    def _nonce_gone(self, intent: Intent) -> bool:
        """Whether another transaction with this nonce was mined. Receipts are read *after* the count."""
        count = int(self.rpc.request("eth_getTransactionCount", [self.account.address, "latest"]), 16)
        return count > intent.newest.nonce and self._receipt(intent) is None

    def _rebroadcast(self, intent: Intent) -> None:
        with suppress(RpcError):  # known, mined or stale: the wait loop finds out by hash and nonce
            self.rpc.request("eth_sendRawTransaction", [intent.newest.raw])
        fault("after_broadcast", intent.newest.intent)

    def _rebroadcast_all(self) -> None:
        """Fills gaps: a restarted node forgot its pool, and later nonces wait for earlier ones (F13, F19)."""
        for intent in self.journal.live():
            self._rebroadcast(intent)

    def _bump(self, key: Key) -> None:
        """Signs the same call with the same nonce and at least 12.5 % more fee; the intent stays the same."""
        with self.journal.locked():
            intent = self.journal.intents[key]
            if intent.state != SIGNED:
                return
            last, old = intent.newest, _unsigned(intent.newest.raw)
            fees = self._fees()
            if old is None or "gasPrice" in fees:
                return
            fees = {name: max(fee, -(-int(old[name]) * 9 // 8)) for name, fee in fees.items()}
            order = _Order(key[1], last.to, bytes(old["data"]), int(old["value"]))
            self._journal_and_broadcast(self._signed(order, last.nonce, int(old["gas"]), fees), is_bump=True)

    # ----- outcomes -----

    def _checked(self, receipt: dict[str, Any], order: _Order) -> dict[str, Any]:
        """The receipt if the call took effect; else the contract's reason, asked for once more."""
        if int(receipt["status"], 16) == 1:
            return receipt
        try:
            self.rpc.request("eth_call", [self._call(order), receipt["blockNumber"]])
        except RpcError as error:
            if error.is_revert:
                raise self._decode(error) from None
        raise RefusedError(
            "Reverted", {"tx": receipt["transactionHash"]}, "the state changed before it was mined"
        )

    def _call(self, order: _Order) -> dict[str, str]:
        call = {"from": self.account.address, "data": "0x" + order.data.hex(), "value": hex(order.value)}
        return {**call, "to": order.to} if order.to else call

    def _raise_node(self, error: RpcError) -> NoReturn:
        where = self.account.address
        if any(word in error.message.lower() for word in POOR):
            has = int(self.rpc.request("eth_getBalance", [where, "latest"]), 16)
            raise ChainError("E205", f"{where} has {has} wei, too little for value and gas; send coins there")
        raise ChainError("E209", f"{self.rpc.url} refused the transaction: {error.message}") from None


def _unsigned(raw: str) -> dict[str, Any] | None:
    """Fields of a signed transaction, to sign it with a higher fee; None without EIP-1559 fees."""
    payload = HexBytes(raw)
    if payload[0] != 2:
        return None
    return dict(TypedTransaction.from_bytes(payload).as_dict())
