"""Opening what was posted: the same three words as the contract's, and no word of a changed event believed."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from sample_events import MARKET, POSTER, PROJECT, post, word

from market.cid import digest
from market.claims import START_PROOF, Place, document_of, opening_from, prove_account
from market.errors import DocumentError, UnavailableError, UpdateError, VerificationError
from market.events import ResultPosted
from market.merkle import leaf_hash, verify
from market.params import MINIMAL
from market.records import START_ACCOUNT, Account
from market.result_document import ResultDocument, SeatAccount, account_bytes, accounts_tree
from market.result_hash import commitment_of
from market.spec.post import commitment_for
from market.spec.state import State
from market.store.folder import FolderStore

PLACE = Place(31_337, MARKET)
ACCOUNTS = [Account(9_000, 500, 0), START_ACCOUNT, START_ACCOUNT, Account(100, 0, 7)]


def event(**changes: object) -> ResultPosted:
    """A post with the commitment that the specification (and so the contract) stores for it."""
    made = post(**changes)
    state = State(PLACE.chain_id, PLACE.market, MINIMAL.limits)
    return ResultPosted(PROJECT, 2, POSTER, commitment_for(state, PROJECT, 2, made, POSTER), 30, True, made)


def document(accounts: list[Account] = ACCOUNTS) -> ResultDocument:
    entries = [SeatAccount(reputation=a.reputation, pay=str(a.pay), penalty=str(a.penalty)) for a in accounts]
    return ResultDocument(
        version=1,
        project=PROJECT,
        round=2,
        poster=POSTER,
        paid="9000",
        delta="",
        model="",
        seats=(),
        accounts=tuple(entries),
    )


def published(store: FolderStore, data: bytes, root: bytes | None = None) -> ResultPosted:
    """A result whose document is `data` and whose accounts are ACCOUNTS."""
    roots = replace(post().roots, accounts=root or accounts_tree(ACCOUNTS).root)
    return event(document_digest=digest(store.put(data)), roots=roots)


@pytest.fixture
def store(tmp_path: Path) -> FolderStore:
    return FolderStore(tmp_path)


# ----- opening -----


def test_opening_from_event__hashes_to_the_commitment_of_the_specification() -> None:
    posted = event()

    opening = opening_from(PLACE, posted)

    assert commitment_of(opening) == posted.commitment
    assert opening.accounts == posted.post.roots.accounts


ROOTS = post().roots
CHANGES = {
    "paid": {"paid": 9_001},
    "seed": {"reveal_sum": 6},
    "prev": {"prev_commitment": word("other")},
    "included": {"included": (7,)},
    "rows": {"rows": (1, 0, 0)},
    **{name: {"roots": replace(ROOTS, **{name: word("other")})} for name in ROOTS.__dataclass_fields__},
}


@pytest.mark.parametrize("name", CHANGES)
def test_opening_from_changed_event__names_both_commitments(name: str) -> None:
    honest = event()
    lie = replace(honest, post=replace(honest.post, **CHANGES[name]))  # type: ignore[arg-type]

    with pytest.raises(VerificationError, match="E301 round 2: commitment") as refusal:
        opening_from(PLACE, lie)

    assert refusal.value.posted == f"0x{honest.commitment.hex()}"


@pytest.mark.parametrize(
    "lie",
    [
        {"project": PROJECT + 1},
        {"round": 3},
        {"poster": "0x" + "0c" * 20},
        {"commitment": word("other")},
    ],
)
def test_opening_from_event_about_something_else__refused(lie: dict[str, object]) -> None:
    with pytest.raises(VerificationError):
        opening_from(PLACE, replace(event(), **lie))  # type: ignore[arg-type]


@pytest.mark.parametrize("place", [Place(1, MARKET), Place(31_337, "0x" + "5b" * 20)])
def test_opening_from_another_place__refused(place: Place) -> None:
    with pytest.raises(VerificationError):
        opening_from(place, event())


def test_opening_from_event_with_other_digests__opens_since_they_are_not_committed() -> None:
    honest = event()
    moved = replace(honest, post=replace(honest.post, document_digest=word("elsewhere")))

    assert opening_from(PLACE, moved) == opening_from(PLACE, honest)


# ----- accounts -----


def test_prove_account__leaf_and_proof_lead_to_the_posted_root(store: FolderStore) -> None:
    posted = published(store, document().to_bytes())

    for seat, account in enumerate(ACCOUNTS):
        proof = prove_account(store, PLACE, posted, seat, 4)
        assert proof.account == account
        leaf = leaf_hash(seat, account_bytes(account))
        assert verify(posted.post.roots.accounts, 2, seat, leaf, proof.proof)


def test_start_proof__is_empty_and_about_the_start_account() -> None:
    assert START_PROOF.account == START_ACCOUNT
    assert START_PROOF.proof == ()


def test_prove_account_forged_pay__refused_e113(store: FolderStore) -> None:
    forged = document([replace(ACCOUNTS[0], pay=501), *ACCOUNTS[1:]])

    with pytest.raises(UpdateError, match="E113"):
        prove_account(store, PLACE, published(store, forged.to_bytes()), 0, 4)


def test_prove_account_document_of_fewer_seats__refused_e113(store: FolderStore) -> None:
    with pytest.raises(UpdateError, match="E113 accounts: got 4 seats, expected 5"):
        prove_account(store, PLACE, published(store, document().to_bytes()), 0, 5)


def test_prove_account_lying_node__refused_after_the_document(store: FolderStore) -> None:
    posted = replace(published(store, document().to_bytes()), commitment=word("other"))

    with pytest.raises(VerificationError):
        prove_account(store, PLACE, posted, 0, 4)


def test_document_of_rubbish__refused_e185(store: FolderStore) -> None:
    with pytest.raises(DocumentError, match=r"E185"):
        document_of(store, published(store, b"not a document"))


def test_document_of_hidden_document__unavailable(store: FolderStore) -> None:
    with pytest.raises(UnavailableError, match="E143"):
        document_of(store, event(document_digest=word("nobody has it")))
