"""Accounts under the last FINAL result, and what proves one to the contract: for claims out of a browser."""

from __future__ import annotations

from sqlalchemy import select

from market.claims import START_PROOF, AccountProof, Place, opening_from
from market.events import ResultPosted
from market.index import schema
from market.index.columns import table_of
from market.index.look import Look
from market.index.mirror import Row
from market.index.results import last_posts
from market.records import Account
from market.result_document import accounts_tree
from market.spec.state import Project

ACCOUNTS, META = table_of(schema.ResultAccounts), table_of(schema.Meta)
LEAF = 40


def final_accounts(look: Look, project: int, it: Project) -> list[Account] | None:
    """Accounts by seat under the last FINAL result; None before the first one and until its document is checked."""
    found = _final(look, project, it)
    return None if found is None else found[1]


def account_proof(look: Look, project: int, seat: int) -> tuple[int, AccountProof] | None:
    """(round, proof) of a seat's account; round 0 while nothing is FINAL, None until the accounts are known."""
    it = look.getters.record(project)
    if not it.last_final:
        return 0, START_PROOF
    found = _final(look, project, it)
    if found is None or seat >= it.params.seats:
        return None
    row, accounts = found
    meta = look.row(select(META)) or {}
    posted = ResultPosted(
        project, row["round"], row["poster"], row["commitment"], row["stands_at"], row["merged"], row["post"]
    )
    opening = opening_from(Place(meta["chain_id"], meta["market"]), posted)
    return row["round"], AccountProof(accounts[seat], opening, tuple(accounts_tree(accounts).proof(seat)))


def _final(look: Look, project: int, it: Project) -> tuple[Row, list[Account]] | None:
    last = it.last_final
    post = last_posts(look, project, [last]).get(last) if last else None
    if post is None:
        return None
    c = ACCOUNTS.c
    mine = c.project == project, c.round == last, c.attempt == post["attempt"]
    leaves = look.connection.execute(select(c.leaves).where(*mine)).scalar()
    return None if leaves is None else (post, _read(leaves))


def _read(leaves: bytes) -> list[Account]:
    """The inverse of `account_bytes`, for all seats."""
    cut = (leaves[at : at + LEAF] for at in range(0, len(leaves), LEAF))
    return [
        Account(
            int.from_bytes(leaf[:8], "big", signed=True),
            *(int.from_bytes(leaf[n : n + 16], "big") for n in (8, 24)),
        )
        for leaf in cut
    ]
