"""Results that were posted: what their posters know of them, and can show."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from market.merkle import Tree as MerkleTree
from market.merkle import depth_for
from market.records import (
    EMPTY_OPENING,
    START_ACCOUNT,
    Account,
    Opening,
    Post,
)
from market.refutation import Ask, Check, Refutation
from market.refutation import Tree as RefutedTree
from market.result_hash import context_hash, opening_of
from market.seals import seed_of
from market.spec.exits import account_bytes, account_leaf
from market.units import ZERO32


@dataclass(frozen=True)
class Claim:
    """Arguments of `claim`, `leave` and `evict` after the seat."""

    account: Account
    opening: Opening
    proof: tuple[bytes, ...]

    @property
    def args(self) -> tuple[Any, ...]:
        """In the order of the contract."""
        return self.account, self.opening, list(self.proof)


START_CLAIM = Claim(START_ACCOUNT, EMPTY_OPENING, ())


@dataclass
class Posted:
    """What a poster knows of its result."""

    round: int
    poster: str
    post: Post
    accounts: list[Account]

    def refutation(self, check: Check, at: tuple[int, int, int], evidence: bytes) -> Refutation:
        """A refutation of one number with the preimage of this result."""
        post = self.post
        return Refutation(check, *at, post.included, post.rows, post.roots, (), evidence)

    def ask(self, tree: RefutedTree, level: int, index: int, row: int = 0) -> Ask:
        """A question about one place of this result."""
        post = self.post
        return Ask(tree, row, level, index, post.included, post.rows, post.roots, ())

    def answer(self, level: int, index: int) -> bytes:
        """The answer to an ask about its accounts, the one tree that is genuine here."""
        accounts = accounts_tree(self.accounts)
        if level == 0:
            return account_bytes(self.accounts[index]) + b"".join(accounts.proof(index))
        first = index << level
        leaves = [account_leaf(seat, account) for seat, account in enumerate(self.accounts)]
        leaves += [ZERO32] * ((1 << accounts.depth) - len(leaves))
        path = accounts.proof(first)[level:]
        return b"".join([*leaves[first : first + (1 << level)], *path])

    def claim(self, place: tuple[int, str, int], seat: int) -> Claim:
        """The proof of one account. `place`: chain id, market, project."""
        context = context_hash(
            *place,
            self.round,
            self.post.prev_commitment,
            self.poster,
            self.post.included,
            self.post.rows,
            seed_of(self.post.reveal_sum),
            self.post.paid,
        )
        tree = accounts_tree(self.accounts)
        return Claim(self.accounts[seat], opening_of(context, self.post.roots), tuple(tree.proof(seat)))


def accounts_tree(accounts: list[Account]) -> MerkleTree:
    """The accounts tree over all seats."""
    leaves = [account_leaf(seat, account) for seat, account in enumerate(accounts)]
    return MerkleTree(leaves, depth_for(len(accounts)))
