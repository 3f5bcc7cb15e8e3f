"""Nothing of the machine or of a person gets into the repository: no home folders, no keys, no private hosts."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from eth_account import Account
from sources import shown, tracked

from market.devnet import dev_account

HOME = re.compile(r"(?<![\w.])(?:/(?:(?:home|Users|work)/\w|root/|tmp/\w+_\w)|[A-Z]:\\Users)")
"""Folders of one machine or person: homes, work folders, scratch folders with a name of their own."""
KEY = re.compile(r"(?<![0-9a-fA-Fx])(?:0x)?([0-9a-fA-F]{64})(?![0-9a-fA-F])")
SECRET = re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY|\bgh[pous]_[A-Za-z0-9]{30}|\bAKIA[0-9A-Z]{16}\b")
SELF = "tests/meta/test_no_leaks.py"
KEYLIKE = re.compile(r"(?i)(private.?key|secret|mnemonic)\W{0,4}$")
"""What stands before a number that is meant as a key."""


def texts() -> list[tuple[str, str]]:
    """Tracked text files without lock files, whose hashes and hosts are not ours."""
    found = []
    for path in tracked():
        if path.name.endswith((".lock", "lock.json", ".sum")) or shown(path) == SELF:
            continue
        data = path.read_bytes()
        if b"\0" not in data[:8_000]:
            found.append((shown(path), data.decode("utf-8", "replace")))
    return found


def test_texts__no_home_folder_and_no_secret() -> None:
    strays = [
        f"{name}: {match[0]}"
        for name, text in texts()
        for pattern in (HOME, SECRET)
        for match in pattern.finditer(text)
    ]

    assert not strays


def test_texts__no_private_key_but_the_devnets() -> None:
    """A 32-byte number whose account somebody might use: only those everybody has."""
    public = {bytes(dev_account(number).key).hex() for number in range(50)}
    strays = []
    for name, text in texts():
        for match in KEY.finditer(text):
            meant = KEYLIKE.search(text[max(0, match.start() - 40) : match.start()])
            if meant and match[1].lower() not in public:
                strays.append(f"{name}: {match[1][:8]}..")

    assert not strays


def test_tracked_files__no_keystore_no_password_no_data() -> None:
    names = [Path(shown(path)) for path in tracked()]
    wrong = [name for name in names if name.suffix in (".pem", ".key", ".sqlite", ".pkl", ".pt", ".log")]

    assert not wrong
    assert not [name for name in names if "keystores" in name.parts or name.name in (".env", "password")]


def test_key_pattern__finds_a_key_where_one_stands() -> None:
    key = bytes(Account.create().key).hex()
    for before in ("private_key = '", "PRIVATE KEY: 0x", 'secret="'):
        text = before + key
        match = KEY.search(text)
        assert match is not None
        assert KEYLIKE.search(text[: match.start()].rstrip())


@pytest.mark.parametrize("place", ["home/somebody", "Users/me", "work/here", "root/x", "tmp/run_1"])
def test_home_pattern__finds_absolute_places_alone(place: str) -> None:
    assert HOME.search(f"see /{place}")
    assert not HOME.search(f"var/{place} or ../{place}")
