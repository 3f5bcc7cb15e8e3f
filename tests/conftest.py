"""Fixtures that several packages share: a chain with a deployed market, a Kubo daemon."""

from __future__ import annotations

import pytest

pytest_plugins = ["tests.fixtures_chain", "tests.fixtures_kubo"]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Slow files first: xdist hands out files in this order, and the last one keeps one worker busy alone."""
    slow = {item.path for item in items if item.get_closest_marker("slow")}
    items.sort(key=lambda item: item.path not in slow)
