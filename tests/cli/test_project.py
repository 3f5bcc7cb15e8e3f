"""`fairtrain project` from funding to refund, on a real chain: what it prints, sends and refuses."""

import pytest

from market.devnet import Devnet, dev_account
from tests.cli.project_world import FIRST_TRAINER, OWNER, Terminal, World
from tests.fixtures_chain import MakeGateway

pytestmark = pytest.mark.chain
STRANGER = dev_account(30).address


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


def test_show_without_rounds__still_names_the_head(terminal: Terminal, running: World):
    running.posters.send("open", running.project)

    said = terminal("show", running.project, "--rounds", 0, as_json=False)

    assert said.code == 0
    assert "1 rounds, 1 open" in said.out
