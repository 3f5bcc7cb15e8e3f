"""The keystore: format, refusals, derived secrets, and that no key shows up anywhere."""

import json
import os
import pickle
from pathlib import Path

import pytest
from eth_account import Account

from market import keystore
from market.errors import KeystoreError
from market.keystore import (
    WEAK,
    address_of,
    create,
    find_password,
    hkdf_sha256,
    import_key,
    open_key,
    seal_salt,
)

SECRET = bytes(range(1, 33))
MARKET = "0x" + "11" * 20


@pytest.fixture
def path(tmp_path: Path) -> Path:
    import_key(tmp_path / "key.json", SECRET, "right", WEAK)
    return tmp_path / "key.json"


def test_create__makes_a_private_file_that_opens(tmp_path: Path):
    made = create(tmp_path / "new" / "key.json", "pass", WEAK)
    assert open_key(tmp_path / "new" / "key.json", "pass").address == made.address
    assert (tmp_path / "new" / "key.json").stat().st_mode & 0o777 == 0o600
    assert [entry.name for entry in (tmp_path / "new").iterdir()] == ["key.json"]


def test_import_key__is_read_by_other_software(path: Path):
    document = json.loads(path.read_bytes())
    assert document["version"] == 3
    assert bytes(Account.decrypt(document, "right")) == SECRET


@pytest.mark.parametrize("form", [SECRET.hex(), "0x" + SECRET.hex(), f"  {SECRET.hex()}\n"])
def test_import_key_from_text__gives_the_same_account(tmp_path: Path, form: str):
    assert import_key(tmp_path / "k", form, "p", WEAK).address == Account.from_key(SECRET).address


@pytest.mark.parametrize("bad", ["", "0x12", "zz" * 32, "11" * 31, "11" * 33, bytes(32), b"\xff" * 32, b"x"])
def test_import_key_not_a_key__refuses_without_quoting_it(tmp_path: Path, bad: str | bytes):
    with pytest.raises(KeystoreError) as caught:
        import_key(tmp_path / "k", bad, "p", WEAK)
    assert str(caught.value) == "E213 not a private key: expected 32 bytes as 64 hex digits"
    assert caught.value.__cause__ is None
    assert not (tmp_path / "k").exists()


def test_import_key_over_existing__keeps_the_old(path: Path):
    before = path.read_bytes()
    with pytest.raises(KeystoreError, match=r"E212 .* exists already"):
        create(path, "other", WEAK)
    assert path.read_bytes() == before
    assert [entry.name for entry in path.parent.iterdir()] == ["key.json"]


def test_create_empty_password__refuses(tmp_path: Path):
    with pytest.raises(KeystoreError, match="E214"):
        create(tmp_path / "k", "", WEAK)


def test_create_where_it_cannot_write__refuses(tmp_path: Path):
    (tmp_path / "file").touch()
    with pytest.raises(KeystoreError, match="E215 cannot write keystore"):
        create(tmp_path / "file" / "key.json", "p", WEAK)


def test_open_key_wrong_password__says_so(path: Path):
    with pytest.raises(KeystoreError, match="E210 cannot open keystore: wrong password"):
        open_key(path, "wrong")


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o644, 0o660, 0o700 | 0o001])
def test_open_key_readable_by_others__refuses(path: Path, mode: int):
    path.chmod(mode)
    with pytest.raises(KeystoreError, match=rf"E211 .*mode {mode:04o}, expected 0600; run: chmod 600"):
        open_key(path, "right")


@pytest.mark.parametrize("mode", [0o600, 0o400])
def test_open_key_private_modes__opens(path: Path, mode: int):
    path.chmod(mode)
    assert open_key(path, "right").address == Account.from_key(SECRET).address


def test_open_key_missing_link_or_pipe__refuses(path: Path):
    link, pipe = path.with_name("link"), path.with_name("pipe")
    link.symlink_to(path)
    os.mkfifo(pipe, 0o600)
    with pytest.raises(KeystoreError, match="E210 cannot open keystore: no such file"):
        open_key(path.with_name("absent"), "p")
    with pytest.raises(KeystoreError, match="E210"):
        open_key(link, "right")
    with pytest.raises(KeystoreError, match="E210 cannot open keystore: not a regular file"):
        open_key(pipe, "right")


def _changed(path: Path, change) -> None:
    document = json.loads(path.read_bytes())
    change(document)
    path.write_text(json.dumps(document))


