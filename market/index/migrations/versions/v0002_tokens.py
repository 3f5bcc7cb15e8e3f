"""Tokens as they name themselves, accounts that claims are proved with, an index for the few odd events.

Both come from blocks and documents that an older index has read already: it reads the chain again from the start.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"

KEPT = frozenset({"alembic_version", "measurements", "meta", "status"})
"""What does not follow from the chain, and what says which chain it is."""


def upgrade() -> None:
    """Creates two tables and empties those that will be read again."""
    op.create_table(
        "tokens",
        sa.Column("token", sa.Text, primary_key=True),
        sa.Column("number", sa.BigInteger, nullable=False),
        sa.Column("symbol", sa.Text, nullable=False),
        sa.Column("decimals", sa.BigInteger, nullable=True),
    )
    op.create_index("ix_tokens_number", "tokens", ["number"])
    op.drop_index("ix_events_odd", "events")
    few = sa.text("coalesce(listed, 0) > 1")
    op.create_index(
        "ix_events_odd", "events", ["number", "log_index"], sqlite_where=few, postgresql_where=few
    )
    keys = [sa.Column(name, sa.BigInteger, primary_key=True) for name in ("project", "round", "attempt")]
    op.create_table("result_accounts", *keys, sa.Column("leaves", sa.LargeBinary, nullable=False))
    for name in sa.inspect(op.get_bind()).get_table_names():
        if name not in KEPT:
            op.execute(sa.table(name).delete())


def downgrade() -> None:
    """Drops both."""
    op.drop_index("ix_events_odd", "events")
    few = sa.text("listed > 1")
    op.create_index(
        "ix_events_odd", "events", ["number", "log_index"], sqlite_where=few, postgresql_where=few
    )
    op.drop_table("result_accounts")
    op.drop_table("tokens")
