"""A development chain with a deployed market: one anvil for the session, the same state before each test.

Without anvil, tests that ask for a fixture here are skipped with one line; `CI=true` makes that a failure.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from eth_account.signers.local import LocalAccount

from market.chain.compile import compile_source
from market.chain.deploy import deploy_market
from market.chain.deployment import Deployment
from market.chain.gateway import Gateway
from market.chain.rpc import Rpc
from market.chain.sender import SendPolicy
from market.devnet import Devnet, dev_account, start_devnet
from market.errors import ChainError
from market.params import MINIMAL
from market.units import address

ACCOUNTS = 40
QUICK = SendPolicy(timeout_s=20, bump_after_s=10, rebroadcast_s=0.2, poll_s=0.002, poll_max_s=0.05)
"""Patience for a chain that mines at once."""

MakeGateway = Callable[..., Gateway]


@pytest.fixture(scope="session")
def session_anvil() -> Iterator[Devnet]:
    """One anvil on a free port; use `anvil`, which undoes what a test did."""
    try:
        devnet = start_devnet("anvil", accounts=ACCOUNTS)
    except ChainError as error:
        if os.environ.get("CI") == "true":
            pytest.fail(str(error), pytrace=False)
        pytest.skip(str(error))
    with devnet:
        yield devnet


@pytest.fixture(scope="session")
def session_deployment(session_anvil: Devnet) -> Deployment:
    """A market with the limits of MINIMAL, deployed once by account 0."""
    return deploy_market(Rpc(session_anvil.url), dev_account(0), MINIMAL.limits, "minimal")[0]


@pytest.fixture
def anvil(session_anvil: Devnet, session_deployment: Deployment) -> Iterator[Devnet]:
    """The chain with the market; after the test it is as before it."""
    snapshot = session_anvil.snapshot()
    yield session_anvil
    session_anvil.request("evm_setAutomine", True)
    session_anvil.revert(snapshot)


@pytest.fixture
def deployment(anvil: Devnet, session_deployment: Deployment) -> Deployment:
    """Where the market is."""
    return session_deployment


@pytest.fixture
def make_gateway(anvil: Devnet, deployment: Deployment) -> MakeGateway:
    """`make_gateway(i)`: the market with the key of test account i; without i it can only read."""

    def make(account: int | LocalAccount | None = None, journal_dir: Path | None = None) -> Gateway:
        signer = dev_account(account) if isinstance(account, int) else account
        return Gateway(anvil.url, deployment, signer, journal_dir, QUICK)

    return make


@pytest.fixture(scope="session")
def ganache() -> Iterator[Devnet]:
    """One Ganache for the session, empty; tests that use it must not depend on its state."""
    try:
        devnet = start_devnet("ganache", accounts=10)
    except ChainError as error:
        if os.environ.get("CI") == "true":
            pytest.fail(str(error), pytrace=False)
        pytest.skip(str(error))
    with devnet:
        yield devnet


TOKEN_SOURCE = """// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;
import {ERC20} from "@openzeppelin/contracts/token/ERC20/ERC20.sol";
contract TestToken is ERC20 {
    constructor() ERC20("Test Token", "TEST") { _mint(msg.sender, 1e27); }
}
"""


@pytest.fixture(scope="session")
def erc20_bytecode() -> str:
    """Creation code of an ordinary ERC-20 token that gives its deployer a billion tokens."""
    return compile_source("TestToken", TOKEN_SOURCE)


@pytest.fixture
def erc20(anvil: Devnet, erc20_bytecode: str) -> str:
    """Address of such a token; account 0 owns all of it."""
    order = {"from": dev_account(0).address, "data": erc20_bytecode, "gas": hex(5_000_000)}
    tx = anvil.request("eth_sendTransaction", order)
    while not (receipt := anvil.request("eth_getTransactionReceipt", tx)):
        pass  # anvil mines at once, but its receipt may be a moment late
    return address(receipt["contractAddress"])
