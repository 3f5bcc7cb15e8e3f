"""Opening a result and proving an account under it: what `claim`, `leave` and `evict` need."""

from __future__ import annotations

from dataclasses import dataclass

from market.cid import cid_from_digest
from market.errors import VerificationError
from market.events import ResultPosted
from market.fetch import fetch_bytes
from market.ports import Store
from market.records import EMPTY_OPENING, START_ACCOUNT, Account, Opening
from market.result_document import MAX_BYTES, ResultDocument, checked_accounts, parse
from market.result_hash import commitment_of, context_hash, opening_of
from market.seals import seed_of


@dataclass(frozen=True)
class Place:
    """Where a market lives: what every hash is bound to."""

    chain_id: int
    market: str


@dataclass(frozen=True)
class AccountProof:
    """Arguments of `claim`, `leave` and `evict`."""

    account: Account
    opening: Opening
    proof: tuple[bytes, ...]


START_PROOF = AccountProof(START_ACCOUNT, EMPTY_OPENING, ())
"""While a project has no FINAL result, accounts are the start constants and need no proof."""


def opening_from(place: Place, posted: ResultPosted) -> Opening:
    """Opens a posted commitment. Raises VerificationError if the event does not hash to it (a lying node)."""
    post = posted.post
    context = context_hash(
        place.chain_id,
        place.market,
        posted.project,
        posted.round,
        post.prev_commitment,
        posted.poster,
        post.included,
        post.rows,
        seed_of(post.reveal_sum),
        post.paid,
    )
    opening = opening_of(context, post.roots)
    computed = commitment_of(opening)
    if computed != posted.commitment:
        where = f"round {posted.round}: commitment"
        raise VerificationError(where, f"0x{posted.commitment.hex()}", f"0x{computed.hex()}")
    return opening


def document_of(store: Store, posted: ResultPosted) -> ResultDocument:
    """The document of a posted result. Errors: those of `fetch_bytes`, DocumentError E185."""
    cid = cid_from_digest(posted.post.document_digest, MAX_BYTES)
    return parse(fetch_bytes(store, cid, MAX_BYTES))


def prove_account(store: Store, place: Place, posted: ResultPosted, seat: int, seats: int) -> AccountProof:
    """The account of a seat under a posted result, checked against the posted root.

    `seats`: the project's seat limit. Raises UpdateError E113 if the poster published other accounts than it
    committed to; then `aggregator verify` finds the right ones.
    """
    accounts, tree = checked_accounts(document_of(store, posted), posted.post.roots.accounts, seats)
    return AccountProof(accounts[seat], opening_from(place, posted), tuple(tree.proof(seat)))
