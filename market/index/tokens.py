"""Tokens of the index: read once each, at the block of the first project that pays in them."""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import Connection, select

from market.index import schema
from market.index.columns import table_of
from market.index.port import BlockSource
from market.tokens import TokenFacts
from market.units import NATIVE

TOKENS = table_of(schema.TokenRow)


def note_token(connection: Connection, source: BlockSource, token: str, number: int) -> None:
    """Adds a token that is not known yet, as it names itself at block `number`. Errors: ChainError E206."""
    mine = select(TOKENS.c.token).where(TOKENS.c.token == token)
    if token == NATIVE or connection.execute(mine).first() is not None:
        return
    facts = source.token(token, number)
    row = {"token": token, "number": number, "symbol": facts.symbol, "decimals": facts.decimals}
    connection.execute(TOKENS.insert().values(row))


def tokens_of(connection: Connection, tokens: Iterable[str]) -> dict[str, TokenFacts]:
    """Facts of each address, the native coin's too; of one that no project pays in nothing is known."""
    wanted = set(tokens)
    found = {token: TokenFacts() if token == NATIVE else TokenFacts(token, "", None) for token in wanted}
    if others := sorted(wanted - {NATIVE}):
        for row in connection.execute(select(TOKENS).where(TOKENS.c.token.in_(others))).mappings():
            found[row["token"]] = TokenFacts(row["token"], row["symbol"], row["decimals"])
    return found


def known_token(connection: Connection, token: str) -> TokenFacts | None:
    """A token that some project pays in, or the native coin; None for others."""
    mine = select(TOKENS.c.token).where(TOKENS.c.token == token)
    if token != NATIVE and connection.execute(mine).first() is None:
        return None
    return tokens_of(connection, [token])[token]
