"""`fairtrain project create --config`: the file of the dashboard freezes what the dashboard would."""

from __future__ import annotations

import pytest

from market.configuration import Configuration
from market.params import MINIMAL
from tests.cli.project_world import OWNER, Terminal
from tests.fixtures_chain import MakeGateway
from webapp.form import read_form

pytestmark = pytest.mark.chain
FIELDS = {
    "title": "Iris",
    "features": "4",
    "labels": "3",
    "hidden": "none",
    "seats": "3",
    "pot": "0.001",
    "budget": "0.02",
}
NOW = 1_700_000_000


def configuration() -> Configuration:
    found = read_form(FIELDS, "minimal", MINIMAL.limits, NOW).configuration
    assert found is not None
    return found


def test_create_from_a_configuration__freezes_all_of_it(
    terminal: Terminal, make_gateway: MakeGateway
) -> None:
    file = terminal.home / "iris.json"
    file.write_bytes(configuration().to_bytes())

    said = terminal("create", "--config", file, key=OWNER)

    assert said.code == 0, said.err
    params, _ = make_gateway().params(1)
    assert params == configuration().params(params.end_date - configuration().terms.lifetime)


@pytest.mark.parametrize(
    "words", [["--seats", 4], ["--budget", "1"], ["--preset", "demo"], ["--commit", "5m"]]
)
def test_create_from_a_configuration_and_something_else__refuses(
    terminal: Terminal, words: list[object]
) -> None:
    file = terminal.home / "iris.json"
    file.write_bytes(configuration().to_bytes())

    said = terminal("create", "--config", file, *words, key=OWNER)

    assert (said.code, said.error["code"]) == (2, "E107")


def test_create_from_neither_or_both__refuses(terminal: Terminal) -> None:
    file = terminal.home / "iris.json"
    file.write_bytes(configuration().to_bytes())

    assert terminal("create", key=OWNER).error["code"] == "E107"
    assert terminal("create", "--config", file, "--description", terminal.description, key=OWNER).code == 2


def test_create_from_a_missing_or_malformed_file__refuses(terminal: Terminal) -> None:
    broken = terminal.home / "broken.json"
    broken.write_text("{}")

    assert terminal("create", "--config", terminal.home / "none.json", key=OWNER).error["code"] == "E108"
    assert terminal("create", "--config", broken, key=OWNER).error["code"] == "E180"
