"""`fairtrain project create`: what it freezes and publishes, and everything that it refuses before sending."""

import json

import pytest

from market.admission import admission_root
from market.codec import MODEL, encode, model_root
from market.description import parse
from market.devnet import dev_account
from market.initial import initial_model
from market.params import DAY
from tests.cli.project_world import FIRST_TRAINER, OWNER, PARAMETERS, Terminal
from tests.fixtures_chain import MakeGateway

pytestmark = pytest.mark.chain
STRANGER = dev_account(30).address


def test_create__publishes_what_the_chain_names(terminal: Terminal, make_gateway: MakeGateway):
    said = terminal("create", "--description", terminal.description, "--seats", 3, key=OWNER)

    assert said.code == 0
    assert said.body["project"] == 1
    params, content = make_gateway().params(1)
    made = parse(terminal.description.read_bytes())
    model = encode(initial_model(made), MODEL)
    assert content.model_root == model_root(model)
    assert (params.coefficients, params.seats, params.expected_seats) == (PARAMETERS, 3, 3)
    kept = [path.read_bytes() for path in (terminal.home / "store").rglob("b*") if path.is_file()]
    assert sorted(kept) == sorted([made.to_bytes(), model])


def test_create_for_people__shows_what_is_frozen_and_what_comes_next(terminal: Terminal):
    said = terminal("create", "--description", terminal.description, as_json=False, key=OWNER)

    assert said.code == 0
    for text in (
        "project 1: Three kinds of iris",
        "0.000000000000015 ETH",
        "fairtrain project fund 1 AMOUNT",
    ):
        assert text in said.out


