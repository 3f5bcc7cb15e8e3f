"""Contracts of checks on a chain."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from check_calls import CheckContract, check_contract

from market.devnet import Devnet


@pytest.fixture(scope="module")
def tree_checks(session_anvil: Devnet, pytestconfig: pytest.Config) -> Iterator[CheckContract]:
    """TreeChecks as it is in contracts/src."""
    kept = pytestconfig.cache.mkdir("checks")
    checks = check_contract(session_anvil, "TreeChecks", "0x0000000000000000000000000000000000007ee5", kept)
    yield checks
    checks.close()
