"""An owner's terminal, a project in which rounds can be played, and the terminals of the other roles."""

from pathlib import Path

import pytest

from market.chain.deployment import Deployment
from market.devnet import Devnet
from tests.cli.project_world import OWNER, Terminal, World
from tests.cli.role_world import Roles
from tests.fixtures_chain import MakeGateway


@pytest.fixture
def terminal(
    tmp_path: Path, anvil: Devnet, deployment: Deployment, capsys: pytest.CaptureFixture[str]
) -> Terminal:
    return Terminal(tmp_path, anvil, deployment, capsys)


@pytest.fixture
def running(terminal: Terminal, make_gateway: MakeGateway) -> World:
    """A funded project (four pots) with two trainers and an aggregator."""
    world = World(terminal, make_gateway, terminal.create())
    world.join()
    assert terminal("fund", world.project, "40000wei", key=OWNER).code == 0
    return world


@pytest.fixture
def roles(
    tmp_path: Path,
    anvil: Devnet,
    deployment: Deployment,
    make_gateway: MakeGateway,
    capsys: pytest.CaptureFixture[str],
) -> Roles:
    return Roles(tmp_path, anvil, deployment, make_gateway, capsys)
