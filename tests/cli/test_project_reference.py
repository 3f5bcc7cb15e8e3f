"""`fairtrain project reference` and the term that it hangs on: who may run it, on what data, and what others see."""

from __future__ import annotations

import pytest

from market.claims import Place
from market.devnet import dev_account
from market.phases import Phase
from market.project_files import only_one, project_folder
from market.seals import is_revealed
from market.units import ZERO_ADDRESS
from tests.cli.project_world import OWNER, Terminal
from tests.cli.role_world import FIRST_TRAINER, PATIENT, Daemons, Roles, data_of
from tests.fixtures_chain import MakeGateway

pytestmark = pytest.mark.chain
REFERENCE = 5
KEY = dev_account(REFERENCE).address
OWN = "sklearn:iris?test=1&limit=20"


# ----- the term -----


def test_create_with_reference_key__frozen_and_shown(terminal: Terminal, make_gateway: MakeGateway) -> None:
    project = terminal.create("--reference-key", KEY.lower())

    assert make_gateway().params(project)[0].reference_key == KEY
    assert terminal("show", project).body["params"]["reference_key"] == KEY
    text = terminal("show", project, as_json=False).out
    assert "they steer weights, 0 % of pay" in text


def test_create_without__no_reference(terminal: Terminal, make_gateway: MakeGateway) -> None:
    project = terminal.create()

    assert make_gateway().params(project)[0].reference_key == ZERO_ADDRESS
    assert terminal("show", project).body["params"]["reference_key"] is None


@pytest.mark.parametrize(
    ("key", "code", "text"),
    [("0x12", "E101", "0x12"), ("me", "E101", "me"), (ZERO_ADDRESS, "E107", "leave it out")],
)
def test_create_with_bad_reference_key__refused(terminal: Terminal, key: str, code: str, text: str) -> None:
    said = terminal("create", "--description", terminal.description, "--reference-key", key, key=OWNER)

    assert (said.code, said.error["code"]) == (2, code)
    assert text in said.error["error"]


def test_create_by_the_reference_key_itself__allowed(terminal: Terminal, make_gateway: MakeGateway) -> None:
    owner = dev_account(OWNER).address

    project = terminal.create("--reference-key", owner)

    assert make_gateway().params(project)[0].reference_key == owner


@pytest.mark.parametrize(
    ("key", "text"), [(KEY, f"{KEY} may steer weights (0 % of pay)"), (ZERO_ADDRESS, "none (0 % of pay)")]
)
def test_terms_for_trainers__say_what_the_reference_can_do(roles: Roles, key: str, text: str) -> None:
    said = roles("trainer", "terms", roles.create(reference_key=key), as_json=False)

    assert text in " ".join(said.out.split())


# ----- refusals -----


def refused(roles: Roles, project: int, *words: object, key: int = REFERENCE) -> str:
    """Code of the refusal."""
    said = roles("project", "reference", project, "--once", *words, key=key)
    assert said.code == 2
    return str(said.error["code"])


def test_project_without_a_reference__refused_e194_with_the_option(roles: Roles) -> None:
    project = roles.create()

    said = roles("project", "reference", project, "--data", OWN, key=REFERENCE)

    assert (said.code, said.error["code"]) == (2, "E194")
    assert "--reference-key" in said.error["error"]


@pytest.mark.parametrize("key", [OWNER, FIRST_TRAINER])
def test_another_key__refused_e195_with_both_keys(roles: Roles, key: int) -> None:
    project = roles.create(reference_key=KEY)

    said = roles("project", "reference", project, "--data", OWN, key=key)

    assert (said.code, said.error["code"]) == (2, "E195")
    assert KEY in said.error["error"]
    assert dev_account(key).address in said.error["error"]


@pytest.mark.parametrize(
    ("words", "code"),
    [
        ([], "E128"),
        (["--data", "sklearn:digits"], "E126"),
        (["--data", "sklearn:roses"], "E125"),
        (["--data", "/nowhere.csv"], "E125"),
    ],
)
def test_data_that_does_not_fit__refused_before_anything_is_sent(
    roles: Roles, words: list[str], code: str
) -> None:
    assert refused(roles, roles.create(reference_key=KEY), *words) == code


def test_second_process__refused_e129(roles: Roles) -> None:
    project = roles.create(reference_key=KEY)
    place = Place(roles.deployment.chain_id, roles.deployment.market)
    with only_one(project_folder(roles.home, place, project, f"reference-{KEY}"), "this test"):
        assert refused(roles, project, "--data", OWN) == "E129"


# ----- running -----


def test_once_before_any_round__ends_and_remembers_the_data(roles: Roles) -> None:
    project = roles.create(reference_key=KEY)
    assert roles("project", "reference", project, "--once", "--data", OWN, key=REFERENCE).body == {
        **{"ok": True, "project": project, "finished": True}
    }

    assert roles("project", "reference", project, "--once", key=REFERENCE).code == 0


def reference_told(roles: Roles, project: int) -> tuple[int, str] | None:
    """What `trainer status` says of the owner's reference, as a document; a line says the same to people."""
    key = FIRST_TRAINER
    told = roles("trainer", "status", project, key=key).body["reference"]
    line = roles("trainer", "status", project, key=key, as_json=False).out
    assert ("owner's reference, round 1" in line) == (told is not None)
    assert told is None or told["state"] in line
    return told and (told["round"], told["state"])


def test_before_the_first_round_and_when_it_stays_away__status_says_so(roles: Roles) -> None:
    project = roles.create(reference_key=KEY)
    for seat in range(2):
        roles("trainer", "join", project, "--yes", key=FIRST_TRAINER + seat)
    assert reference_told(roles, project) is None
    roles.fund(project, 1)
    roles.owner.send("open", project)
    roles.chain.advance(PATIENT.commit + 1)

    assert reference_told(roles, project) == (1, "missing")


def test_with_two_trainers__revealed_in_round_one_and_shown(roles: Roles) -> None:
    project, daemons = roles.create(reference_key=KEY, expected_seats=2), Daemons(roles)
    pace = ("--poll", 0.1, "--chores", 0)
    for seat in range(2):
        words = ("--join", "--yes", "--seat", seat, "--data", data_of(seat), "--device", "cpu", "--rounds", 1)
        daemons.start(
            f"trainer {seat}", "trainer", "run", project, "--devnet-key", FIRST_TRAINER + seat, *words, *pace
        )
    daemons.wait_for(lambda: roles.seats_taken(project) == 2)
    roles.fund(project, 1)
    daemons.wait_for(lambda: roles.owner.round(project, 1).seal_count == 2)
    assert "2 sealed, 2 needed, 0 still expected, reference awaited" in roles(
        "project", "show", project, as_json=False
    ).out.replace("\n", " ")
    assert reference_told(roles, project) == (1, "awaited")
    words = ("--data", OWN, "--device", "cpu", "--rounds", 1)
    daemons.start("reference", "project", "reference", project, "--devnet-key", REFERENCE, *words, *pace)

    daemons.wait_for(lambda: is_revealed(roles.owner.slot(project, 1, 3)))

    assert daemons.codes["reference"].result() == 0
    daemons.wait_for(lambda: roles.owner.phase(project, 1) is Phase.AGGREGATE)
    assert roles("project", "show", project).body["rounds"][0]["reference"] == "revealed"
    assert reference_told(roles, project) == (1, "revealed")
    roles.owner.send("stop", project)
    roles.chain.advance(PATIENT.dead + 1)  # nobody posts: the trainers end with their flat shares
    daemons.wait_for(lambda: all(code.done() for code in daemons.codes.values()))
    assert not daemons.failed()
