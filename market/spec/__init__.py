"""The protocol as an executable specification: the oracle that contract, clients and tests are compared with.

`process_*` functions take the state, the call's arguments and a `Call` (caller, time, value). Each refuses
with the contract's error before it changes anything, or changes the state and returns the contract's events.
`apply` does the same by the contract's function names. `views` answers what the contract's getters answer.
"""

from __future__ import annotations

from collections.abc import Callable

from market.events import Event
from market.spec import asks, exits, money, reference, refute, results, rounds, trainers, views
from market.spec.money import liabilities
from market.spec.state import Call, State

PROCESS: dict[str, Callable[..., list[Event]]] = {
    "create": money.process_create,
    "fund": money.process_fund,
    "stop": money.process_stop,
    "refund": money.process_refund,
    "register": trainers.process_register,
    "addStake": trainers.process_add_stake,
    "seal": trainers.process_seal,
    "reveal": trainers.process_reveal,
    "sealReference": reference.process_seal_reference,
    "revealReference": reference.process_reveal_reference,
    "claim": exits.process_claim,
    "claimFlat": exits.process_claim_flat,
    "leave": exits.process_leave,
    "evict": exits.process_evict,
    "addBond": money.process_add_bond,
    "removeBond": money.process_remove_bond,
    "post": results.process_post,
    "open": rounds.process_open,
    "voidRound": rounds.process_void,
    "flatten": rounds.process_flatten,
    "skip": rounds.process_skip,
    "clear": results.process_clear,
    "release": results.process_release,
    "finalise": results.process_finalise,
    "refute": refute.process_refute,
    "ask": asks.process_ask,
    "answer": asks.process_answer,
    "convictSilent": asks.process_convict_silent,
    "settleAsk": asks.process_settle_ask,
    "convict": results.process_convict,
    "withdraw": money.process_withdraw,
    "burn": money.process_burn,
}
"""Functions by their names in the contract; `convict` is internal there."""


def apply(state: State, name: str, *args: object, caller: str, now: int, value: int = 0) -> list[Event]:
    """Process the contract function `name`; KeyError if there is none, RefusedError if it refuses."""
    return PROCESS[name](state, *args, Call(caller, now, value))


__all__ = ["PROCESS", "Call", "State", "apply", "liabilities", "views"]
