"""`fairtrain project` from creation to refund, on a real chain: what it prints, sends and refuses."""

import json
from pathlib import Path

import pytest

from market.admission import admission_root
from market.chain.deployment import Deployment
from market.codec import MODEL, encode, model_root
from market.description import parse
from market.devnet import Devnet, dev_account
from market.initial import initial_model
from market.params import DAY
from tests.cli.project_world import FIRST_TRAINER, OWNER, PARAMETERS, Terminal, World
from tests.fixtures_chain import MakeGateway

pytestmark = pytest.mark.chain
STRANGER = dev_account(30).address


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


# ----- create -----


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


# ----- fund, stop, refund, withdraw -----


def test_fund__locks_the_amount(terminal: Terminal, make_gateway: MakeGateway):
    project = terminal.create("--pot", "0.1")

    said = terminal("fund", project, "0.25", key=FIRST_TRAINER)

    assert (said.code, said.body["rounds"], said.body["escrow_wei"]) == (0, 2, str(10**18 // 4))
    assert make_gateway().project(project).escrow == 10**18 // 4


@pytest.mark.parametrize(
    ("amount", "code", "exit_code"), [("0", "E108", 2), ("lots", "E108", 2), ("20000", "E205", 4)]
)
def test_fund_bad_amount__refuses(terminal: Terminal, amount: str, code: str, exit_code: int):
    said = terminal("fund", terminal.create(), amount, key=OWNER)

    assert (said.code, said.error["code"]) == (exit_code, code)


def test_fund_unknown_project__refuses(terminal: Terminal):
    said = terminal("fund", 9, "1", key=OWNER)

    assert (said.code, said.error["code"]) == (6, "MarketUnknownProject")


def test_stop_refund_withdraw__bring_the_whole_escrow_back(terminal: Terminal, make_gateway: MakeGateway):
    project = terminal.create()
    terminal("fund", project, "0.25", key=OWNER)
    before = make_gateway().balance(STRANGER)

    stopped = terminal("stop", project, key=OWNER)
    refunded = terminal("refund", project, key=FIRST_TRAINER)
    withdrawn = terminal("withdraw", "--to", STRANGER, key=OWNER)

    assert (stopped.code, refunded.code, withdrawn.code) == (0, 0, 0)
    assert refunded.body["escrow_wei"] == withdrawn.body["amount_wei"] == str(10**18 // 4)
    assert make_gateway().balance(STRANGER) - before == 10**18 // 4
    assert make_gateway().held("0x" + "00" * 20) == 0


def test_stop_by_another_key__refuses(terminal: Terminal):
    said = terminal("stop", terminal.create(), key=FIRST_TRAINER)

    assert (said.code, said.error["code"]) == (6, "MarketNotOwner")


def test_stop_twice__refuses(terminal: Terminal):
    project = terminal.create()
    assert terminal("stop", project, key=OWNER).code == 0

    said = terminal("stop", project, key=OWNER)

    assert (said.code, said.error["code"]) == (6, "MarketProjectStopped")


def test_refund_of_a_running_project__refuses(terminal: Terminal):
    said = terminal("refund", terminal.create(), key=OWNER)

    assert (said.code, said.error["code"]) == (6, "MarketStillRunning")


def test_withdraw_without_credit__refuses(terminal: Terminal):
    said = terminal("withdraw", key=OWNER)

    assert (said.code, said.error["code"]) == (6, "MarketNothingDue")


def test_withdraw_to_no_address__refuses(terminal: Terminal):
    said = terminal("withdraw", "--to", "me", key=OWNER)

    assert (said.code, said.error["code"]) == (2, "E101")


# ----- list, show, advance -----


def test_list__shows_newest_first_and_filters_by_owner(terminal: Terminal):
    assert terminal("list").body["projects"] == []
    terminal.create()
    terminal("create", "--description", terminal.description, key=FIRST_TRAINER)

    both = terminal("list").body["projects"]
    mine = terminal("list", "--owner", dev_account(OWNER).address.lower()).body["projects"]

    assert [(row["project"], row["name"], row["state"]) for row in both] == [
        (2, "flowers", "running"),
        (1, "flowers", "running"),
    ]
    assert [row["project"] for row in mine] == [1]
    assert "flowers" in terminal("list", as_json=False).out


def test_list_without_its_store__still_lists(terminal: Terminal):
    terminal.create()

    said = terminal("list", "--store", f"folder:{terminal.home / 'other'}")

    assert [(row["project"], row["name"]) for row in said.body["projects"]] == [(1, "")]


def test_show_new_project__names_what_is_missing(terminal: Terminal):
    project = terminal.create()

    said, page = terminal("show", project, as_json=False), terminal("show", project).body

    assert "no round yet: 0 trainers, 2 needed, escrow below one pot" in said.out
    assert f"fairtrain project fund {project}" in said.out
    assert (page["state"], page["rounds"], page["seats"], page["accounts_of"]) == ("running", [], [], 0)


def test_show_unknown_project__refuses(terminal: Terminal):
    said = terminal("show", 1)

    assert (said.code, said.error["code"]) == (6, "MarketUnknownProject")


def test_show_commit_then_reveal__counts_with_the_quorum(terminal: Terminal, running: World):
    assert terminal("advance", running.project, key=OWNER).body["done"][0]["call"] == "open"

    commit = terminal("show", running.project, as_json=False).out
    running.seal_and_reveal(1)
    aggregate = terminal("show", running.project, as_json=False).out

    assert "round 1 is in COMMIT: 0 sealed, 2 needed, 2 still expected" in commit
    assert "round 1 is in AGGREGATE: 2 updates wait for a result" in aggregate


def test_show_after_a_result__reads_seats_from_its_document(terminal: Terminal, running: World):
    running.play(1, pays=(3000, 4000))

    page = terminal("show", running.project).body

    assert page["accounts_of"] == 1
    assert [(seat["pay_wei"], seat["reputation"], seat["verdict"]) for seat in page["seats"]] == [
        ("3000", 8193, "honest"),
        ("4000", 8193, "honest"),
    ]
    assert (page["rounds"][0]["phase"], page["rounds"][0]["result"]["included"]) == ("standing", 2)
    assert page["money"] == {
        "funded_wei": "40000",
        "escrow_wei": "30000",
        "reserved_wei": "10000",
        "bucket_wei": "0",
        "penalty_pool_wei": "0",
        "fees_wei": "0",
        "paid_wei": "0",
        "flat_open_wei": "0",
        "flat_taken_wei": "0",
        "refunded_wei": "0",
    }


def test_show_final_round__says_where_the_money_went(terminal: Terminal, running: World):
    running.play(1, pays=(3000, 4000))
    running.chain.advance(running.params.windows.challenge)
    terminal("advance", running.project, key=OWNER)

    money = terminal("show", running.project).body["money"]

    # 10,000 = 500 fee + 7,000 pay + 2,500 back; the next round has taken its pot
    expected = {
        "funded": 40_000,
        "escrow": 22_500,
        "reserved": 10_000,
        "bucket": 7_000,
        "paid": 7_000,
        "fees": 500,
    }
    assert {name: int(money[f"{name}_wei"]) for name in expected} == expected
    assert money["funded_wei"] == str(22_500 + 10_000 + 7_000 + 500)


def test_show_without_the_document__says_so_and_shows_the_rest(terminal: Terminal, running: World):
    running.play(1, pays=(3000, 4000))

    said = terminal("show", running.project, "--store", f"folder:{terminal.home / 'other'}")

    assert said.code == 0
    assert said.body["accounts_of"] is None
    assert [seat["pay_wei"] for seat in said.body["seats"]] == [None, None]
    assert any("accounts of round 1 cannot be read: E143" in note for note in said.body["notes"])


def test_show_accounts_that_do_not_hash_to_their_root__are_not_shown(terminal: Terminal, running: World):
    running.posters.send("open", running.project)
    running.seal_and_reveal(1)
    honest = running._document
    running._document = lambda *args: honest(*args).replace(b'"pay":"3000"', b'"pay":"9000"')  # type: ignore[method-assign]
    running.post(1, pays=(3000, 4000))

    said = terminal("show", running.project)

    assert said.body["accounts_of"] is None
    assert any("E113" in note for note in said.body["notes"])


def test_advance__does_every_due_call_once(terminal: Terminal, running: World):
    running.play(1)
    running.chain.advance(running.params.windows.challenge)

    said = terminal("advance", running.project, key=FIRST_TRAINER)
    again = terminal("advance", running.project, key=FIRST_TRAINER)

    assert [(one["call"], one["round"]) for one in said.body["done"]] == [("finalise", 1), ("open", 2)]
    assert again.body["done"] == []
    assert again.body["next_at"] == running.posters.round(running.project, 2).commit_end


def test_advance_before_the_window_ends__finalises_nothing(terminal: Terminal, running: World):
    running.play(1)

    said = terminal("advance", running.project, key=OWNER)

    assert [one["call"] for one in said.body["done"]] == ["open"]


def test_advance_without_aggregator__flattens_and_the_rest_is_refunded(terminal: Terminal, running: World):
    terminal("advance", running.project, key=OWNER)
    running.seal_and_reveal(1)
    running.chain.advance(running.params.windows.dead)
    terminal("stop", running.project, key=OWNER)

    said = terminal("advance", running.project, key=FIRST_TRAINER)
    refunded = terminal("refund", running.project, key=FIRST_TRAINER)
    money = terminal("show", running.project).body["money"]

    assert [one["call"] for one in said.body["done"]] == ["flatten"]
    assert (money["flat_open_wei"], money["reserved_wei"], money["refunded_wei"]) == ("10000", "0", "30000")
    assert refunded.body["escrow_wei"] == "30000"


def test_advance_nothing_due__says_so(terminal: Terminal):
    project = terminal.create()

    said = terminal("advance", project, as_json=False, key=OWNER)

    assert said.code == 0
    assert "nothing is due" in said.out


def test_advance_without_key__refuses(terminal: Terminal):
    assert terminal("advance", terminal.create()).error["code"] == "E211"


def test_project_without_node__refuses(terminal: Terminal):
    terminal.chain = Devnet("anvil", 1, 0)

    said = terminal("list")

    assert (said.code, said.error["code"]) == (4, "E206")
