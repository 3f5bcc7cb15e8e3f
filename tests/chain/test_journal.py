"""The journal survives what processes and disks do to files."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from market.chain.journal import FAILED, LOST, MINED, SIGNED, Journal, Record, journal_path
from market.errors import ChainError

ACCOUNT = "0x" + "Aa" * 20
RECORD = Record("pay/1", SIGNED, 1, ACCOUNT, "0x" + "Bb" * 20, 4, "0x01", "0xraw", "content")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "journal" / "1.jsonl"


def open_journal(path: Path) -> Journal:
    return Journal(path, 1, ACCOUNT)


def write(path: Path, *records: Record) -> Journal:
    journal = open_journal(path)
    with journal.locked():
        for record in records:
            journal.append(record)
    return journal


@pytest.mark.parametrize("state", [MINED, FAILED, LOST])
def test_close_intent__state_and_raw_transaction_survive_a_restart(path: Path, state: str) -> None:
    journal = write(path, RECORD)
    with journal.locked():
        journal.close_intent(RECORD.key, state, RECORD, 9)

    intent = open_journal(path).intents[RECORD.key]
    assert (intent.state, intent.newest) == (state, RECORD)


def test_append_second_fee__both_attempts_kept(path: Path) -> None:
    write(path, RECORD, replace(RECORD, hash="0x02"))
    assert [attempt.hash for attempt in open_journal(path).intents[RECORD.key].attempts] == ["0x01", "0x02"]


def test_append_other_nonce__earlier_attempts_no_longer_count(path: Path) -> None:
    write(path, RECORD, replace(RECORD, hash="0x02", nonce=5))
    assert [attempt.hash for attempt in open_journal(path).intents[RECORD.key].attempts] == ["0x02"]


def test_live__ordered_by_nonce_without_closed_ones(path: Path) -> None:
    journal = write(
        path,
        replace(RECORD, intent="b", nonce=6),
        replace(RECORD, intent="a"),
        replace(RECORD, intent="c", nonce=5),
    )
    with journal.locked():
        journal.close_intent((RECORD.to.lower(), "c"), MINED, replace(RECORD, intent="c", nonce=5))
    assert [intent.newest.intent for intent in open_journal(path).live()] == ["a", "b"]


def test_locked__reads_what_another_process_wrote(path: Path) -> None:
    reader = open_journal(path)
    write(path, RECORD)
    assert not reader.intents
    with reader.locked():
        assert RECORD.key in reader.intents


@pytest.mark.parametrize("cut", [1, 10, 100])
def test_open_torn_last_line__dropped_and_next_append_is_whole(path: Path, cut: int) -> None:
    write(path, RECORD, replace(RECORD, intent="pay/2", nonce=5))
    path.write_bytes(path.read_bytes()[:-cut])

    journal = write(path, replace(RECORD, intent="pay/3", nonce=5))

    assert sorted(intent for _, intent in journal.intents) == ["pay/1", "pay/3"]
    assert sorted(intent for _, intent in open_journal(path).intents) == ["pay/1", "pay/3"]


@pytest.mark.parametrize("line", [b"not json\n", b'{"intent": "x"}\n', b"\xff\xfe\n"])
def test_open_damaged_line__e208_names_the_file(path: Path, line: bytes) -> None:
    write(path, RECORD)
    path.write_bytes(line + path.read_bytes())
    with pytest.raises(ChainError, match=r"E208 damaged journal.*1.jsonl line 1"):
        open_journal(path)


@pytest.mark.parametrize(("chain", "account"), [(2, ACCOUNT), (1, "0x" + "cc" * 20)])
def test_open_journal_of_other_chain_or_key__e208(path: Path, chain: int, account: str) -> None:
    write(path, RECORD)
    with pytest.raises(ChainError, match=r"E208 .* belongs to chain 1"):
        Journal(path, chain, account)


def test_journal_path__differs_by_genesis(tmp_path: Path) -> None:
    names = {journal_path(tmp_path, 31337, "0x" + text * 32, ACCOUNT).name for text in ("aa", "bb")}
    assert len(names) == 2


def test_memory_journal__keeps_nothing_on_disk(tmp_path: Path) -> None:
    journal = Journal(None, 1, ACCOUNT)
    with journal.locked():
        journal.append(RECORD)
    assert list(tmp_path.iterdir()) == []
    assert len(journal.live()) == 1
