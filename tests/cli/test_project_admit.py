"""`fairtrain project admit`: lists of proven trainers, from what nobody can refute any more."""

from dataclasses import replace

import pytest

from market.admission import admission_root
from market.cli.project.admit import Proven, best_of
from market.cli.project.create import read_addresses
from market.devnet import dev_account
from market.records import Account
from tests.cli.project_world import FIRST_TRAINER, OWNER, Terminal, World

pytestmark = pytest.mark.chain
NAMES = [dev_account(FIRST_TRAINER + seat).address for seat in range(2)]


def judged(terminal: Terminal, world: World, reputations: tuple[int, int], penalty: int = 0) -> None:
    """One FINAL round that leaves these reputations (2^14 = 1) and a penalty of seat 1."""
    world.accounts[:2] = [Account(reputation - 1, 0, 0) for reputation in reputations]
    world.accounts[1] = replace(world.accounts[1], penalty=penalty)
    world.play(1)
    world.chain.advance(world.params.windows.challenge)
    assert terminal("advance", world.project, key=OWNER).code == 0


def test_admit__lists_who_reached_both_bounds(terminal: Terminal, running: World):
    judged(terminal, running, (9831, 9830))
    target = terminal.home / "proven.txt"

    said = terminal("admit", running.project, "--reputation", "0.6", "--rounds", 1, "-o", target)

    # 0.6 of 2^14 is 9830.4: the least integer that is not below it is 9831.
    assert read_addresses(target) == NAMES[:1]
    assert said.body["admission_root"] == "0x" + admission_root(NAMES[:1]).hex()
    assert said.body["trainers"] == [
        {"address": NAMES[0], "project": running.project, "reputation": 9831, "rounds": 1}
    ]


def test_admit__is_a_list_that_the_market_enforces(terminal: Terminal, running: World, make_gateway):
    judged(terminal, running, (12000, 5000))
    target = terminal.home / "proven.txt"
    assert terminal("admit", running.project, "--rounds", 1, "-o", target).code == 0
    closed = terminal.create("--admission", target)
    params, _ = running.posters.params(closed)

    assert params.admission_root == admission_root(read_addresses(target))
    listed, other = (make_gateway(FIRST_TRAINER + seat) for seat in range(2))
    stake = params.min_stake
    listed.send("register", closed, 0, NAMES[0], stake, [], value=stake)  # one address: its leaf is the root
    with pytest.raises(Exception, match="MarketNotAdmitted"):
        other.send("register", closed, 1, NAMES[1], stake, [], value=stake)


def test_admit__leaves_out_who_was_called_malicious(terminal: Terminal, running: World):
    judged(terminal, running, (12000, 12000), penalty=1)
    target = terminal.home / "proven.txt"

    assert terminal("admit", running.project, "--rounds", 1, "-o", target).code == 0
    assert read_addresses(target) == NAMES[:1]


def test_admit_with_more_rounds_than_anybody_has__refuses_and_says_the_best(
    terminal: Terminal, running: World
):
    judged(terminal, running, (12288, 9000))
    target = terminal.home / "proven.txt"

    said = terminal("admit", running.project, "--rounds", 2, "-o", target)

    assert (said.code, said.error["code"]) == (2, "E103")
    assert "none of 2 trainers" in said.error["error"]
    assert "0.750" in said.error["error"]
    assert not target.exists()


def test_admit_without_a_final_result__refuses(terminal: Terminal, running: World):
    running.play(1)

    said = terminal("admit", running.project, "-o", terminal.home / "proven.txt")

    assert (said.code, said.error["code"]) == (2, "E109")


@pytest.mark.parametrize(
    ("wish", "code"), [("1", 0), ("0", 0), ("1.01", 2), ("-0.1", 2), ("good", 2), ("nan", 2)]
)
def test_admit_by_reputation__takes_zero_to_one(terminal: Terminal, running: World, wish: str, code: int):
    judged(terminal, running, (16384, 16384))

    said = terminal(
        "admit", running.project, f"--reputation={wish}", "--rounds", 1, "-o", terminal.home / "p"
    )

    assert said.code == code


def test_admit_over_a_file__keeps_it_unless_forced(terminal: Terminal, running: World):
    judged(terminal, running, (12000, 12000))
    target = terminal.home / "proven.txt"
    target.write_text("mine\n")

    assert terminal("admit", running.project, "--rounds", 1, "-o", target).error["code"] == "E108"
    assert target.read_text() == "mine\n"
    assert terminal("admit", running.project, "--rounds", 1, "-o", target, "--force").code == 0
    assert read_addresses(target) == sorted(NAMES, key=str.lower)


def test_best_of__takes_the_best_that_any_project_says() -> None:
    found = [
        Proven("0xB", 1, 9000, 9),
        Proven("0xA", 1, 8000, 9),
        Proven("0xb", 2, 9000, 7),
        Proven("0xA", 3, 8500, 8),
    ]

    assert best_of(found, 8500, 8) == [Proven("0xA", 3, 8500, 8), Proven("0xB", 1, 9000, 9)]
