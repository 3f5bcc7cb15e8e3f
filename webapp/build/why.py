"""Why a trainer was paid what it was paid: sentences from the facts of a round, and what would help.

"I worked, why is my reward 0?" is the first question of every trainer; each branch here is one of its answers.
"""

from __future__ import annotations

from market.index.views import Document, UpdateRow
from market.phases import Phase
from market.records import REPUTATION_ONE
from webapp.text import stranger

NOVELTY_ONE = 1 << 16
LOW_AGREEMENT = REPUTATION_ONE // 20
"""0.05: what noise alone reaches now and then."""

REASONS = {
    "zero update": (
        "The update was all zeros: nothing to pay for.",
        "Check that training ran at all: learning rate, local steps, and whether the data was found.",
    ),
    "mostly explained by public files": (
        "Most of the update can be written as a sum of files that were public before the round.",
        "Train from the round's base on your own data; re-sent or mixed public updates earn nothing.",
    ),
    "does not agree with the others": (
        "The update does not point where the others' point, so it adds nothing to what they share.",
        "Compare labels and scaling with the project's description; `trainer run --dry-run` shows both.",
    ),
    "agrees with the others only in what was public before": (
        "The update agrees with the others only in directions that earlier rounds had published.",
        "Train longer, or on more of your own data, so that the update holds something new.",
    ),
}
"""Reason of the result document -> (what it means, what would help)."""


def explain(row: UpdateRow) -> tuple[str, list[str]]:
    """(why, hints) for one seat in one round."""
    if row.phase is Phase.VOID:
        return "The round is void: nobody is paid, nobody loses anything.", []
    if row.revealed_at is None:
        return _unrevealed(row)
    if row.phase is Phase.FLAT:
        return "No result came in time; every revealed seat has the same share of the pot.", []
    if row.included is None:
        return "Revealed. The result is not posted yet.", []
    if not row.included:
        return (
            "The aggregator left this update out: it earns nothing in this round and keeps its stake.",
            [
                "Is the file served? Try `ipfs cat` from elsewhere; keep your node up until the round is posted."
            ],
        )
    if row.document is Document.PENDING:
        return "Included. The document with weights and pay has not been served by any store yet.", []
    if row.document is Document.WRONG:
        return (
            "Included. What the poster published is not what it committed to; `aggregator verify` recomputes it.",
            [],
        )
    return _judged(row)


def _unrevealed(row: UpdateRow) -> tuple[str, list[str]]:
    if row.phase in (Phase.COMMIT, Phase.REVEAL):
        return "Sealed. It counts once it is revealed.", []
    return (
        "Sealed, never revealed: no pay, and one unit of stake is lost if at least half of the others did reveal.",
        ["Keep the trainer running until REVEAL ends; it reveals by itself."],
    )


def _judged(row: UpdateRow) -> tuple[str, list[str]]:
    hints: list[str] = []
    if row.verdict == "malicious":
        why = f"Judged malicious ({_reason(row)}): it costs a unit of stake for each such round."
        hints.append(
            "Three rounds in a row pulled against everybody else: are labels swapped or signs flipped?"
        )
    elif row.reason in REASONS:
        why, hint = REASONS[row.reason]
        hints.append(hint)
    elif row.pay:
        why = "Paid for agreement with the others beyond what was public."
    else:
        why = "Included, but its share of the pot is zero."
    if row.verdict == "unreliable":
        hints.append("Reputation is below a quarter, which lowers the weight; agreeing rounds bring it back.")
    if not row.reason and row.novelty is not None and row.novelty < NOVELTY_ONE // 4:
        hints.append("Little of the agreement is new: more local steps or more data raise it.")
    if not row.reason and row.agreement is not None and row.agreement < LOW_AGREEMENT:
        hints.append("Agreement is hardly above noise: a larger batch or more samples make updates steadier.")
    return why, hints


def _reason(row: UpdateRow) -> str:
    # the poster's words: anybody may post
    return stranger(row.reason) or "no reason given"


def advise(rows: list[UpdateRow]) -> list[str]:
    """What to improve, most frequent first, over the rounds given."""
    counts: dict[str, int] = {}
    for row in rows:
        for hint in explain(row)[1]:
            counts[hint] = counts.get(hint, 0) + 1
    ordered = sorted(counts.items(), key=lambda item: -item[1])
    return [f"{hint} ({count} of {len(rows)} rounds)" for hint, count in ordered]
