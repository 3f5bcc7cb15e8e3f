"""The owner's reference in a round: its seal and reveal, from their events, and whether the result counts it."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import select

from market.index.look import EVENTS, Look
from market.index.mirror import Row
from market.index.results import update_cid
from market.index.views import ReferenceRow, TimelineRow
from market.params import DELTA_ROWS
from market.spec.state import Project
from market.units import ZERO_ADDRESS

NAMES = ("ReferenceSealed", "ReferenceRevealed")


def reference_row(
    look: Look, project: int, it: Project, number: int, posts: Sequence[Row]
) -> ReferenceRow | None:
    """The reference of a round; None in a project without one. `posts`: those of the round, the newest first."""
    if it.params.reference_key == ZERO_ADDRESS:
        return None
    c = EVENTS.c
    mine = c.project == project, c.listed.is_not(None), c.round == number, c.name.in_(NAMES)
    rows = look.timeline_rows(look.rows(select(EVENTS).where(*mine)))
    events: dict[str, TimelineRow] = {row.name: row for row in rows}
    sealed, revealed = (events.get(name) for name in NAMES)
    digest = bytes.fromhex(revealed.args["fileDigest"][2:]) if revealed else None
    return ReferenceRow(
        key=it.params.reference_key,
        sealed_at=sealed.at if sealed else None,
        seal=sealed.args["seal"] if sealed else "",
        seal_tx=sealed.tx if sealed else "",
        revealed_at=revealed.at if revealed else None,
        reveal_tx=revealed.tx if revealed else "",
        root=revealed.args["updateRoot"] if revealed else "",
        salt=revealed.args["salt"] if revealed else "",
        cid=update_cid(it, digest) if digest else "",
        included=bool(posts[0]["post"].rows[0] >> DELTA_ROWS & 1) if posts else None,
    )