@pytest.mark.parametrize(
    "change",
    [
        lambda d: d.update(version=4),
        lambda d: d.pop("crypto"),
        lambda d: d["crypto"].update(kdf="md5"),
        lambda d: d["crypto"]["kdfparams"].update(n=1 << 21),
        lambda d: d["crypto"]["kdfparams"].update(n="big"),
        lambda d: d["crypto"]["kdfparams"].update(p=17),
        lambda d: d["crypto"]["kdfparams"].update(n=1_000),
        lambda d: d["crypto"].update(mac="zz"),
        lambda d: d.update(address="11" * 20),
        lambda d: d.update(address="\x1b[31m"),
        lambda d: d.pop("address"),
    ],
)
def test_open_key_damaged__refuses_without_work(path: Path, change):
    _changed(path, change)
    with pytest.raises(KeystoreError, match=r"E210 cannot open keystore: (damaged|wrong)"):
        open_key(path, "right")


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"null", b"\xff", b"[" * 60_000, b" " * 70_000])
def test_open_key_not_a_keystore__refuses(path: Path, content: bytes):
    path.write_bytes(content)
    with pytest.raises(KeystoreError, match="E210"):
        open_key(path, "right")


def test_address_of__needs_no_password(path: Path):
    assert address_of(path) == Account.from_key(SECRET).address


def test_key__is_never_shown(path: Path, capsys: pytest.CaptureFixture[str]):
    key = open_key(path, "right")
    shown = f"{key} {key!r} {key.account} {key.account!r} {vars(key).keys()}"
    assert SECRET.hex() not in shown
    assert str(int.from_bytes(SECRET, "big")) not in shown
    assert SECRET.hex() not in path.read_text()
    with pytest.raises(TypeError):
        pickle.dumps(key)


def test_find_password__prefers_file_then_environment_then_prompt(tmp_path: Path):
    file = tmp_path / "password"
    file.write_bytes("päss\r\nrest".encode())
    file.chmod(0o600)
    environ = {"FAIRTRAIN_PASSWORD": "env"}
    assert find_password(lambda: "asked", file, environ) == "päss"
    assert find_password(lambda: "asked", None, environ) == "env"
    assert find_password(lambda: "asked", None, {}) == "asked"


def test_find_password_without_any__refuses(tmp_path: Path):
    with pytest.raises(KeystoreError, match="E214 no password: set FAIRTRAIN_PASSWORD"):
        find_password(None, None, {})
    file = tmp_path / "password"
    file.write_bytes(b"\xff")
    file.chmod(0o644)
    with pytest.raises(KeystoreError, match="E211"):
        find_password(None, file, {})
    file.chmod(0o600)
    with pytest.raises(KeystoreError, match="E214 password file is not UTF-8"):
        find_password(None, file, {})


def test_hkdf_sha256__gives_the_vectors_of_rfc_5869():
    output = hkdf_sha256(b"\x0b" * 22, bytes(range(13)), bytes(range(0xF0, 0xFA)), 42)
    assert output.hex() == (
        "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865"
    )
    output = hkdf_sha256(b"\x0b" * 22, b"", b"", 42)
    assert output.hex() == (
        "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d9d201395faa4b61a96c8"
    )


def test_seal_salt__differs_by_every_argument_and_repeats(path: Path):
    key = open_key(path, "right")
    salts = [
        seal_salt(SECRET, 1, MARKET, 1, 1),
        seal_salt(bytes(31) + b"\1", 1, MARKET, 1, 1),
        seal_salt(SECRET, 2, MARKET, 1, 1),
        seal_salt(SECRET, 1, "0x" + "22" * 20, 1, 1),
        seal_salt(SECRET, 1, MARKET, 2, 1),
        seal_salt(SECRET, 1, MARKET, 1, 2),
        key.training_seed(1, MARKET, 1),
        key.training_seed(1, MARKET, 2),
    ]
    assert len(set(salts)) == len(salts)
    assert {len(salt) for salt in salts} == {32}
    assert key.seal_salt(1, MARKET, 1, 1) == salts[0]
    assert SECRET not in salts


def test_costs__are_what_the_docs_say():
    assert keystore.STRONG == 262_144
    assert 128 * 8 * keystore.STRONG <= keystore.MAX_SCRYPT_BYTES