def test_create_with_every_term__freezes_each(terminal: Terminal, make_gateway: MakeGateway):
    words = [
        "--pot",
        "0.5",
        "--seats",
        5,
        "--min-seals",
        3,
        "--expected",
        4,
        "--fee-bps",
        1000,
        "--stake",
        "1",
    ]
    words += ["--bond-floor", "2", "--open-rounds", 3, "--ends-in", "30d", "--commit", "5m", "--dead", 90]
    said = terminal("create", "--description", terminal.description, *words, key=OWNER)

    assert said.code == 0
    params, _ = make_gateway().params(1)
    ether = 10**18
    assert (params.pot, params.min_stake, params.bond_floor) == (ether // 2, ether, 2 * ether)
    assert (params.seats, params.min_seals, params.expected_seats) == (5, 3, 4)
    assert (params.fee_bps, params.open_rounds) == (1000, 3)
    assert (params.windows.commit, params.windows.reveal, params.windows.dead) == (300, 10, 90)
    created_at = int(terminal.chain.request("eth_getBlockByNumber", "latest", False)["timestamp"], 16)
    assert 0 <= created_at + 30 * DAY - params.end_date <= 5


def test_create_dry_run__sends_and_stores_nothing(terminal: Terminal, make_gateway: MakeGateway):
    said = terminal("create", "--description", terminal.description, "--dry-run")

    assert (said.code, said.body["project"], said.body["sent"]) == (0, None, False)
    assert make_gateway().project_count() == 0
    assert not (terminal.home / "store").exists()


def test_create_with_model_file__says_that_trainers_must_trust_it(
    terminal: Terminal, make_gateway: MakeGateway
):
    file = terminal.home / "first.i32"
    file.write_bytes(bytes(MODEL.file_bytes(PARAMETERS)))
    words = ["create", "--description", terminal.description, "--model", file]
    for_people = terminal(*words, as_json=False, key=OWNER)
    said = terminal(*words, key=OWNER)

    assert "--trust-model" in for_people.out
    assert said.body["public_model"] is False
    assert make_gateway().params(2)[1].model_root == model_root(file.read_bytes())


def test_create_with_the_seed_s_own_model__needs_no_trust(terminal: Terminal):
    file = terminal.home / "first.i32"
    file.write_bytes(encode(initial_model(parse(terminal.description.read_bytes())), MODEL))

    said = terminal("create", "--description", terminal.description, "--model", file, key=OWNER)

    assert said.body["public_model"] is True


def test_create_with_admission_file__freezes_its_root(terminal: Terminal, make_gateway: MakeGateway):
    admitted = [dev_account(FIRST_TRAINER + i).address for i in range(3)]
    file = terminal.home / "admitted.txt"
    file.write_text("# our partners\n" + "\n".join(f"{a.lower()}  # partner" for a in admitted) + "\n\n")

    project = terminal.create("--admission", file)

    assert make_gateway().params(project)[0].admission_root == admission_root(admitted)


@pytest.mark.parametrize(
    ("words", "name", "hint"),
    [
        (["--seats", "301"], "MarketTooManySeats", "--seats"),
        (["--seats", "2", "--expected", "3"], "MarketSeatCounts", "--expected"),
        (["--min-seals", "3", "--seats", "4", "--expected", "2"], "MarketSeatCounts", "--min-seals"),
        (["--pot", "3999wei", "--seats", "4"], "MarketPotTooSmall", "--pot"),
        (["--stake", "4999wei"], "MarketStakeTooLow", "--stake"),
        (["--fee-bps", "1001"], "MarketFeeTooHigh", "--fee-bps"),
        (["--open-rounds", "4"], "MarketOpenRoundsOutOfRange", "--open-rounds"),
        (["--ends-in", "0"], "MarketEndDateOutOfRange", "--ends-in"),
        (["--ends-in", "1096d"], "MarketEndDateOutOfRange", "--ends-in"),
        (["--commit", "0"], "MarketWindowOutOfRange", "--commit"),
        (["--first-right", "3"], "MarketProposedWindow", "--proposed"),
        (["--answer", "2"], "MarketChallengeTooShort", "--challenge"),
        (["--answer", "2", "--challenge", "14"], "MarketRefuteTooShort", "--refute"),
    ],
)
def test_create_relation_broken__refuses_like_the_contract(
    terminal: Terminal, words: list[str], name: str, hint: str
):
    said = terminal("create", "--description", terminal.description, *words, key=OWNER)

    assert (said.code, said.error["code"]) == (6, name)
    assert hint in said.error["error"]
    assert not (terminal.home / "store").exists()


@pytest.mark.parametrize(
    "words", [["--pot", "4000wei", "--seats", "4"], ["--stake", "5000wei"], ["--fee-bps", "1000"]]
)
def test_create_relation_at_its_limit__passes_here_and_there(terminal: Terminal, words: list[str]):
    assert terminal("create", "--description", terminal.description, *words, key=OWNER).code == 0


@pytest.mark.parametrize(("budget", "code"), [("29999wei", 2), ("30000wei", 0), ("30001wei", 0)])
def test_create_bond_against_budget__refuses_above_it(terminal: Terminal, budget: str, code: int):
    words = ["--pot", "10000wei", "--open-rounds", 2, "--budget", budget]

    said = terminal("create", "--description", terminal.description, *words, "--dry-run")

    assert said.code == code
    if code:
        assert "0.00000000000003 ETH" in said.error["error"]
        assert "--open-rounds" in said.error["error"]


@pytest.mark.parametrize(
    ("words", "code", "text"),
    [
        (["--pot", "0.5.1"], "E108", "--pot"),
        (["--pot", "-1"], "E108", "--pot"),
        (["--pot", "0.5wei"], "E108", "--pot"),
        (["--token", "0x12"], "E101", "0x12"),
        (["--token", STRANGER], "E207", "no ERC-20"),
        (["--admission", "/nowhere"], "E108", "one address a line"),
        (["--model", "/nowhere"], "E130", "/nowhere"),
        (["--budget", "9999wei", "--pot", "10000wei"], "E107", "lower --pot"),
        (["--commit", "5 minutes"], "E100", "30d"),
        (["--seats", "0"], "E100", "--seats"),
    ],
)
def test_create_bad_option__refuses_in_one_line(terminal: Terminal, words: list[str], code: str, text: str):
    said = terminal("create", "--description", terminal.description, *words, key=OWNER)

    assert said.code in (2, 4)
    assert said.error["code"] == code
    assert text in said.error["error"]
    assert said.err.count("\n") == 1


def test_create_without_description__refuses_with_the_command_that_makes_one(terminal: Terminal):
    said = terminal("create", "--description", terminal.home / "none.json", key=OWNER)

    assert (said.code, said.error["code"]) == (2, "E108")
    assert "project describe" in said.error["error"]


def test_create_model_of_wrong_length__refuses(terminal: Terminal):
    file = terminal.home / "first.i32"
    file.write_bytes(bytes(MODEL.file_bytes(PARAMETERS) - 1))

    said = terminal("create", "--description", terminal.description, "--model", file, key=OWNER)

    assert (said.code, said.error["code"]) == (2, "E101")


def test_create_without_seed_or_model__refuses(terminal: Terminal):
    document = json.loads(terminal.description.read_text())
    del document["initialiser"]
    terminal.description.write_text(json.dumps(document))

    said = terminal("create", "--description", terminal.description, key=OWNER)

    assert (said.code, said.error["code"]) == (2, "E183")
    assert "--model FILE" in said.error["error"]


def test_create_without_key__refuses_before_anything(terminal: Terminal):
    said = terminal("create", "--description", terminal.description)

    assert (said.code, said.error["code"]) == (5, "E211")
