"""Sends transactions so that a killed process neither loses nor repeats one.

Order of one intent: simulate (a refusal costs no nonce) -> ask a second node, if there is one -> choose the nonce
-> sign -> journal and fsync -> broadcast -> wait for the receipt by hash -> journal the outcome. Everything from
the nonce to the broadcast happens under the key's file lock, so two processes with one key take turns.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, NoReturn

from eth_account.signers.local import LocalAccount

from market.chain.errors import RpcError
from market.chain.faults import fault
from market.chain.journal import FAILED, LOST, MINED, SIGNED, Intent, Journal, Key, Record
from market.chain.rpc import Rpc
from market.chain.signing import Order, current_fees, sign_bumped, sign_order, with_margin
from market.errors import ChainError, RefusedError

SIGNINGS = 8
"""So often may one call of `send` lose its nonce to another program with the same key."""

TAKEN = (
    *("already known", "already imported", "known transaction", "already exists"),  # the node has it
    *("nonce too low", "correct nonce", "invalid nonce", "replacement"),  # it, or another one, has the nonce
    *("underpriced", "less than block base fee", "fee too low", "max fee per gas"),  # waits for a higher fee
)
"""Answers to a broadcast that settle by waiting: receipts, the account's nonce and fee bumps tell the rest."""
POOR = ("insufficient funds", "not enough funds", "enough balance")

Check = Callable[[dict[str, str]], None]
"""Called with the arguments of eth_call before they are signed; raises to have nothing signed."""


def unchecked(_: dict[str, str]) -> None:
    """Where one node is believed."""


@dataclass(frozen=True)
class SendPolicy:
    """Patience of the sender. Times in seconds; `confirmations` counts blocks on top of the receipt's."""

    timeout_s: float = 180.0
    bump_after_s: float = 30.0
    rebroadcast_s: float = 5.0
    lost_after_s: float = 3.0
    """how long the nonce must be used and no receipt be found: nodes behind one URL may lag"""
    poll_s: float = 0.02
    poll_max_s: float = 1.0
    confirmations: int = 0


