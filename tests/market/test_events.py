"""Mirrors of the ABI: events, structs and their field order are those of the committed artifact."""

from __future__ import annotations

import re
from dataclasses import fields
from typing import Any

import pytest

from market.abi import AbiRecord, camel_case, snake_case
from market.chain.artifacts import load_artifact
from market.events import EVENTS, ProjectFunded, round_seat, split_round_seat
from market.params import Content, Limits, Params, Windows
from market.phases import Phase
from market.records import (
    Account,
    AggregatorView,
    Opening,
    Post,
    ProjectView,
    ResultView,
    Roots,
    RoundView,
    SeatView,
)
from market.refutation import Ask, AskView, Below, Refutation

ABI: list[dict[str, Any]] = load_artifact("Market").abi
STRUCTS: dict[str, type[AbiRecord]] = {
    cls.__name__: cls
    for cls in (
        Account,
        AggregatorView,
        Ask,
        AskView,
        Below,
        Content,
        Limits,
        Opening,
        Params,
        Post,
        ProjectView,
        Refutation,
        ResultView,
        Roots,
        RoundView,
        SeatView,
        Windows,
    )
}


def names_of(cls: type) -> list[str]:
    return [camel_case(field.name) for field in fields(cls)]


def structs_in(entries: list[dict[str, Any]]) -> dict[str, list[str]]:
    """Field names of every struct below these ABI entries, by struct name."""
    found: dict[str, list[str]] = {}
    for entry in entries:
        components = entry.get("components", [])
        if components:
            found[entry["internalType"].removeprefix("struct ").removesuffix("[]")] = [
                part["name"] for part in components
            ]
        below = [*components, *entry.get("inputs", []), *entry.get("outputs", [])]
        found |= structs_in(below)
    return found


def test_events__are_those_of_the_abi_in_names_and_order() -> None:
    abi = {
        entry["name"]: [part["name"] for part in entry["inputs"]] for entry in ABI if entry["type"] == "event"
    }

    assert {name: names_of(cls) for name, cls in EVENTS.items()} == abi


def test_structs__are_those_of_the_abi_in_names_and_order() -> None:
    abi = structs_in(ABI)

    assert {name: names_of(cls) for name, cls in STRUCTS.items()} == abi


def test_refusals_of_the_specification__are_errors_of_the_abi() -> None:
    from pathlib import Path

    import market.spec

    folder = Path(market.spec.__file__).parent
    sources = [*folder.glob("*.py"), folder.parent / "params.py"]
    used = set(re.findall(r'"(Market[A-Z]\w+)"', "".join(file.read_text() for file in sources)))
    known = {
        entry["name"]: [part["name"] for part in entry["inputs"]] for entry in ABI if entry["type"] == "error"
    }

    assert used <= set(known)
    elsewhere = {
        "MarketWindowLimits",  # the constructor's
        "MarketLimitOutOfRange",
        "MarketCodeOnly",
        "MarketNoCode",
        "MarketWrongTokenDelta",  # odd tokens
        "MarketTransferFailed",
    }
    assert {name for name in known if name.startswith("Market")} - used == elsewhere


@pytest.mark.parametrize(
    ("solidity", "python"),
    [("baseRoot", "base_root"), ("from", "from_"), ("seal_", "seal"), ("owner", "owner")],
)
def test_names__convert_both_ways(solidity: str, python: str) -> None:
    assert snake_case(solidity) == python.rstrip("_")
    assert camel_case(python) == solidity.rstrip("_")


def test_from_abi_mapping__reads_reserved_names() -> None:
    event = ProjectFunded.from_abi({"project": 1, "from": "0x" + "ab" * 20, "amount": 5})

    assert event.from_ == "0xABaBaBaBABabABabAbAbABAbABabababaBaBABaB"


def test_from_abi_enum__becomes_phase() -> None:
    assert RoundView.from_abi(RoundView(phase=Phase.FLAT).to_abi()).phase is Phase.FLAT


@pytest.mark.parametrize(("round_", "seat"), [(0, 0), (1, 1023), (2**24 - 1, 65535)])
def test_round_seat__packs_and_splits(round_: int, seat: int) -> None:
    assert split_round_seat(round_seat(round_, seat)) == (round_, seat)
