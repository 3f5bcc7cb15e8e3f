"""The committed artifacts are what the sources compile to."""

from __future__ import annotations

import dataclasses
import hashlib

import pytest

from market.abi import AbiRecord, snake_case
from market.chain.artifacts import Artifact, load_artifact
from market.chain.compile import CONTRACTS, checkout, compile_contracts, input_hash, standard_input
from market.errors import ChainError
from market.events import EVENTS
from market.params import Content, Limits, Params
from market.phases import Phase
from market.records import AggregatorView, ProjectView, ResultView, RoundView, SeatView
from market.refutation import AskView

REFRESH = "run `make artifacts` and commit market/chain/artifacts"
VIEWS: dict[str, list[type[AbiRecord]]] = {
    "limits": [Limits],
    "paramsOf": [Params, Content],
    "projectOf": [ProjectView],
    "roundOf": [RoundView],
    "resultOf": [ResultView],
    "seatOf": [SeatView],
    "aggregatorOf": [AggregatorView],
    "askOf": [AskView],
}


def test_artifacts_input_hash__is_that_of_the_sources() -> None:
    expected = input_hash(standard_input(checkout()))
    for name in CONTRACTS:
        assert load_artifact(name).input_hash == expected, REFRESH


@pytest.mark.slow
def test_artifacts_recompiled__equal_byte_for_byte(request: pytest.FixtureRequest) -> None:
    """Half a minute of one core, so a run that passed is remembered until an artifact or a source changes."""
    committed = {name: load_artifact(name) for name in CONTRACTS}
    key = [input_hash(standard_input(checkout())), *(artifact.to_json() for artifact in committed.values())]
    stamp = hashlib.sha256("".join(key).encode()).hexdigest()
    cache = request.config.cache
    assert cache is not None
    if cache.get("fairtrain/artifacts", "") != stamp:
        assert compile_contracts(checkout()) == committed, REFRESH
        cache.set("fairtrain/artifacts", stamp)


@pytest.mark.parametrize("name", CONTRACTS)
def test_sizes__below_the_limit_of_eip_170(name: str) -> None:
    size = len(load_artifact(name).deployed_bytecode) // 2 - 1
    assert size < 24_576


@pytest.mark.parametrize("name", VIEWS)
def test_view_records__have_the_fields_of_the_abi(name: str) -> None:
    outputs = load_artifact("Market").interface.functions[name].outputs
    for output, record in zip(outputs, VIEWS[name], strict=True):
        solidity = [snake_case(part["name"]) for part in output["components"]]
        assert solidity == [field.name for field in dataclasses.fields(record)]


def test_event_records__are_those_of_the_abi() -> None:
    events = load_artifact("Market").interface.events.values()
    abi = {entry.name: [snake_case(name) for name in entry.names] for entry in events}
    ours = {name: [f.name.rstrip("_") for f in dataclasses.fields(cls)] for name, cls in EVENTS.items()}
    assert ours == abi


def test_phase_ordinals__fit_uint8() -> None:
    assert [phase.value for phase in Phase] == list(range(9))


def test_load_artifact_unknown__e207_names_the_command() -> None:
    with pytest.raises(
        ChainError, match=r"E207 no artifact Nothing.json; run `python -m market.chain.compile`"
    ):
        load_artifact("Nothing")


def test_from_json_other_version__e207() -> None:
    text = load_artifact("Market").to_json().replace('"version": 1', '"version": 2')
    with pytest.raises(ChainError, match="E207 artifact version 2, expected 1"):
        Artifact.from_json(text)


def test_to_json__round_trip() -> None:
    artifact = load_artifact("Market")
    assert Artifact.from_json(artifact.to_json()) == artifact


def test_matches_immutables__masked_but_nothing_else() -> None:
    sample = dataclasses.replace(
        load_artifact("Market"), deployed_bytecode="0x" + "00" * 8, immutables=[(2, 4)]
    )
    assert sample.matches(bytes.fromhex("0000ffffffff0000"))
    assert not sample.matches(bytes.fromhex("0001ffffffff0000"))
    assert not sample.matches(bytes.fromhex("0000ffffffff0001"))
    assert not sample.matches(bytes(7))
    assert not sample.matches(bytes(9))