class Sender:
    """Signs with one key on one chain. `decode` turns a revert into the contract's error."""

    def __init__(
        self,
        rpc: Rpc,
        account: LocalAccount,
        journal: Journal,
        decode: Callable[[RpcError], RefusedError],
        policy: SendPolicy | None = None,
        check: Check = unchecked,
    ) -> None:
        self.rpc = rpc
        self.account = account
        self.journal = journal
        self.policy = policy or SendPolicy()
        self._decode = decode
        self._check = check

    def send(self, intent: str, to: str, data: bytes, value: int = 0) -> dict[str, Any]:
        """The receipt of `intent`, sent now, earlier, or by a process that was killed meanwhile.

        `to` is empty for a deployment. An intent that is mined is never sent again, whatever its age; one
        that failed or lost its nonce is tried anew. RefusedError if the contract refuses (nothing is signed
        then), ChainError E205 (funds), E206 (node), E209 (not mined in time, other content under the intent).
        """
        order = Order(intent, to, data, value)
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
        what = f"{intent}: another program keeps taking the nonces of {self.account.address}"
        raise ChainError("E209", f"{what}; stop it")

    def send_once(self, name: str, to: str, data: bytes, value: int = 0) -> dict[str, Any]:
        """The receipt of a call without an intent: repeated calls are sent again, interrupted ones finished."""
        content = Order(name, to, data, value).content
        with self.journal.once(name, to, content) as intent:
            return self.send(intent, to, data, value)

    def resume(self) -> list[dict[str, Any]]:
        """After a restart: rebroadcasts what may be lost and waits for it; receipts in order of nonce."""
        with self.journal.locked():
            self._rebroadcast_all()
            keys = [intent.newest.key for intent in self.journal.live()]
        return [receipt for receipt in map(self._wait, keys) if receipt is not None]

    # ----- what is known of an intent -----

    def _known(self, order: Order) -> Intent | None:
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

    # ----- sending -----

    def _sign_and_broadcast(self, order: Order) -> None:
        call = order.call_from(self.account.address)
        try:
            gas = with_margin(int(self.rpc.request("eth_estimateGas", [call, "pending"]), 16))
        except RpcError as error:
            if error.is_revert:
                raise self._decode(error) from None
            self._raise_node(error)
        self._check(call)
        nonce, fees = self._next_nonce(), current_fees(self.rpc)
        self._journal_and_broadcast(sign_order(self.account, self.journal.chain_id, order, nonce, gas, fees))

    def _next_nonce(self) -> int:
        """First nonce that neither the chain, the node's pool nor the journal has used."""
        counts = [self._count("latest"), self._count("pending")]
        return max(counts + [intent.newest.nonce + 1 for intent in self.journal.live()])

    def _count(self, block: str) -> int:
        return int(self.rpc.request("eth_getTransactionCount", [self.account.address, block]), 16)

    def _journal_and_broadcast(self, record: Record, is_bump: bool = False) -> None:
        fault("before_journal", record.intent)
        self.journal.append(record)
        fault("after_journal", record.intent)
        try:
            self.rpc.request("eth_sendRawTransaction", [record.raw])
        except RpcError as error:
            if not is_bump and not any(word in error.message.lower() for word in TAKEN):
                self.journal.close_intent(record.key, LOST, record)  # refused for good: its nonce stays free
                self._raise_node(error)
        except ChainError:
            pass  # a time-out may hide an accepted transaction: it is looked up by hash, never signed anew
        fault("after_broadcast", record.intent)

    def _rebroadcast(self, intent: Intent) -> None:
        with suppress(RpcError):  # known, mined or stale: the wait loop finds out by hash and nonce
            self.rpc.request("eth_sendRawTransaction", [intent.newest.raw])
        fault("after_broadcast", intent.newest.intent)

    def _rebroadcast_all(self) -> None:
        """Fills gaps: a restarted node forgot its pool, and later nonces wait for earlier ones (F13, F19)."""
        for intent in self.journal.live():
            self._rebroadcast(intent)

    def _bump(self, key: Key) -> None:
        """A higher fee for a transaction that nobody mines; the intent and the nonce stay the same (F21)."""
        with self.journal.locked():
            intent = self.journal.intents[key]
            if intent.state == SIGNED and self._receipt(intent) is None:
                record = sign_bumped(self.account, intent.newest, current_fees(self.rpc))
                if record is not None:
                    self._journal_and_broadcast(record, is_bump=True)

    # ----- waiting -----

    def _wait(self, key: Key) -> dict[str, Any] | None:
        """The receipt, journalled; None if the nonce went to another transaction."""
        policy, start = self.policy, time.monotonic()
        pause, sent, bumped, held = policy.poll_s, start, start, start
        while True:
            intent = self.journal.intents[key]
            if intent.state == LOST:
                return None
            receipt = self._receipt(intent)
            if receipt is not None and self._is_deep(receipt):
                return self._settle(key, receipt)
            now = time.monotonic()
            if now - start > policy.timeout_s:
                what = f"{key[1]} not mined after {policy.timeout_s:.0f} s (tx {intent.newest.hash})"
                raise ChainError("E209", f"{what}; it is kept: run the same command again")
            if receipt is not None or self._count("latest") <= intent.newest.nonce:
                held = now
            elif now - held > policy.lost_after_s:
                self._lose(key, intent.newest)
            if receipt is None and now - bumped > policy.bump_after_s:
                bumped = sent = now
                self._bump(key)
            elif receipt is None and now - sent > policy.rebroadcast_s:
                sent = now
                self._rebroadcast(intent)
            time.sleep(pause)
            pause = min(pause * 1.5, policy.poll_max_s)

    def _lose(self, key: Key, attempt: Record) -> None:
        """The nonce of `attempt` is used and no attempt has a receipt: another transaction took it (F19)."""
        with self.journal.locked():
            intent = self.journal.intents[key]  # another process may have signed anew meanwhile
            if intent.state == SIGNED and intent.newest == attempt and self._receipt(intent) is None:
                self.journal.close_intent(key, LOST, attempt)

    def _settle(self, key: Key, receipt: dict[str, Any]) -> dict[str, Any]:
        fault("after_receipt", key[1])
        state = MINED if int(receipt["status"], 16) == 1 else FAILED
        with self.journal.locked():
            intent = self.journal.intents[key]
            winner = [a for a in intent.attempts if a.hash == receipt["transactionHash"]]
            if intent.state == SIGNED and winner:
                self.journal.close_intent(key, state, winner[0], int(receipt["blockNumber"], 16))
        return receipt

    def _is_deep(self, receipt: dict[str, Any]) -> bool:
        if self.policy.confirmations == 0:
            return True
        head = int(self.rpc.request("eth_blockNumber"), 16)
        return head - int(receipt["blockNumber"], 16) >= self.policy.confirmations

    # ----- outcomes -----

    def _checked(self, receipt: dict[str, Any], order: Order) -> dict[str, Any]:
        """The receipt if the call took effect; else the contract's reason, asked for once more."""
        if int(receipt["status"], 16) == 1:
            return receipt
        try:
            self.rpc.request("eth_call", [order.call_from(self.account.address), receipt["blockNumber"]])
        except RpcError as error:
            if error.is_revert:
                raise self._decode(error) from None
        where = {"tx": receipt["transactionHash"]}
        raise RefusedError("Reverted", where, "the state changed before it was mined")

    def _raise_node(self, error: RpcError) -> NoReturn:
        where = self.account.address
        if any(word in error.message.lower() for word in POOR):
            has = int(self.rpc.request("eth_getBalance", [where, "latest"]), 16)
            raise ChainError("E205", f"{where} has {has} wei, too little for value and gas; send coins there")
        raise ChainError("E209", f"{self.rpc.url} refused the transaction: {error.message}") from None
