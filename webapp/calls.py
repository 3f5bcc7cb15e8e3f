"""Transactions for wallets: encoded here, decoded again in the browser from the very bytes that will be signed.

Nothing is sent and no key is here. Every function is static words, at most with one list of hashes behind them, so that
the browser's decoder fits a screen and needs no library (`static/calls.js`); calls with evidence and bitmaps belong to
the daemons.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from eth_utils.abi import collapse_if_tuple

from market.chain.artifacts import load_artifact
from market.chain.codec import Entry, Interface, encode_values
from market.claims import AccountProof
from market.configuration import Configuration
from market.params import Content
from market.units import NATIVE, Address, address

APPROVE = Entry("approve", ({"name": "spender", "type": "address"}, {"name": "amount", "type": "uint256"}))
GAS = {
    "create": 420_000,
    "fund": 80_000,
    "stop": 50_000,
    "refund": 90_000,
    "withdraw": 73_000,
    "approve": 50_000,
    "claim": 90_000,
    "claimFlat": 90_000,
    "leave": 110_000,
    "evict": 110_000,
}
"""About what each costs, for the preview; the wallet asks the node."""

CHORES = ("open", "voidRound", "flatten", "skip", "clear", "release", "finalise")
"""Calls that anybody may send; of a round except `open` and `skip`."""
OF_ASKS = {
    "convictSilent": "Convict a poster that did not answer",
    "settleAsk": "Give the price of an ask back",
}
OF_SEATS = {"claim": "Claim pay", "leave": "Leave the seat", "evict": "Free a seat that sat still"}
"""Calls and their titles."""


@dataclass(frozen=True)
class Call:
    """One transaction to sign. `data` 0x-hexadecimal, `value` smallest units of the native coin as decimal text.

    `signature` has the names of all words, in order, so that the browser can show each.
    """

    title: str
    to: str
    data: str
    value: str
    signature: str
    words: list[str]
    gas: int


@dataclass(frozen=True)
class Plan:
    """What to sign, one after the other, on which chain. `document`: text whose sha2-256 stands in the last call."""

    chain_id: int
    market: str
    code_hash: str
    steps: list[Call]
    document: str = ""
    configuration_hash: str = ""
    files: dict[str, str] = field(default_factory=dict)
    ok: bool = True


@cache
def market_interface() -> Interface:
    """The market's ABI."""
    return load_artifact("Market").interface


def words_of(entry: Entry) -> list[str]:
    """`type name` of every 32-byte word of a call's arguments, structs written out."""
    words: list[str] = []

    def walk(item: Any, prefix: str) -> None:
        if item["type"].startswith("tuple"):
            for part in item["components"]:
                walk(part, f"{prefix}{item['name']}.")
        else:
            words.append(f"{item['type']} {prefix}{item['name']}")

    for item in entry.inputs:
        walk(item, "")
    return words


def signature_of(entry: Entry) -> str:
    """`name(types)` as the selector is made of it."""
    return f"{entry.name}({','.join(collapse_if_tuple(dict(item)) for item in entry.inputs)})"


def market_call(market: str, name: str, args: Sequence[Any], title: str, value: int = 0) -> Call:
    """A call of the market."""
    entry = market_interface().functions[name]
    data = market_interface().encode_call(name, args)
    return Call(
        title,
        market,
        "0x" + data.hex(),
        str(value),
        signature_of(entry),
        words_of(entry),
        GAS.get(name, 150_000),
    )


def create_call(market: str, made: Configuration, content: Content, now: int) -> Call:
    """`create`: freezes the terms; sends no money."""
    return market_call(market, "create", [made.params(now), content], "Create the project")


def fund_calls(market: str, project: int, token: str, amount: int) -> list[Call]:
    """`fund`; with a token, before it an approval of exactly this amount."""
    if token == NATIVE:
        return [market_call(market, "fund", [project, amount], f"Fund project {project}", amount)]
    data = APPROVE.hash[:4] + encode_values(APPROVE, [market, amount])
    title = "Allow the market to take exactly this amount"
    approve = Call(
        title,
        address(token),
        "0x" + data.hex(),
        "0",
        signature_of(APPROVE),
        words_of(APPROVE),
        GAS["approve"],
    )
    return [approve, market_call(market, "fund", [project, amount], f"Fund project {project}")]


def owner_call(market: str, name: str, project: int) -> Call:
    """`stop` or `refund`."""
    titles = {"stop": "Stop: no further round opens", "refund": "Give the rest back to the owner"}
    return market_call(market, name, [project], titles[name])


def withdraw_call(market: str, token: str, to: str) -> Call:
    """`withdraw`: the sender's whole credit in a token."""
    return market_call(market, "withdraw", [Address(token), Address(to)], "Withdraw your credit")


def seat_call(market: str, name: str, project: int, round_: int, seat: int, proof: AccountProof) -> Call:
    """`claim` (of a FINAL round), `leave` or `evict`, with the seat's account and what proves it."""
    place = [project, round_, seat] if name == "claim" else [project, seat]
    args = [*place, proof.account, proof.opening, list(proof.proof)]
    return market_call(market, name, args, f"{OF_SEATS[name]}: seat {seat} of project {project}")


def flat_call(market: str, project: int, round_: int, seat: int, tenure: int) -> Call:
    """`claimFlat`: the share of a round without a result, for whoever held the seat then."""
    title = f"Take the equal share of round {round_}: seat {seat} of project {project}"
    return market_call(market, "claimFlat", [project, round_, seat, tenure], title)


def ask_call(market: str, name: str, ask: int) -> Call:
    """`convictSilent` or `settleAsk`."""
    return market_call(market, name, [ask], f"{OF_ASKS[name]}: ask {ask}")


def chore_call(market: str, name: str, project: int, round_: int | None) -> Call:
    """A call that anybody may send."""
    args = [project] if name in ("open", "skip") else [project, round_ or 0]
    return market_call(market, name, args, f"{name}: due in project {project}")
