"""`fairtrain trainer join` and `run`: seats, stakes, admission, and what is refused before the stake is sent."""

from __future__ import annotations

import io
from pathlib import Path

import pytest

from market.admission import admission_root
from market.claims import Place
from market.devnet import dev_account
from market.project_files import only_one, project_folder
from tests.cli.role_world import DATA, FIRST_TRAINER, Roles

pytestmark = pytest.mark.chain
TRAINER = FIRST_TRAINER
ME = dev_account(TRAINER).address


# ----- join -----


def test_join__first_free_seat_and_the_least_stake(roles: Roles) -> None:
    project = roles.create()
    roles("trainer", "join", project, "--yes", "--seat", 0, key=TRAINER + 1)

    said = roles("trainer", "join", project, "--yes", key=TRAINER)

    assert said.body["seat"] == 1
    seat = roles.owner.seat(project, 1)
    assert (seat.signer, seat.payout, seat.stake) == (ME, ME, 3 * 10**18 // 2)


def test_join_with_wishes__payout_and_stake_as_asked(roles: Roles) -> None:
    project, payout = roles.create(), dev_account(30).address

    said = roles(
        "trainer", "join", project, "--yes", "--seat", 2, "--payout", payout, "--stake", "2.5", key=TRAINER
    )

    assert said.code == 0
    seat = roles.owner.seat(project, 2)
    assert (seat.payout, seat.stake) == (payout, 25 * 10**17)


def test_join_twice__same_seat_and_no_second_stake(roles: Roles) -> None:
    project = roles.create()
    roles("trainer", "join", project, "--yes", key=TRAINER)
    before = roles.balance(TRAINER)

    said = roles("trainer", "join", project, "--yes", key=TRAINER)

    assert (said.code, said.body["seat"], roles.balance(TRAINER)) == (0, 0, before)


def test_join_not_confirmed__sends_nothing(roles: Roles, monkeypatch: pytest.MonkeyPatch) -> None:
    project = roles.create()
    monkeypatch.setattr("sys.stdin", io.StringIO("n\n"))

    said = roles("trainer", "join", project, key=TRAINER, as_json=False)

    assert said.code == 130
    assert "E106" in said.err
    assert roles.seats_taken(project) == 0


def test_join_all_seats_taken__refused_e115(roles: Roles) -> None:
    project = roles.create()
    for number in range(3):
        assert roles("trainer", "join", project, "--yes", key=TRAINER + 1 + number).code == 0

    said = roles("trainer", "join", project, "--yes", key=TRAINER)

    assert (said.code, said.error["code"]) == (2, "E115")


def test_join_seat_of_somebody_else__refused_by_the_contract(roles: Roles) -> None:
    project = roles.create()
    roles("trainer", "join", project, "--yes", "--seat", 1, key=TRAINER + 1)

    said = roles("trainer", "join", project, "--yes", "--seat", 1, key=TRAINER)

    assert said.code == 6
    assert said.error["code"].startswith("MarketSeat")


@pytest.mark.parametrize(("stake", "code"), [("1499999999999999999wei", 6), ("1500000000000000000wei", 0)])
def test_join_around_the_least_stake(roles: Roles, stake: str, code: int) -> None:
    assert roles("trainer", "join", roles.create(), "--yes", "--stake", stake, key=TRAINER).code == code


def test_join_wrong_payout__refused_e101_before_the_stake(roles: Roles) -> None:
    project = roles.create()

    said = roles("trainer", "join", project, "--yes", "--payout", "me", key=TRAINER)

    assert (said.code, said.error["code"], roles.seats_taken(project)) == (2, "E101", 0)


# ----- admission -----

ADMITTED = [dev_account(TRAINER + number).address for number in range(3)]


def listed(path: Path, addresses: list[str]) -> Path:
    path.write_text("".join(f"{number},{text}  # from the owner\n" for number, text in enumerate(addresses)))
    return path


def test_join_by_list__admitted(roles: Roles) -> None:
    project = roles.create(admission_root=admission_root(ADMITTED))
    file = listed(roles.home / "list.csv", ADMITTED)

    said = roles("trainer", "join", project, "--yes", "--admission", file, key=TRAINER + 2)

    assert (said.code, said.body["seat"]) == (0, 0)


@pytest.mark.parametrize(
    ("addresses", "code"),
    [
        (None, "E116"),
        (ADMITTED[:2], "E117"),
        ([], "E117"),
        (ADMITTED, "E118"),
    ],
)
def test_join_by_list_not_admitted__refused(roles: Roles, addresses: list[str] | None, code: str) -> None:
    project = roles.create(admission_root=admission_root(ADMITTED))
    words = [] if addresses is None else ["--admission", listed(roles.home / "list.csv", addresses)]

    said = roles("trainer", "join", project, "--yes", *words, key=TRAINER + 9)

    assert (said.code, said.error["code"], roles.seats_taken(project)) == (2, code, 0)


def test_join_by_list_that_is_no_text__refused_e117(roles: Roles) -> None:
    file = roles.home / "list.bin"
    file.write_bytes(b"\xff\xfe\x00")

    said = roles(
        "trainer",
        *("join", roles.create(admission_root=admission_root(ADMITTED)), "--yes", "--admission", file),
        key=TRAINER,
    )

    assert said.error["code"] == "E117"


# ----- run: what is refused before the stake is sent -----


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (None, "E128"),
        ("nowhere.csv", "E125"),
        ("sklearn:iris?part=4&parts=4", "E125"),
        ("sklearn:digits", "E126"),
    ],
)
def test_run_join_bad_data__refused_before_any_stake_is_sent(
    roles: Roles, data: str | None, code: str
) -> None:
    project, before = roles.create(), roles.balance(TRAINER)
    words = [] if data is None else ["--data", data]

    said = roles("trainer", "run", project, "--join", "--yes", *words, key=TRAINER)

    assert (said.code, said.error["code"]) == (2, code)
    assert (roles.seats_taken(project), roles.balance(TRAINER)) == (0, before)


def test_run_without_seat__refused_e127(roles: Roles) -> None:
    said = roles("trainer", "run", roles.create(), "--data", DATA, key=TRAINER)

    assert (said.code, said.error["code"]) == (2, "E127")


def test_run_second_process_on_one_seat__refused_e129(roles: Roles) -> None:
    project = roles.create()
    roles("trainer", "join", project, "--yes", key=TRAINER)
    place = Place(roles.deployment.chain_id, roles.deployment.market)
    folder = project_folder(roles.home, place, project, f"trainer-{ME}")

    with only_one(folder, "this test"):
        said = roles("trainer", "run", project, "--data", DATA, key=TRAINER)

    assert (said.code, said.error["code"]) == (2, "E129")
    assert "runs already" in said.error["error"]


def test_run_description_that_nobody_serves__refused_e143(roles: Roles) -> None:
    project = roles.create()
    for path in (roles.home / "store" / "objects").rglob("baf*"):
        path.unlink()

    said = roles("trainer", "run", project, "--join", "--yes", "--data", DATA, key=TRAINER)

    assert (said.code, said.error["code"], roles.seats_taken(project)) == (3, "E143", 0)
