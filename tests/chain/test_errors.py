"""One decoder for what nodes of every kind make of a refusal."""

from __future__ import annotations

from typing import Any

import pytest
from eth_abi.abi import encode

from market.chain.artifacts import load_artifact
from market.chain.codec import Interface, encode_values
from market.chain.errors import HINTS, RpcError, decode_refusal, decode_revert, revert_data

ABI = [
    {
        "type": "error",
        "name": "MarketStakeTooLow",
        "inputs": [{"name": "stake", "type": "uint256"}, {"name": "least", "type": "uint256"}],
    }
]
INTERFACE = Interface(ABI)
ENTRY = next(iter(INTERFACE.errors.values()))
DATA = ENTRY.hash[:4] + encode_values(ENTRY, [5, 7])
HEX = "0x" + DATA.hex()


@pytest.mark.parametrize(
    "data",
    [
        HEX,  # anvil, geth
        {"result": HEX, "reason": None, "message": "revert", "hash": None},  # Ganache, estimate
        {"0x12": {"error": "revert", "return": HEX}, "stack": "Error", "name": "CallError"},  # older Ganache
        {"originalError": {"x": 1}, "data": HEX},
        f"Reverted {HEX}",  # Parity and its heirs
    ],
)
def test_decode_refusal_shape_of_each_node__same_error(data: Any) -> None:
    error = decode_refusal(INTERFACE, RpcError(3, "execution reverted", data))
    assert (error.name, error.args_) == ("MarketStakeTooLow", {"stake": 5, "least": 7})
    assert error.exit_code == 6
    assert HINTS["MarketStakeTooLow"] in str(error)


@pytest.mark.parametrize("data", [None, {}, {"message": "x"}, 7, [], "no hex here", "0x123"])
def test_revert_data_without_bytes__none(data: Any) -> None:
    assert revert_data(RpcError(3, "execution reverted", data)) is None


def test_decode_refusal_without_data__keeps_the_message() -> None:
    error = decode_refusal(INTERFACE, RpcError(-32000, "execution reverted"))
    assert (error.name, error.args_) == ("Reverted", {"message": "execution reverted"})


def test_decode_revert_string__error_with_text() -> None:
    data = bytes.fromhex("08c379a0") + encode(["string"], ["no luck"])
    assert decode_revert(INTERFACE, data).args_ == {"message": "no luck"}


@pytest.mark.parametrize(("code", "text"), [(0x11, "integer overflow"), (0x99, "the contract hit a bug")])
def test_decode_revert_panic__names_the_cause(code: int, text: str) -> None:
    error = decode_revert(INTERFACE, bytes.fromhex("4e487b71") + encode(["uint256"], [code]))
    assert error.name == "Panic"
    assert text in str(error)


@pytest.mark.parametrize("data", [b"\x01\x02\x03\x04", DATA[:20], bytes.fromhex("08c379a0") + b"\xff" * 40])
def test_decode_revert_unknown_or_malformed__unknown_error_with_bytes(data: bytes) -> None:
    error = decode_revert(INTERFACE, data)
    assert error.name == "UnknownError"
    assert error.args_ == {"data": "0x" + data.hex()}


@pytest.mark.parametrize(
    ("body", "code", "message"),
    [
        ({"code": 3, "message": "a\nb"}, 3, "a"),
        ({"code": "x"}, 0, ""),
        ("text", 0, "text"),
        (None, 0, "None"),
    ],
)
def test_rpc_error_of_any_body__first_line_only(body: Any, code: int, message: str) -> None:
    error = RpcError.of(body)
    assert (error.code, error.message) == (code, message)


def test_hints__name_errors_that_the_market_can_raise() -> None:
    known = {entry.name for entry in load_artifact("Market").interface.errors.values()}
    foreign = {"ERC20InsufficientBalance", "ERC20InsufficientAllowance"}
    assert set(HINTS) - foreign <= known


def test_every_error_of_the_market__decodes_by_name() -> None:
    interface = load_artifact("Market").interface
    samples = {"address": "0x" + "11" * 20, "bytes32": bytes(32)}
    for entry in interface.errors.values():
        values = [samples.get(kind, 1) for kind in entry.types]
        error = decode_revert(interface, entry.hash[:4] + encode_values(entry, values))
        assert error.name == entry.name
        assert list(error.args_) == entry.names
