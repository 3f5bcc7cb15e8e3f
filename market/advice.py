"""Advice: factors of the training hints that a result posts for the next round, and their proof.

`aggregator.rule.advice` says how they move. They stand in one leaf of the steps tree; a result document carries
them with the six siblings above their slot, so that a trainer believes nothing but the posted root.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Final, NamedTuple

from market.description import Description
from market.errors import UpdateError
from market.merkle import Hash, absent_root, clog2, leaf_hash, node_hash, root_of

ONE: Final = 1 << 14
"""The factor that leaves a hint as it is."""
LEAST, MOST = ONE // 4, 4 * ONE
"""What trainers follow at all: a wrong result may stand until somebody has refuted it."""
SLOT: Final = 25
"""Of the steps tree."""
SLOT_BITS: Final = 6
_LEAF: Final = 256
_LONGEST: Final = 9 * 256 * 4
"""Bytes of the longest row that does not grow with the seats (`gathered`); of those that do, 32 a seat."""


class Advice(NamedTuple):
    """Factors in 2^-14 of what the description says, and the server rate in 1/65,536."""

    steps: int = ONE
    rate: int = ONE
    clip: int = ONE
    server: int = 65_535


START: Final = Advice()
"""Before the first result."""


def advised(description: Description, advice: Advice) -> Description:
    """The description with local steps (at least one) and learning rate as advised."""
    hints = description.training
    rate = Decimal(hints.learning_rate) * advice.rate / ONE
    steps = max(1, hints.local_steps * advice.steps // ONE)
    training = hints.model_copy(update={"local_steps": steps, "learning_rate": f"{rate:f}"})
    return description.model_copy(update={"training": training})


def proof_of(slots: Sequence[Hash]) -> list[Hash]:
    """Siblings above the slot, lowest first, from the 64 slots of a steps tree."""
    return [
        root_of(slots[first : first + (1 << level)], level) if level else slots[first]
        for level in range(SLOT_BITS)
        for first in [(SLOT >> level ^ 1) << level]
    ]


def slot_root(values: Sequence[int], seats: int) -> Hash:
    """Root of the slot of advice: one leaf, all else is absent."""
    inside = clog2(seats) + clog2(-(-max(_LONGEST, 32 * seats) // _LEAF))
    content = b"".join(value.to_bytes(8, "big", signed=True) for value in values).ljust(_LEAF, b"\0")
    found = leaf_hash(SLOT << inside, content)
    for level in range(inside):
        found = node_hash(found, absent_root(level))
    return found


def checked_advice(values: Sequence[int], proof: Sequence[Hash], root: Hash, seats: int) -> Advice:
    """Advice that a steps tree with this root holds. `seats`: the project's seat limit.

    Raises UpdateError E113 for anything else, and for factors that no honest result posts.
    """
    if len(values) != len(START) or len(proof) != SLOT_BITS:
        raise UpdateError(
            "E113",
            f"advice: got {len(values)} values and {len(proof)} hashes, expected {len(START)} and {SLOT_BITS}",
        )
    found = slot_root(values, seats)
    for level, sibling in enumerate(proof):
        found = node_hash(sibling, found) if SLOT >> level & 1 else node_hash(found, sibling)
    if found != root:
        raise UpdateError("E113", f"advice: document has root 0x{found.hex()}, posted 0x{root.hex()}")
    if not all(LEAST <= value <= MOST for value in values[:3]):
        raise UpdateError(
            "E113", f"advice: got factors {list(values[:3])}, honest ones lie in {LEAST} .. {MOST}"
        )
    return Advice(*values)
