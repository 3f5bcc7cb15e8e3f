"""Every check of trees fits a transaction, on projects as large as the protocol allows."""

from __future__ import annotations

import pytest
from check_calls import CheckContract

from benchmarks.refutations import misses, tree_lines

pytestmark = pytest.mark.chain


@pytest.mark.parametrize(("seats", "d"), [(100, 10**9), (1000, 10**9)])
def test_gas_of_each_check__is_within_its_goal(tree_checks: CheckContract, seats: int, d: int) -> None:
    lines = tree_lines(tree_checks, seats, d)

    assert len(lines) == 10
    assert [line for line in lines if misses(line)] == []
