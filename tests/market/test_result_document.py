"""The result document: canonical, bounded, and refused line by line when a stranger wrote it."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from market.errors import DocumentError, UpdateError
from market.merkle import leaf_hash, verify
from market.records import START_ACCOUNT, Account
from market.result_document import (
    MAX_BYTES,
    ResultDocument,
    SeatAccount,
    SeatResult,
    account_bytes,
    accounts_tree,
    checked_accounts,
    parse,
)

ADDRESS = "0x" + "0b" * 20
CID = "bafkreigh2akiscaildcqabsyg3dfr6chu3fgpregiymsck7e7aqa4s52zy"
ACCOUNTS = [Account(8_192 + seat, 10**18 * seat, seat) for seat in range(5)]


def document(accounts: list[Account] = ACCOUNTS, seats: tuple[SeatResult, ...] = ()) -> ResultDocument:
    return ResultDocument(
        version=1,
        project=3,
        round=9,
        poster=ADDRESS,
        paid="9900",
        delta=CID,
        model=CID,
        seats=seats,
        accounts=tuple(
            SeatAccount(reputation=a.reputation, pay=str(a.pay), penalty=str(a.penalty)) for a in accounts
        ),
    )


def changed(**parts: Any) -> bytes:
    """A document with some parts replaced, without asking the model."""
    return json.dumps(json.loads(document().to_bytes()) | parts).encode()


def with_account(**parts: Any) -> bytes:
    return changed(accounts=[{"reputation": 1, "pay": "1", "penalty": "0"} | parts])


def with_seat(**parts: Any) -> bytes:
    return changed(seats=[{"seat": 0, "verdict": "honest"} | parts])


# ----- round trip -----


def test_parse_to_bytes__round_trip_and_canonical() -> None:
    seat = SeatResult(
        seat=4, verdict="unreliable", reason="zero update", weight=65_535, agreement=-7, pay="12"
    )
    made = document(seats=(seat,))

    read = parse(made.to_bytes())

    assert read == made
    assert read.to_bytes() == made.to_bytes()
    assert read.account_list() == ACCOUNTS


def test_weights__included_seats_only() -> None:
    verdicts = ("honest", "left out", "absent", "malicious", "unreliable")
    seats = tuple(SeatResult(seat=i, verdict=verdict, weight=10 + i) for i, verdict in enumerate(verdicts))

    assert document(seats=seats).weights() == {0: 10, 3: 13, 4: 14}


@pytest.mark.parametrize(
    ("verdict", "reason"), [("honest", ""), ("unreliable", "does not agree with the others")]
)
def test_to_bytes_of_1024_seats__fits_one_block(verdict: Any, reason: str) -> None:
    pay = 10**21  # a thousand ETH in wei
    seat = SeatResult(
        seat=1_023,
        verdict=verdict,
        reason=reason,
        weight=65_535,
        agreement=-16_384,
        novelty=65_536,
        score=str(10**12),
        pay=str(pay),
    )

    assert len(document([Account(16_384, pay, 0)] * 1_024, (seat,) * 1_024).to_bytes()) < MAX_BYTES == 262_144


# ----- hostile input -----

HOSTILE = {
    "empty": b"",
    "not JSON": b"\x80\x04pickle",
    "not UTF-8": b'{"version": "\xff"}',
    "a list": b"[]",
    "deep": b"[" * 10_000 + b"]" * 10_000,
    "version 2": changed(version=2),
    "text for a number": changed(round="9"),
    "number for text": changed(paid=9900),
    "unknown key": changed(extra=1),
    "missing key": json.dumps({"version": 1}).encode(),
    "negative pay": with_account(pay="-1"),
    "leading zero": with_account(pay="01"),
    "plus sign": with_account(pay="+1"),
    "exponent": with_account(pay="1e9"),
    "other digits": with_account(pay="\u0661"),
    "trailing newline": with_account(pay="1\n"),
    "pay of 2^128": with_account(pay=str(1 << 128)),
    "penalty of 77 digits": with_account(penalty="9" * 77),
    "reputation of 2^63": with_account(reputation=1 << 63),
    "reputation below -2^63": with_account(reputation=-(1 << 63) - 1),
    "fractional reputation": with_account(reputation=0.5),
    "seat 1024": with_seat(seat=1024),
    "seat -1": with_seat(seat=-1),
    "unknown verdict": with_seat(verdict="great"),
    "weight above Q16": with_seat(weight=65_536),
    "endless reason": with_seat(reason="x" * 401),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_parse_hostile__refused_e185_in_one_printable_line(name: str) -> None:
    with pytest.raises(DocumentError, match=r"^E185 ") as refusal:
        parse(HOSTILE[name])

    assert str(refusal.value).isprintable()


def test_parse_key_with_control_characters__does_not_reach_the_terminal() -> None:
    with pytest.raises(DocumentError) as refusal:
        parse(changed(**{"\x1b[2J\nE000 all is well": 1}))

    assert str(refusal.value).isprintable()


@pytest.mark.parametrize(("padding", "code"), [(0, None), (1, "E185")])
def test_parse_around_the_largest_size(padding: int, code: str | None) -> None:
    data = document().to_bytes()
    data += b" " * (MAX_BYTES - len(data) + padding)

    if code is None:
        assert parse(data) == document()
    else:
        with pytest.raises(DocumentError, match=f"E185 .*{MAX_BYTES + 1} bytes, at most {MAX_BYTES}"):
            parse(data)


@pytest.mark.parametrize(
    "account", [Account(-(1 << 63), (1 << 128) - 1, 0), Account((1 << 63) - 1, 0, (1 << 128) - 1)]
)
def test_parse_account_at_the_limits__its_leaf_has_40_bytes(account: Account) -> None:
    read = parse(document([account]).to_bytes()).account_list()[0]

    assert read == account
    assert len(account_bytes(read)) == 40


# ----- accounts -----


def test_checked_accounts__proofs_open_the_posted_root() -> None:
    root = accounts_tree(ACCOUNTS).root

    accounts, tree = checked_accounts(document(), root, 5)

    for seat, account in enumerate(accounts):
        leaf = leaf_hash(seat, account_bytes(account))
        assert verify(root, 3, seat, leaf, tree.proof(seat))


def test_checked_accounts_one_wei_more__refused_e113() -> None:
    root = accounts_tree(ACCOUNTS).root
    forged = [*ACCOUNTS[:4], replace(ACCOUNTS[4], pay=ACCOUNTS[4].pay + 1)]

    with pytest.raises(UpdateError, match=r"E113 accounts: document has root 0x[0-9a-f]{64}, posted 0x"):
        checked_accounts(document(forged), root, 5)


@pytest.mark.parametrize("count", [4, 6])
def test_checked_accounts_wrong_number_of_seats__refused_e113(count: int) -> None:
    accounts = [START_ACCOUNT] * count

    with pytest.raises(UpdateError, match=f"E113 accounts: got {count} seats, expected 5"):
        checked_accounts(document(accounts), accounts_tree(accounts).root, 5)
