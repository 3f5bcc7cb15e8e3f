"""`fairtrain aggregator`: bonds, refusals, and what `verify` says about rounds that are not there."""

from __future__ import annotations

from dataclasses import replace

import pytest

from market.claims import Place
from market.devnet import dev_account
from market.errors import RefusedError
from market.project_files import only_one, project_folder
from tests.cli.role_world import AGGREGATOR, FIRST_TRAINER, Daemons, Roles

pytestmark = pytest.mark.chain
ME = dev_account(AGGREGATOR).address
QUICK = ("--poll", 0.1)


@pytest.fixture
def ending(roles: Roles) -> int:
    """A project that its owner has stopped: an aggregator has nothing to wait for."""
    project = roles.create()
    roles.owner.send("stop", project)
    return project


# ----- run -----


def test_run_in_a_project_that_is_over__bonds_for_all_rounds_and_ends(roles: Roles, ending: int) -> None:
    said = roles("aggregator", "run", ending, *QUICK, key=AGGREGATOR)

    assert (said.code, said.body) == (0, {"ok": True, "project": ending, "credit_wei": "0"})
    params, _ = roles.owner.params(ending)
    assert roles.owner.aggregator(ending, ME).bond == 2 * params.bond == 3 * 10**18


def test_run_unbond__bond_becomes_credit(roles: Roles, ending: int) -> None:
    said = roles("aggregator", "run", ending, "--unbond", *QUICK, key=AGGREGATOR)

    assert said.body["credit_wei"] == str(3 * 10**18)
    assert roles.owner.aggregator(ending, ME).bond == 0


@pytest.mark.parametrize(("first", "second", "bond"), [("1", "2.5", "2.5"), ("2", "1", "2")])
def test_run_again__raises_the_bond_to_what_is_asked_and_never_lowers_it(
    roles: Roles, ending: int, first: str, second: str, bond: str
) -> None:
    for amount in (first, second):
        assert roles("aggregator", "run", ending, "--bond", amount, *QUICK, key=AGGREGATOR).code == 0

    assert roles.owner.aggregator(ending, ME).bond == int(float(bond) * 10**18)


def test_run_for_people__says_what_it_bonds(roles: Roles, ending: int) -> None:
    said = roles("aggregator", "run", ending, *QUICK, key=AGGREGATOR, as_json=False)

    assert "bonding 3 ETH (1.5 pots for each of 2 open rounds)" in said.out
    assert "credit to withdraw: 0 ETH" in said.out


@pytest.mark.parametrize(
    "words",
    [
        ("--bond", "much"),
        ("--poll", "0"),
        ("--patience", "-1"),
        ("--devnet-key", "255"),
        ("--engine", "none"),
    ],
)
def test_run_wrong_option__usage_error_and_no_bond(roles: Roles, ending: int, words: tuple[str, str]) -> None:
    said = roles("aggregator", "run", ending, *words)

    assert (said.code, said.error["code"]) == (2, "E100")
    assert roles.owner.aggregator(ending, ME).bond == 0


def test_run_without_key__refused_e211(roles: Roles, ending: int) -> None:
    assert roles("aggregator", "run", ending).error["code"] == "E211"


def test_run_with_devnet_key_on_another_chain__refused_e189(roles: Roles, ending: int) -> None:
    file = roles.home / "elsewhere.json"
    replace(roles.deployment, chain_id=5).save(file)
    roles.chain.request("anvil_setChainId", 5)
    try:
        said = roles("aggregator", "run", ending, "--deployment", file, key=AGGREGATOR)
    finally:
        roles.chain.request("anvil_setChainId", roles.deployment.chain_id)

    assert (said.code, said.error["code"]) == (2, "E189")
    assert roles.owner.aggregator(ending, ME).bond == 0


def test_run_second_process__refused_e129_before_bonding(roles: Roles, ending: int) -> None:
    place = Place(roles.deployment.chain_id, roles.deployment.market)
    with only_one(project_folder(roles.home, place, ending, f"aggregator-{ME}"), "this test"):
        said = roles("aggregator", "run", ending, *QUICK, key=AGGREGATOR)

    assert (said.code, said.error["code"]) == (2, "E129")
    assert roles.owner.aggregator(ending, ME).bond == 0


def test_create_with_rows_that_the_checks_do_not_know__refused_by_the_contract(roles: Roles) -> None:
    with pytest.raises(RefusedError, match="MarketUnknownDeltaRows"):
        roles.create(delta_rows=2)


def test_run_unknown_project__refused_by_the_contract(roles: Roles) -> None:
    said = roles("aggregator", "run", 99, key=AGGREGATOR)

    assert (said.code, said.error["code"]) == (6, "MarketUnknownProject")


def test_run_without_funds__refused_and_still_one_document(roles: Roles, ending: int) -> None:
    roles.chain.request("anvil_setBalance", ME, hex(10**15))

    said = roles("aggregator", "run", ending, *QUICK, key=AGGREGATOR)

    assert (said.code, said.error["code"]) == (4, "E205")


# ----- verify -----


def test_verify_round_without_result__refused_e119(roles: Roles) -> None:
    project = roles.create()
    for seat in range(2):
        roles("trainer", "join", project, "--yes", key=FIRST_TRAINER + seat)
    roles.fund(project, 1)
    roles.owner.send("open", project)

    said = roles("aggregator", "verify", project, 1)

    assert (said.code, said.error["code"]) == (2, "E119")
    assert "has no result to verify; it is in COMMIT" in said.error["error"]


@pytest.mark.parametrize("words", [(1, 0), (0, 1), (1,), ("one", 1)])
def test_verify_wrong_arguments__usage_error(roles: Roles, words: tuple[object, ...]) -> None:
    said = roles("aggregator", "verify", *words)

    assert (said.code, said.error["code"]) == (2, "E100")


def test_verify_unknown_project__refused(roles: Roles) -> None:
    said = roles("aggregator", "verify", 99, 1)

    assert said.code in (2, 6)
    assert not said.out


def test_commands_without_node__refused_e206(roles: Roles, ending: int) -> None:
    said = roles("aggregator", "verify", ending, 1, "--rpc", "http://127.0.0.1:1")

    assert (said.code, said.error["code"]) == (4, "E206")


def test_daemons_started_together__only_one_of_one_key(roles: Roles) -> None:
    project, daemons = roles.create(), Daemons(roles)
    for name in ("first", "second"):
        daemons.start(name, "aggregator", "run", project, "--devnet-key", AGGREGATOR, *QUICK)

    daemons.wait_for(lambda: bool(daemons.failed()))
    roles.owner.send("stop", project)
    daemons.wait_for(lambda: all(code.done() for code in daemons.codes.values()))

    assert sorted(code.result() for code in daemons.codes.values()) == [0, 2]
