"""`fairtrain watch`: exit codes, options, figures."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from market.claims import Place
from market.devnet import dev_account
from market.project_files import only_one, project_folder
from tests.cli.role_world import Roles

pytestmark = pytest.mark.chain
WATCHER = 3
ME = dev_account(WATCHER).address
QUICK = ("--poll", 0.1)


@pytest.fixture
def ending(roles: Roles) -> int:
    """A project that its owner has stopped: nothing is left to watch."""
    project = roles.create()
    roles.owner.send("stop", project)
    return project


def test_watch_a_project_that_is_over__ends_with_nothing_wrong(roles: Roles, ending: int) -> None:
    said = roles("watch", ending, *QUICK, key=WATCHER)

    body = {"ok": True, "project": ending, "wrong": 0, "missing": 0, "credit_wei": "0"}
    assert (said.code, said.body) == (0, body)


def test_watch_dry_run__needs_no_key(roles: Roles, ending: int) -> None:
    assert roles("watch", ending, "--dry-run", *QUICK).code == 0


def test_watch_without_a_key__refused_e211(roles: Roles, ending: int) -> None:
    assert roles("watch", ending).error["code"] == "E211"


def test_watch_once_in_a_running_project__ends(roles: Roles) -> None:
    said = roles("watch", roles.create(), "--once", *QUICK, key=WATCHER)

    assert (said.code, said.body["wrong"]) == (0, 0)


def test_watch_metrics_to_a_file__holds_figures_of_the_project(
    roles: Roles, ending: int, tmp_path: Path
) -> None:
    file = tmp_path / "figures.prom"
    assert roles("watch", ending, "--metrics", file, *QUICK, key=WATCHER).code == 0

    text = file.read_text()
    assert f'fairtrain_watch_results_wrong_total{{project="{ending}"}} 0.0' in text
    assert "# HELP fairtrain_watch_files_missing" in text


def test_watch_metrics_on_a_port__serves_and_frees_it(roles: Roles, ending: int) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
    assert roles("watch", ending, "--metrics", port, *QUICK, key=WATCHER).code == 0
    assert roles("watch", ending, "--metrics", port, *QUICK, key=WATCHER).code == 0


def test_watch_metrics_on_a_port_in_use__refused_e119(roles: Roles, ending: int) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        said = roles("watch", ending, "--metrics", taken.getsockname()[1], *QUICK, key=WATCHER)

    assert said.error["code"] == "E119"


def test_watch_twice_on_one_machine__refused_e129(roles: Roles, ending: int) -> None:
    place = Place(roles.deployment.chain_id, roles.deployment.market)
    with only_one(project_folder(roles.home, place, ending, f"watch-{ME}"), "a watcher"):
        assert roles("watch", ending, *QUICK, key=WATCHER).error["code"] == "E129"


@pytest.mark.parametrize("words", [("--poll", "0"), ("--chores", "-1"), ("--frobnicate",)])
def test_watch_wrong_option__usage_error(roles: Roles, ending: int, words: tuple[str, ...]) -> None:
    said = roles("watch", ending, *words)

    assert (said.code, said.error["code"]) == (2, "E100")


def test_watch_unknown_project__refused(roles: Roles) -> None:
    assert roles("watch", 99, "--dry-run").error["code"] == "MarketUnknownProject"
