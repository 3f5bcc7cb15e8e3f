"""Versions of the index's tables, applied in order when a writer starts (`upgrade`).

Each is applied whole or not at all on both databases, so a start that was killed half-way is repeated by the next.
"""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine

from market.errors import ChainError


def upgrade(engine: Engine) -> None:
    """Brings the tables to this version's form. ChainError E208 where a later version made them."""
    with engine.begin() as connection:
        _check_known(connection)
        config = _config()
        config.attributes["connection"] = connection
        command.upgrade(config, "head")


def is_current(connection: Connection) -> bool:
    """Whether the tables have this version's form."""
    return current(connection) == head()


def current(connection: Connection) -> str | None:
    """Version of the tables; None in an empty database."""
    return MigrationContext.configure(connection).get_current_revision()


def head() -> str:
    """This program's version of the tables."""
    return str(ScriptDirectory.from_config(_config()).get_current_head())


def _check_known(connection: Connection) -> None:
    found = current(connection)
    known = {script.revision for script in ScriptDirectory.from_config(_config()).walk_revisions()}
    if found is not None and found not in known:
        text = f"the index has tables of version {found}, this program knows up to {head()}"
        raise ChainError("E208", f"{text}; use the newer program, or another --database")


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent).replace("%", "%%"))
    return config
