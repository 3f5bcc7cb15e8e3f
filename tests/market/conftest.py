"""What several tests of roles start from."""

from __future__ import annotations

import pytest

from market.duties import Duty, Kind
from tests.stateful.world import World


@pytest.fixture
def world() -> World:
    """A funded project with three trainers and two posters, in the specification."""
    world = World.spec()
    world.start()
    return world


def kinds(duties: list[Duty]) -> list[tuple[Kind, int]]:
    """Duties by kind and round."""
    return [(duty.kind, duty.round) for duty in duties]
