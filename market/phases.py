"""Phases of a round: a view over stored facts and time, never stored (protocol section 4).

Ordinals are those of `Phase` in `contracts/src/types.sol`. *Warm* phases may end by time alone, *cold* ones
only by a call, *terminal* ones never.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum


class Phase(IntEnum):
    """Where a round is."""

    NONE = 0
    """the round does not exist"""
    COMMIT = 1
    """trainers seal"""
    REVEAL = 2
    """sealed seats reveal"""
    AGGREGATE = 3
    """waits for a result, or for `flatten` after T_dead"""
    PROPOSED = 4
    """a result with fewer seats or rows than possible; replaceable until it stands"""
    STANDING = 5
    """the result that others build on; `finalise` after W"""
    FINAL = 6
    """pay is claimable"""
    FLAT = 7
    """no result in time: each revealed seat may take pot / revealed"""
    VOID = 8
    """too few seals or no reveal: the pot is back in the escrow"""


WARM = frozenset({Phase.COMMIT, Phase.REVEAL, Phase.AGGREGATE, Phase.PROPOSED})
TERMINAL = frozenset({Phase.FINAL, Phase.FLAT, Phase.VOID})

ALLOWED: dict[str, frozenset[Phase]] = {
    "seal": frozenset({Phase.COMMIT}),
    "reveal": frozenset({Phase.REVEAL}),
    "sealReference": frozenset({Phase.COMMIT}),
    "revealReference": frozenset({Phase.REVEAL}),
    "post": frozenset({Phase.AGGREGATE, Phase.PROPOSED}),
    "finalise": frozenset({Phase.STANDING}),
    "convict": frozenset({Phase.PROPOSED, Phase.STANDING}),
    "refute": frozenset({Phase.PROPOSED, Phase.STANDING}),
    "ask": frozenset({Phase.PROPOSED, Phase.STANDING}),
    "clear": frozenset({Phase.PROPOSED, Phase.STANDING}),
    "flatten": frozenset({Phase.AGGREGATE}),
    "voidRound": frozenset({Phase.VOID}),
    "claim": frozenset({Phase.FINAL}),
    "claimFlat": frozenset({Phase.FLAT}),
    "open": frozenset({Phase.STANDING, Phase.FINAL, Phase.FLAT, Phase.VOID}),
}
"""Phases of the named round in which a call may succeed (`open`: of the head); others look at no round."""

NEXT: dict[Phase, frozenset[Phase]] = {
    Phase.NONE: frozenset({Phase.COMMIT}),
    Phase.COMMIT: frozenset({Phase.REVEAL, Phase.VOID}),
    Phase.REVEAL: frozenset({Phase.AGGREGATE, Phase.VOID}),
    Phase.AGGREGATE: frozenset({Phase.PROPOSED, Phase.STANDING, Phase.FLAT}),
    Phase.PROPOSED: frozenset({Phase.STANDING, Phase.AGGREGATE}),
    Phase.STANDING: frozenset({Phase.FINAL, Phase.AGGREGATE}),
    Phase.FINAL: frozenset(),
    Phase.FLAT: frozenset(),
    Phase.VOID: frozenset(),
}
"""Edges of the state diagram (I-15). A COMMIT without seals may also be opened again and stays COMMIT; a
derived VOID without seals that nobody settled may be opened again as COMMIT (see `may_follow`)."""


@dataclass(frozen=True)
class PhaseFacts:
    """What `phase_at` needs to know of a round. Times are unix seconds, ends exclusive."""

    exists: bool
    commit_end: int = 0
    reveal_end: int = 0
    seal_count: int = 0
    reveal_count: int = 0
    min_seals: int = 1
    covered: bool = False
    """round <= tip of the project: it has a result that counts (or is FLAT or VOID)"""
    stands_at: int = 0
    """from then on the result is STANDING"""
    final: bool = False
    flat: bool = False


def phase_at(facts: PhaseFacts, now: int) -> Phase:
    """Phase of a round at `now`. Time is asked before outcomes, which are recorded only after those times."""
    if not facts.exists:
        return Phase.NONE
    if now < facts.commit_end:
        return Phase.COMMIT
    if facts.seal_count < facts.min_seals:
        return Phase.VOID
    if now < facts.reveal_end:
        return Phase.REVEAL
    if facts.reveal_count == 0:
        return Phase.VOID
    if facts.final:
        return Phase.FINAL
    if facts.flat:
        return Phase.FLAT
    if facts.covered:
        return Phase.PROPOSED if now < facts.stands_at else Phase.STANDING
    return Phase.AGGREGATE


def reachable(start: Phase) -> frozenset[Phase]:
    """Every phase that some path of NEXT leads to from `start`, itself included."""
    seen = {start}
    todo = [start]
    while todo:
        for phase in NEXT[todo.pop()] - seen:
            seen.add(phase)
            todo.append(phase)
    return frozenset(seen)


def may_follow(before: Phase, after: Phase, seal_count: int = 1) -> bool:
    """Whether a later read may show `after` where an earlier one showed `before`, any number of edges later.

    A round whose COMMIT ended without a seal may be opened again, so its derived VOID is not yet terminal.
    """
    if before is Phase.VOID and after is not Phase.VOID:
        return seal_count == 0 and after is not Phase.NONE
    return after in reachable(before)
