"""The first form of the tables."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

KINDS: dict[str, Any] = {"int": sa.BigInteger, "text": sa.Text, "bytes": sa.LargeBinary, "bool": sa.Boolean}
TABLES = {
    "aggregators": """
        project int!, account text!, bond text, locked text, banned bool, rest text
    """,
    "asks": """
        id int!, project int, round int, attempt int, number int, tx bytes, asker text, tree int, row int,
        level int, node int, root bytes, answer_bytes int, price text, burned text, returned text, due int,
        ended text?, ended_number int?, ended_tx bytes?, answerer text
    """,
    "blocks": """
        number int!, hash bytes, parent bytes, time int
    """,
    "convictions": """
        number int!, log_index int!, project int, round int, tx bytes, cause text, poster text, refuter text,
        to_refuter text, to_pot text, to_escrow text
    """,
    "credits": """
        token text!, account text!, amount text
    """,
    "cursor": """
        id int!, number int, hash bytes, time int, noted_from int
    """,
    "descriptions": """
        project int!, number int, state text, problem text, title text, document text?
    """,
    "events": """
        block_hash bytes!, log_index int!, number int, tx bytes, topics bytes, data bytes, name text,
        project int?, round int?, listed int?
    """,
    "held": """
        token text!, amount text
    """,
    "measurements": """
        project int!, round int!, accuracy_ppm int, samples int, measured_at int
    """,
    "meta": """
        id int!, chain_id int, genesis bytes, market text, first_block int, limits text
    """,
    "movements": """
        number int!, log_index int!, part int!, project int, kind text, token text, account text, seat int?,
        round int?, amount text
    """,
    "projects": """
        project int!, owner text, params text, content text, stopped bool, refunded bool, head int, tip int,
        last_result int, last_final int, terminal_up_to int, cleared_at int, last_event_at int, escrow text,
        bucket text, penalty_pool text, rest text
    """,
    "result_seats": """
        project int!, round int!, attempt int!, seat int!, verdict text, reason text, weight int,
        agreement text, novelty text, score text, pay text, penalty text, account_reputation int,
        account_pay text, account_penalty text
    """,
    "results": """
        project int!, round int!, attempt int!, number int, tx bytes, poster text, commitment bytes,
        stands_at int, merged bool, post text, ended text?, ended_number int?, ended_tx bytes?,
        document text, problem text, step_squared text?, mean_agreement text?
    """,
    "rounds": """
        project int!, number int!, base_root bytes, pot text, commit_end int, reveal_end int,
        active_left int, seal_count int, reveal_count int, reveal_sum text, proposed_at int, charged bool,
        final bool, flat bool, voided bool, flat_share text, rest text
    """,
    "seat_rounds": """
        project int!, round int!, seat int!, trainer text, tenure int, seal bytes, sealed_number int,
        sealed_tx bytes, root bytes?, salt bytes?, file_digest bytes?, revealed_number int?,
        revealed_tx bytes?
    """,
    "seats": """
        project int!, seat int!, signer text, payout text, stake text, joined int, last_sealed int,
        first_round int, claimed text, penalty_taken text, rest text
    """,
    "status": """
        id int!, head int, looked_at int, chain_time int, state text, problem text
    """,
    "stored_results": """
        project int!, round int!, commitment bytes, model_root bytes, poster text, stands_at int,
        included_count int, row_count int, paid text, prev int, merged bool, depth int, asked bool,
        rest text
    """,
    "tenures": """
        project int!, seat int!, tenure int!, signer text, payout text, joined_number int, joined_tx bytes,
        left_number int?, left_tx bytes?, evicted bool
    """,
    "totals": """
        project int!, kind text!, amount text
    """,
    "undo": """
        number int!, seq int!, table text, place text, old text?
    """,
}
"""Columns with their kinds; `!` is part of the primary key, `?` may be NULL."""

INDEXES = (
    ("ix_asks_ended_number", "asks", "ended_number", ""),
    ("ix_asks_number", "asks", "number", ""),
    ("ix_asks_project", "asks", "project", ""),
    ("ix_convictions_project", "convictions", "project", ""),
    ("ix_descriptions_number", "descriptions", "number", ""),
    ("ix_descriptions_state", "descriptions", "state", ""),
    ("ix_events_listed", "events", "project number log_index", "listed IS NOT NULL"),
    ("ix_events_number", "events", "number log_index", ""),
    ("ix_events_odd", "events", "number log_index", "listed > 1"),
    ("ix_movements_account", "movements", "account", ""),
    ("ix_movements_project", "movements", "project number log_index", ""),
    ("ix_results_document", "results", "document", ""),
    ("ix_results_ended_number", "results", "ended_number", ""),
    ("ix_results_number", "results", "number", ""),
    ("ix_results_poster", "results", "poster", ""),
    ("ix_seat_rounds_seat", "seat_rounds", "project seat round", ""),
    ("ix_seats_signer", "seats", "signer", ""),
    ("ix_tenures_joined_number", "tenures", "joined_number", ""),
    ("ix_tenures_left_number", "tenures", "left_number", ""),
    ("ix_tenures_signer", "tenures", "signer", ""),
)
"""Name, table, columns, condition."""


def upgrade() -> None:
    """Creates everything."""
    for table, columns in TABLES.items():
        op.create_table(table, *(_column(text.strip()) for text in columns.split(",")))
    for name, table, columns, condition in INDEXES:
        where: dict[str, Any] = (
            {"sqlite_where": sa.text(condition), "postgresql_where": sa.text(condition)} if condition else {}
        )
        op.create_index(name, table, columns.split(), **where)


def downgrade() -> None:
    """Drops everything."""
    for table in reversed(TABLES):
        op.drop_table(table)


def _column(text: str) -> sa.Column[Any]:
    name, kind = text.split()
    is_key = kind.endswith("!")
    return sa.Column(
        name, KINDS[kind.rstrip("!?")], primary_key=is_key, nullable=kind.endswith("?"), autoincrement=False
    )
