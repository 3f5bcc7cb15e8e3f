"""Fixtures that several packages share: a chain with a deployed market, a Kubo daemon."""

pytest_plugins = ["tests.fixtures_chain", "tests.fixtures_kubo"]
