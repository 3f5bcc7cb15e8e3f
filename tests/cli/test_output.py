"""What people see: tables that fit eighty columns, paths and amounts as they would write them."""

from __future__ import annotations

from pathlib import Path

import pytest

from market.cli.output import Output, amount, short, shown
from market.cli.project.show import share

COLUMNS = ["seat#", "signer", "stake#", "sealed#", "rep.#", "pay#", "claimed#", "penalty#", "verdict"]
ROW = (12, "0x8492…Eb78", "0.9999…", 13, "0.500", "3.8150…", "3.8150…", "0.3333…", "unreliable")


def test_table_of_nine_columns__each_row_stays_on_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    Output().table("seats", COLUMNS, [ROW])
    lines = capsys.readouterr().out.splitlines()
    (row,) = [line for line in lines if "0x8492" in line]
    assert row.split() == [str(cell) for cell in ROW]
    assert max(map(len, lines)) <= 80


def test_table_column_without_name__has_no_heading(capsys: pytest.CaptureFixture[str]) -> None:
    Output().table("", ["", "value#"], [("pot", 1)])
    assert "#" not in capsys.readouterr().out


def test_line_in_a_file__is_never_broken(capsys: pytest.CaptureFixture[str]) -> None:
    Output().line("word " * 60)
    assert capsys.readouterr().out == "word " * 60 + "\n"


@pytest.mark.parametrize(
    ("below", "expected"), [(("play", "a.json"), "play/a.json"), (("..", "a.json"), None)]
)
def test_shown__relative_only_below_the_current_folder(
    below: tuple[str, ...], expected: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    path = (tmp_path / "here").joinpath(*below).resolve()
    assert shown(path) == (expected or str(path))


@pytest.mark.parametrize(
    ("reputation", "text"), [(0, "0.000"), (8_192, "0.500"), (16_383, "0.999"), (16_384, "1.000")]
)
def test_share__full_reputation_is_one(reputation: int, text: str) -> None:
    assert share(reputation) == text


def test_amount_and_short__as_people_write_them() -> None:
    assert amount(125 * 10**14) == "0.0125 ETH"
    assert short("0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266") == "0xf39F…2266"
