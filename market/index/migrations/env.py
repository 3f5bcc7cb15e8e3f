"""What Alembic runs: migrations on the connection that `upgrade` hands over, all in its one transaction."""

from __future__ import annotations

from alembic import context

from market.index.schema import Base

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=Base.metadata,
    transactional_ddl=True,
)
with context.begin_transaction():
    context.run_migrations()
