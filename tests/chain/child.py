"""A process of its own that pays: `python child.py URL JOURNAL_DIR RECIPIENT INTENT...`, one wei an intent.

The intent `-` is a payment without one.

Tests kill it at a fault point, or run two of them with one key.
"""

from __future__ import annotations

import sys
from pathlib import Path

from market.chain.codec import Interface
from market.chain.errors import decode_refusal
from market.chain.identity import chain_identity
from market.chain.journal import Journal, journal_path
from market.chain.rpc import Rpc
from market.chain.sender import Sender, SendPolicy
from market.devnet import dev_account

PAYER = 7
QUICK = SendPolicy(
    timeout_s=20, bump_after_s=10, rebroadcast_s=0.2, lost_after_s=0.2, poll_s=0.002, poll_max_s=0.05
)


def make_sender(url: str, folder: Path, policy: SendPolicy = QUICK, account: int = PAYER) -> Sender:
    """A sender with a journal in `folder`, as the gateway makes it."""
    rpc, signer = Rpc(url, pause_s=0.01), dev_account(account)
    chain_id, genesis = chain_identity(rpc)
    journal = Journal(journal_path(folder, chain_id, genesis, signer.address), chain_id, signer.address)
    return Sender(rpc, signer, journal, lambda error: decode_refusal(Interface([]), error), policy)


if __name__ == "__main__":
    url, folder, recipient, *intents = sys.argv[1:]
    sender = make_sender(url, Path(folder))
    for intent in intents:
        if intent == "-":
            sender.send_once("pay", recipient, b"", 1)
        else:
            sender.send(intent, recipient, b"", 1)
