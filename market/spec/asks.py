"""Asks: whoever misses a part of a posted result asks its poster for it, and silence convicts."""

from __future__ import annotations

from collections.abc import Sequence

from market.events import Answered, Asked, AskSettled, Event
from market.merkle import leaf_hash, node_hash
from market.phases import Phase
from market.refutation import ANSWER_LEVELS, Ask, Tree, answer_size, ask_price
from market.spec.money import check_room
from market.spec.refute import check_below, check_preimage, file_root, is_row, refutable
from market.spec.results import convict, open_asks_of
from market.spec.state import Call, OpenAsk, Project, State, phase_of, refuse
from market.units import BURNED, NATIVE, ZERO32


def process_ask(state: State, project: int, round_: int, it: Ask, call: Call) -> list[Event]:
    """Anyone asks the poster of a result, for the price of the answer."""
    if call.value:
        check_room(state, NATIVE, call.value)
    place, facts = refutable(state, project, round_, "ask", call.now)
    result = place.results[round_]
    end = result.stands_at + place.params.windows.challenge
    if call.now >= end:
        raise refuse("MarketTooLate", timestamp=call.now, end=end)
    check_preimage(state, project, place, facts, it.included, it.rows, it.roots)
    check_below(place, facts, it.below)
    root, depth = _root_of(place, round_, it), state.oracle.depth(it.tree, place.params)
    if not _is_there(state, place, it, root, depth):
        raise refuse("MarketNoSuchPlace", tree=int(it.tree), level=it.level, index=it.index)
    size = answer_size(it.tree, it.level, depth, state.oracle.leaf_size(it.tree, place.params))
    floor, open_asks = state.limits.ask_floor, open_asks_of(state, result)
    price, burned = ask_price(size, call.base_fee, floor, open_asks)
    if call.value < price + burned:
        raise refuse("MarketPriceTooLow", sent=call.value, price=price + burned)
    due = call.now + place.params.windows.answer
    asked = Asked(
        project,
        round_,
        state.ask_count + 1,
        call.caller,
        it.tree,
        it.row,
        it.level,
        it.index,
        root,
        size,
        price,
        burned,
        call.value - price - burned,
        due,
    )
    record_ask(state, place, asked, depth)
    return [asked]


def record_ask(state: State, project: Project, event: Asked, depth: int = 0) -> None:
    """An ask waits for its answer; it is about the result that counts now, and about no later one."""
    total = event.price + event.burned + event.returned
    if total:
        state.held[NATIVE] = state.held.get(NATIVE, 0) + total
    state.add_credit(NATIVE, BURNED, event.burned)
    state.add_credit(NATIVE, event.asker, event.returned)
    result = project.results[event.round]
    result.asked = True
    state.ask_count = event.id
    state.asks[event.id] = OpenAsk(result, event, depth)


def _root_of(project: Project, round_: int, it: Ask) -> bytes:
    """Root of the tree that is asked about, zero where there is none."""
    if it.tree is Tree.Update:
        if not is_row(project.params.seats, it.included, it.rows, it.row):
            return ZERO32
        return file_root(project, round_, it.row, it.below)
    if it.row:
        return ZERO32
    root: bytes = getattr(it.roots, it.tree.name.lower())
    return root


def _is_there(state: State, project: Project, it: Ask, root: bytes, depth: int) -> bool:
    """Whether honest results have this place: whoever has the trees can answer."""
    if root == ZERO32 or it.level > depth or it.index >> (depth - it.level):
        return False
    return it.level > 0 or state.oracle.has_leaf(it, project.params)


def process_answer(state: State, id_: int, answer: bytes, call: Call) -> list[Event]:
    """Anyone answers an ask and earns its price; also late, until somebody convicts."""
    ask = _open_ask(state, id_)
    if not counts(state, ask, call.now):
        raise refuse("MarketResultGone", id=id_)
    event = ask.event
    if len(answer) != event.answer_bytes:
        raise refuse("MarketAnswerLength", length=len(answer), expected=event.answer_bytes)
    root = root_of_answer(ask, answer)
    if root != event.root:
        raise refuse("MarketWrongAnswer", computed=root, root=event.root)
    close_ask(state, id_, call.caller)
    return [Answered(event.project, event.round, id_, call.caller, event.price, answer)]


def process_convict_silent(state: State, id_: int, call: Call) -> list[Event]:
    """Anyone, T_ans after an ask that has no answer: the asker is the refuter."""
    ask = _open_ask(state, id_)
    if not counts(state, ask, call.now):
        raise refuse("MarketResultGone", id=id_)
    event = ask.event
    if call.now < event.due:
        raise refuse("MarketTooEarly", timestamp=call.now, earliest=event.due)
    _, facts = refutable(state, event.project, event.round, "refute", call.now)
    settled = _settled(state, id_)
    return [settled, *convict(state, event.project, facts, event.asker, call.now)]


def process_settle_ask(state: State, id_: int, call: Call) -> list[Event]:
    """Anyone gives the price of an ask back whose result no longer counts."""
    if counts(state, _open_ask(state, id_), call.now):
        raise refuse("MarketResultCounts", id=id_)
    return [_settled(state, id_)]


def _settled(state: State, id_: int) -> AskSettled:
    event = state.asks[id_].event
    close_ask(state, id_, event.asker)
    return AskSettled(event.project, event.round, id_, event.asker, event.price)


def close_ask(state: State, id_: int, receiver: str) -> None:
    """An ask is over; its price becomes credit."""
    state.add_credit(NATIVE, receiver, state.asks.pop(id_).event.price)


def counts(state: State, ask: OpenAsk, now: int) -> bool:
    """Whether the result that was asked about still counts, as it was posted then."""
    project = state.projects[ask.event.project - 1]
    phase = phase_of(project, ask.event.round, now)
    counting = phase in (Phase.PROPOSED, Phase.STANDING, Phase.FINAL)
    return counting and project.results.get(ask.event.round) is ask.result


def _open_ask(state: State, id_: int) -> OpenAsk:
    if id_ not in state.asks:
        raise refuse("MarketAskClosed", id=id_)
    return state.asks[id_]


def root_of_answer(ask: OpenAsk, answer: bytes) -> bytes:
    """Root that an answer of the exact length hashes to."""
    event = ask.event
    cut = len(answer) - 32 * (ask.depth - event.level)
    siblings = _hashes(answer[cut:])
    if event.level == 0:
        # the poster's address is not taken from the answer, so a copied result cannot be opened
        tag = bytes.fromhex(ask.result.poster[2:]) if event.tree is Tree.Sketches else b""
        return _climb(leaf_hash(event.index, tag + answer[:cut]), event.index, siblings)
    nodes = _hashes(answer[:cut])
    for _ in range(min(event.level, ANSWER_LEVELS)):
        nodes = [node_hash(nodes[i], nodes[i + 1]) for i in range(0, len(nodes), 2)]
    return _climb(nodes[0], event.index, siblings)


def _hashes(data: bytes) -> list[bytes]:
    return [data[at : at + 32] for at in range(0, len(data), 32)]


def _climb(hash_: bytes, index: int, siblings: Sequence[bytes]) -> bytes:
    for level, sibling in enumerate(siblings):
        hash_ = node_hash(sibling, hash_) if index >> level & 1 else node_hash(hash_, sibling)
    return hash_
