"""The owner's reference: one more update in each round, by a key of its own.

It has no stake, pay or penalty, and no count of seals, reveals or active seats includes it. Its term is in the sum
that the seed is made of.
"""

from __future__ import annotations

from market.events import Event, ReferenceRevealed, ReferenceSealed
from market.seals import SEAL_MASK, add_reveal, is_revealed, is_sealed, seal_hash, short_seal
from market.spec.state import Call, Project, State, refuse, round_in_phase
from market.spec.trainers import end_commit_early, end_reveal_early
from market.units import ZERO32


def process_seal_reference(state: State, project: int, round_: int, seal: bytes, call: Call) -> list[Event]:
    """The reference commits to its update, once a trainer has sealed: from then on the base is a fact."""
    it, facts = round_in_phase(state, project, round_, "sealReference", call.now)
    if seal == ZERO32 or int.from_bytes(seal, "big") > SEAL_MASK:
        raise refuse("MarketBadSeal", seal=seal)
    _require_key(it, call.caller)
    if facts.reference != ZERO32:
        raise refuse("MarketAlreadySealed", round=round_, seat=it.params.seats)
    if facts.seal_count == 0:
        raise refuse("MarketNobodySealed", round=round_)
    facts.reference = seal
    end_commit_early(it, facts, call.now)
    return [ReferenceSealed(project, round_, seal)]


def process_reveal_reference(
    state: State, project: int, round_: int, update_root: bytes, salt: bytes, file_digest: bytes, call: Call
) -> list[Event]:
    """Opens the reference's seal; from here on the file is public."""
    it, facts = round_in_phase(state, project, round_, "revealReference", call.now)
    if not is_revealed(update_root):
        raise refuse("MarketRootTooSmall", updateRoot=update_root)
    _require_key(it, call.caller)
    slot = facts.reference
    if not is_sealed(slot):
        raise refuse("MarketNotSealed", round=round_, seat=it.params.seats, slot=slot)
    place_in_chain = (state.chain_id, state.market, project, round_, call.caller)
    opened = short_seal(seal_hash(*place_in_chain, facts.base_root, update_root, salt))
    if slot != opened:
        raise refuse("MarketSealMismatch", computed=opened, stored=slot)
    facts.reference = update_root
    facts.reveal_sum = add_reveal(facts.reveal_sum, call.caller, update_root, salt)
    end_reveal_early(facts, call.now)
    return [ReferenceRevealed(project, round_, update_root, salt, file_digest)]


def _require_key(project: Project, caller: str) -> None:
    key = project.params.reference_key
    if caller != key:
        raise refuse("MarketNotSigner", caller=caller, signer=key)
