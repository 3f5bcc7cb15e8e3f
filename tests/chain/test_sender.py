"""A killed process neither loses nor repeats a transaction (threats F01-F04, F13, F15, F19-F21, F23)."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from eth_account import Account

from market.chain.faults import POINTS
from market.chain.journal import FAILED, LOST, MINED, SIGNED
from market.chain.sender import Sender
from market.devnet import Devnet, dev_account, start_devnet
from market.errors import ChainError, RefusedError
from tests.chain.child import PAYER, QUICK, make_sender
from tests.chain.faulty import faulty_node

pytestmark = pytest.mark.chain
PAYER_ADDRESS = dev_account(PAYER).address
REVERTER = "0x" + "fe" * 20
"""Gets code that reverts with the string it is called with."""


@pytest.fixture
def recipient() -> str:
    """An account that owns nothing: its balance counts the payments of one wei that took effect."""
    return str(Account.create().address)


@pytest.fixture
def sender(anvil: Devnet, tmp_path: Path) -> Sender:
    return make_sender(anvil.url, tmp_path)


def balance(anvil: Devnet, account: str) -> int:
    return int(anvil.request("eth_getBalance", account, "latest"), 16)


def nonce(anvil: Devnet) -> int:
    return int(anvil.request("eth_getTransactionCount", PAYER_ADDRESS, "latest"), 16)


def child(anvil: Devnet, folder: Path, recipient: str, *intents: str, fault: str = "") -> Any:
    words = [sys.executable, "-m", "tests.chain.child", anvil.url, str(folder), recipient, *intents]
    root = Path(__file__).resolve().parents[2]
    return subprocess.Popen(words, cwd=root, env=os.environ | {"FAIRTRAIN_FAULT": fault})


def foreign_payment(anvil: Devnet, at_nonce: int, recipient: str, fee: int = 10**11) -> str:
    """A transaction of the same key that our journal knows nothing of."""
    call: dict[str, Any] = {
        "chainId": anvil.chain_id,
        "nonce": at_nonce,
        "gas": 21_000,
        "to": recipient,
        "value": 1000,
    }
    signed = dev_account(PAYER).sign_transaction({**call, "maxFeePerGas": fee, "maxPriorityFeePerGas": fee})
    return str(anvil.request("eth_sendRawTransaction", "0x" + bytes(signed.raw_transaction).hex()))


class TestSend:
    def test_send_new_intent__mined_and_journalled(
        self, anvil: Devnet, sender: Sender, recipient: str
    ) -> None:
        receipt = sender.send("pay/1", recipient, b"", 1)

        assert balance(anvil, recipient) == 1
        intent = sender.journal.intents[recipient.lower(), "pay/1"]
        assert (intent.state, intent.newest.hash) == (MINED, receipt["transactionHash"])

    def test_send_same_intent_again__first_receipt_and_no_second_payment(
        self, anvil: Devnet, sender: Sender, tmp_path: Path, recipient: str
    ) -> None:
        first = sender.send("pay/1", recipient, b"", 1)
        restarted = make_sender(anvil.url, tmp_path)

        assert sender.send("pay/1", recipient, b"", 1) == first
        assert restarted.send("pay/1", recipient, b"", 1) == first
        assert balance(anvil, recipient) == 1

    def test_send_same_intent_with_other_content__refused(self, sender: Sender, recipient: str) -> None:
        sender.send("pay/1", recipient, b"", 1)
        with pytest.raises(ChainError, match=r"E209 intent pay/1 was sent with other content"):
            sender.send("pay/1", recipient, b"", 2)

    def test_send_same_intent_to_another_receiver__is_another_intent(
        self, sender: Sender, recipient: str
    ) -> None:
        sender.send("pay/1", recipient, b"", 1)
        sender.send("pay/1", PAYER_ADDRESS, b"", 1)
        assert len(sender.journal.intents) == 2

    def test_send_refused_by_contract__no_nonce_and_no_journal(self, anvil: Devnet, sender: Sender) -> None:
        anvil.request("anvil_setCode", REVERTER, "0x60006000fd")
        before = nonce(anvil)

        with pytest.raises(RefusedError, match="Reverted"):
            sender.send("call/1", REVERTER, b"1234")

        assert nonce(anvil) == before
        assert not sender.journal.intents

    def test_send_without_funds__e205_says_what_is_there(
        self, anvil: Devnet, tmp_path: Path, recipient: str
    ) -> None:
        anvil.request("anvil_setBalance", dev_account(8).address, hex(5))
        with pytest.raises(ChainError, match=r"E205 .* has 5 wei"):
            make_sender(anvil.url, tmp_path, account=8).send("pay/1", recipient, b"", 1)

    def test_send_reverted_when_mined__refused_with_reason_and_may_be_tried_again(
        self, anvil: Devnet, sender: Sender
    ) -> None:
        order = threading.Thread(target=_expect_refusal, args=(sender,))
        anvil.request("evm_setAutomine", False)
        order.start()
        _await_pool(anvil, 1)
        anvil.request("anvil_setCode", REVERTER, "0x60006000fd")  # changes between estimate and mining
        anvil.request("evm_mine")
        order.join()
        anvil.request("evm_setAutomine", True)
        anvil.request("anvil_setCode", REVERTER, "0x00")

        assert sender.journal.intents[REVERTER, "call/1"].state == FAILED
        assert int(sender.send("call/1", REVERTER, b"1234")["status"], 16) == 1


def _expect_refusal(sender: Sender) -> None:
    with pytest.raises(RefusedError, match="Reverted"):
        sender.send("call/1", REVERTER, b"1234")


def _await(is_so: Callable[[], bool]) -> None:
    until = time.monotonic() + 10
    while not is_so():
        assert time.monotonic() < until, "waited in vain"


def _await_pool(anvil: Devnet, count: int) -> None:
    _await(lambda: int(anvil.request("txpool_status")["pending"], 16) >= count)


class TestCrash:
    @pytest.mark.parametrize("point", POINTS)
    def test_send_killed_at_each_point__rerun_pays_exactly_once(
        self, anvil: Devnet, tmp_path: Path, recipient: str, point: str
    ) -> None:
        killed = child(anvil, tmp_path, recipient, "pay/1", fault=f"{point}@pay/")
        assert killed.wait(60) == 9
        written = [line for file in tmp_path.glob("*.jsonl") for line in file.read_text().splitlines()]
        assert len(written) == (0 if point == "before_journal" else 1)

        sender = make_sender(anvil.url, tmp_path)
        kept = [intent.newest.hash for intent in sender.journal.live()]
        receipt = sender.send("pay/1", recipient, b"", 1)

        assert balance(anvil, recipient) == 1
        assert nonce(anvil) == 1
        assert kept in ([], [receipt["transactionHash"]]), "the same signed bytes"

    def test_fault_at_other_intent__does_not_kill(
        self, anvil: Devnet, tmp_path: Path, recipient: str
    ) -> None:
        unhurt = child(anvil, tmp_path, recipient, "pay/1", fault="after_journal@seal/")
        assert unhurt.wait(60) == 0

    def test_resume_after_crash__finishes_what_was_signed(
        self, anvil: Devnet, tmp_path: Path, recipient: str
    ) -> None:
        assert child(anvil, tmp_path, recipient, "pay/1", "pay/2", fault="after_journal@pay/2").wait(60) == 9
        assert balance(anvil, recipient) == 1

        receipts = make_sender(anvil.url, tmp_path).resume()

        assert len(receipts) == 1
        assert balance(anvil, recipient) == 2
        assert make_sender(anvil.url, tmp_path).resume() == []

    def test_send_from_two_processes_with_one_key__all_paid_once_without_gaps(
        self, anvil: Devnet, tmp_path: Path, recipient: str
    ) -> None:
        own = [[f"pay/{who}/{i}" for i in range(6)] + ["pay/both"] for who in "ab"]
        running = [child(anvil, tmp_path, recipient, *intents) for intents in own]
        assert [process.wait(60) for process in running] == [0, 0]

        assert balance(anvil, recipient) == 13
        assert nonce(anvil) == 13


class TestSendOnce:
    def test_send_once_twice__two_payments(self, anvil: Devnet, sender: Sender, recipient: str) -> None:
        for _ in range(2):
            sender.send_once("pay", recipient, b"", 1)
        assert balance(anvil, recipient) == 2
        assert list((sender.journal.path or Path()).parent.joinpath("running").iterdir()) == []

    @pytest.mark.parametrize("point", POINTS[1:])
    def test_send_once_after_kill__repeating_the_command_pays_once(
        self, anvil: Devnet, tmp_path: Path, recipient: str, point: str
    ) -> None:
        assert child(anvil, tmp_path, recipient, "-", fault=point).wait(60) == 9

        sender = make_sender(anvil.url, tmp_path)
        sender.send_once("pay", recipient, b"", 1)

        assert (balance(anvil, recipient), nonce(anvil)) == (1, 1)
        sender.send_once("pay", recipient, b"", 1)
        assert balance(anvil, recipient) == 2

    def test_send_once_other_call_after_kill__both_take_effect(
        self, anvil: Devnet, tmp_path: Path, recipient: str
    ) -> None:
        assert child(anvil, tmp_path, recipient, "-", fault="after_journal").wait(60) == 9
        make_sender(anvil.url, tmp_path).send_once("pay", recipient, b"", 2)
        assert balance(anvil, recipient) == 3

    def test_send_once_while_the_same_call_is_under_way__both_take_effect(
        self, anvil: Devnet, tmp_path: Path, recipient: str
    ) -> None:
        anvil.request("evm_setAutomine", False)
        senders = [make_sender(anvil.url, tmp_path) for _ in range(2)]
        paying = [threading.Thread(target=s.send_once, args=("pay", recipient, b"", 1)) for s in senders]
        for thread, count in zip(paying, (1, 2), strict=True):
            thread.start()
            _await_pool(anvil, count)
        anvil.request("evm_mine")
        for thread in paying:
            thread.join()
        assert balance(anvil, recipient) == 2


class TestLostConnection:
    def test_send_answer_lost_after_accept__no_second_transaction(
        self, anvil: Devnet, tmp_path: Path, recipient: str
    ) -> None:
        with faulty_node(anvil.url) as node:
            node.only, node.plan = "eth_sendRawTransaction", ["drop after"] * 2 + ["html"]
            make_sender(node.url, tmp_path).send("pay/1", recipient, b"", 1)

        assert (balance(anvil, recipient), nonce(anvil)) == (1, 1)

    def test_send_broadcast_never_answered__same_bytes_rebroadcast(
        self, anvil: Devnet, tmp_path: Path, recipient: str
    ) -> None:
        with faulty_node(anvil.url) as node:
            node.only, node.plan = "eth_sendRawTransaction", ["drop"] * 4  # all attempts of the transport
            sender = make_sender(node.url, tmp_path)
            sender.send("pay/1", recipient, b"", 1)

        assert len(sender.journal.intents[recipient.lower(), "pay/1"].attempts) == 1
        assert (balance(anvil, recipient), nonce(anvil)) == (1, 1)

    def test_send_node_forgets_its_pool__rerun_sends_the_same_hash(
        self, anvil: Devnet, tmp_path: Path, recipient: str
    ) -> None:
        anvil.request("evm_setAutomine", False)
        impatient = make_sender(anvil.url, tmp_path, replace(QUICK, timeout_s=0.1))
        with pytest.raises(ChainError, match=r"E209 pay/1 not mined .* run the same command again"):
            impatient.send("pay/1", recipient, b"", 1)
        kept = impatient.journal.live()[0].newest.hash
        anvil.request("anvil_dropTransaction", kept)
        anvil.request("evm_setAutomine", True)

        receipt = make_sender(anvil.url, tmp_path).send("pay/1", recipient, b"", 1)

        assert receipt["transactionHash"] == kept
        assert balance(anvil, recipient) == 1

    def test_send_after_gap__earlier_transaction_is_rebroadcast_first(
        self, anvil: Devnet, tmp_path: Path, recipient: str
    ) -> None:
        assert child(anvil, tmp_path, recipient, "pay/1", fault="after_journal").wait(60) == 9

        make_sender(anvil.url, tmp_path).send("pay/2", recipient, b"", 1)

        assert (balance(anvil, recipient), nonce(anvil)) == (2, 2)


class TestNonce:
    def test_send_nonce_taken_by_other_program__signed_anew_and_paid_once(
        self, anvil: Devnet, tmp_path: Path, recipient: str
    ) -> None:
        assert child(anvil, tmp_path, recipient, "pay/1", fault="after_journal").wait(60) == 9
        foreign_payment(anvil, 0, recipient)

        sender = make_sender(anvil.url, tmp_path)
        sender.send("pay/1", recipient, b"", 1)

        assert balance(anvil, recipient) == 1001
        assert nonce(anvil) == 2
        states = [LOST in line for line in (sender.journal.path or Path()).read_text().splitlines()]
        assert states == [False, True, False, False]

    def test_send_foreign_transaction_in_pool__next_nonce_is_used(
        self, anvil: Devnet, sender: Sender, recipient: str
    ) -> None:
        anvil.request("evm_setAutomine", False)
        foreign_payment(anvil, 0, recipient)
        paying = threading.Thread(target=sender.send, args=("pay/1", recipient, b"", 1))
        paying.start()
        _await_pool(anvil, 2)
        anvil.request("evm_mine")
        paying.join()
        anvil.request("evm_setAutomine", True)

        assert balance(anvil, recipient) == 1001

    def test_send_base_fee_above_offer__fee_bumped_under_the_same_intent(
        self, tmp_path: Path, recipient: str
    ) -> None:
        with start_devnet() as anvil:  # its own: anvil does not undo a base fee
            sender = make_sender(anvil.url, tmp_path, replace(QUICK, bump_after_s=0.1))
            anvil.request("evm_setAutomine", False)
            paying = threading.Thread(target=sender.send, args=("pay/1", recipient, b"", 1))
            paying.start()
            _await_pool(anvil, 1)
            anvil.request("anvil_setNextBlockBaseFeePerGas", hex(10**10))
            anvil.request("evm_mine")  # the offer is too low by now
            anvil.request("evm_setAutomine", True)
            paying.join()

            intent = sender.journal.intents[recipient.lower(), "pay/1"]
            assert intent.state == MINED
            assert len(intent.attempts) > 1
            assert {attempt.nonce for attempt in intent.attempts} == {0}
            assert (balance(anvil, recipient), nonce(anvil)) == (1, 1)


class TestReorganisation:
    def test_send_mined_then_reorganised_away__same_bytes_sent_again(
        self, anvil: Devnet, sender: Sender, recipient: str
    ) -> None:
        snapshot = anvil.snapshot()
        first = sender.send("pay/1", recipient, b"", 1)
        anvil.revert(snapshot)
        assert balance(anvil, recipient) == 0

        second = sender.send("pay/1", recipient, b"", 1)

        assert second["transactionHash"] == first["transactionHash"]
        assert balance(anvil, recipient) == 1

    def test_send_with_confirmations__waits_for_blocks_on_top(
        self, anvil: Devnet, tmp_path: Path, recipient: str
    ) -> None:
        sender = make_sender(anvil.url, tmp_path, replace(QUICK, confirmations=2))
        paying = threading.Thread(target=sender.send, args=("pay/1", recipient, b"", 1))
        paying.start()
        _await(lambda: balance(anvil, recipient) == 1)
        assert sender.journal.intents[recipient.lower(), "pay/1"].state == SIGNED
        anvil.request("anvil_mine", hex(2))
        paying.join()
        assert sender.journal.intents[recipient.lower(), "pay/1"].state == MINED
