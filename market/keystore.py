"""The encrypted key of one account: Web3 Secret Storage v3 (the format of geth and MetaMask exports).

A key in memory is never shown: no `repr`, no error and no log holds it. Seal salts and training seeds are
derived from it, so whoever still has the key can open every seal, whatever files were lost.
"""

from __future__ import annotations

import hmac
import json
import os
import secrets
import stat
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

from eth_account import Account
from eth_account.signers.local import LocalAccount

from market.errors import InputError, KeystoreError
from market.seals import derive_salt
from market.units import Address, address

STRONG: Final = 1 << 18  # scrypt n (r = 8): 256 MiB and about a second; the usual cost
WEAK: Final = 1 << 12  # 4 MiB and some 10 ms: for devnets, where keys guard nothing
MAX_SCRYPT_BYTES: Final = 1 << 30  # 128 n r; a stranger's file must not fill the memory
MAX_PBKDF2_ROUNDS: Final = 10_000_000
MAX_BYTES: Final = 65_536


class Key:
    """An unlocked account: `address` is checksummed, `account` signs. Nothing prints the private key."""

    def __init__(self, private_key: bytes) -> None:
        self._private_key = private_key
        self.account: LocalAccount = Account.from_key(private_key)
        self.address: str = self.account.address

    def __repr__(self) -> str:
        return f"Key({self.address}, private key hidden)"

    def __reduce__(self) -> str:
        raise TypeError("a Key is never pickled")

    def seal_salt(self, chain_id: int, market: str, project: int, round_: int) -> bytes:
        """The 32-byte salt of this account's seal; see `seal_salt`."""
        return seal_salt(self._private_key, chain_id, market, project, round_)

    def training_seed(self, chain_id: int, market: str, project: int) -> bytes:
        """The 32-byte seed of this account's training in a project: secret, and the same after any loss."""
        return training_seed(self._private_key, chain_id, market, project)


def seal_salt(private_key: bytes, chain_id: int, market: str, project: int, round_: int) -> bytes:
    """Salt of the seal, from the key and the place it is for: lost only with the key, of no use elsewhere."""
    secret = hkdf_sha256(private_key, b"fairtrain/seal/1", b"", 32)
    return derive_salt(secret, chain_id, market, project, round_)


def training_seed(private_key: bytes, chain_id: int, market: str, project: int) -> bytes:
    """Seed of an account's training in one project (batches, rounding, noise): secret, as the data is."""
    place = (
        chain_id.to_bytes(32, "big") + bytes.fromhex(market.removeprefix("0x")) + project.to_bytes(32, "big")
    )
    return hkdf_sha256(private_key, b"fairtrain/training/1", place, 32)


def hkdf_sha256(secret: bytes, salt: bytes, info: bytes, length: int) -> bytes:
    """HKDF with SHA-256 (RFC 5869), up to 8,160 bytes."""
    extracted = hmac.digest(salt or bytes(32), secret, "sha256")
    output, block = b"", b""
    for counter in range(1, -(-length // 32) + 1):
        block = hmac.digest(extracted, block + info + bytes([counter]), "sha256")
        output += block
    return output[:length]


def create(path: Path, password: str, cost: int = STRONG) -> Key:
    """A new random account, encrypted into a new file of mode 0600. Raises KeystoreError E212, E214, E215."""
    return import_key(path, bytes(Account.create().key), password, cost)


def import_key(path: Path, private_key: bytes | str, password: str, cost: int = STRONG) -> Key:
    """Encrypt an existing private key (32 bytes, or hex) into a new file of mode 0600.

    Raises KeystoreError E212 the file exists, E213 not a private key, E214 no password, E215 not writable.
    """
    if not password:
        raise KeystoreError("E214", "a keystore needs a password that is not empty")
    try:
        if isinstance(private_key, str):
            private_key = bytes.fromhex(private_key.strip().removeprefix("0x"))
        if len(private_key) != 32:
            raise ValueError
        key = Key(private_key)
    except Exception:  # the cause may quote the key, so it is dropped
        raise KeystoreError("E213", "not a private key: expected 32 bytes as 64 hex digits") from None
    document = Account.encrypt(private_key, password, kdf="scrypt", iterations=cost)
    _write_new(path, json.dumps(document).encode())
    return key


def open_key(path: Path, password: str) -> Key:
    """Decrypt a keystore file. Raises KeystoreError E210 (missing, damaged, wrong password), E211 (mode)."""
    document = _checked(_read_private(path))
    try:
        key = Key(bytes(Account.decrypt(document, password)))
        if key.address != _address(document):
            raise ValueError("address differs")
        return key
    except ValueError as error:
        reason = "wrong password" if "MAC mismatch" in str(error) else "damaged file"
        raise KeystoreError("E210", f"cannot open keystore: {reason}: {path}") from None
    except Exception:
        raise KeystoreError("E210", f"cannot open keystore: damaged file: {path}") from None


def address_of(path: Path) -> Address:
    """The address that the file names, unproved until it is opened. Raises like `open_key`."""
    return _address(_checked(_read_private(path)))


def _address(document: dict[str, Any]) -> Address:
    try:
        return address("0x" + str(document.get("address")).removeprefix("0x"))
    except InputError:
        raise KeystoreError("E210", "cannot open keystore: damaged file: it names no address") from None


def find_password(
    prompt: Callable[[], str] | None, file: Path | None = None, environ: Mapping[str, str] = os.environ
) -> str:
    """First line of `file` (mode 0600), else FAIRTRAIN_PASSWORD, else `prompt`. Raises KeystoreError E214."""
    if file is not None:
        try:
            return _read_private(file).decode().split("\n")[0].removesuffix("\r")
        except UnicodeDecodeError:
            raise KeystoreError("E214", f"password file is not UTF-8: {file}") from None
    if from_environment := environ.get("FAIRTRAIN_PASSWORD"):
        return from_environment
    if prompt is None:
        raise KeystoreError("E214", "no password: set FAIRTRAIN_PASSWORD or give a password file")
    return prompt()


def _read_private(path: Path) -> bytes:
    try:
        descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0))
    except FileNotFoundError:
        raise KeystoreError("E210", f"cannot open keystore: no such file: {path}") from None
    except OSError as error:
        raise KeystoreError("E210", f"cannot open keystore: {error.strerror}: {path}") from None
    with os.fdopen(descriptor, "rb") as file:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            raise KeystoreError("E210", f"cannot open keystore: not a regular file: {path}")
        if os.name == "posix" and status.st_mode & 0o077:
            mode = f"{stat.S_IMODE(status.st_mode):04o}"
            raise KeystoreError("E211", f"{path} has mode {mode}, expected 0600; run: chmod 600 {path}")
        return file.read(MAX_BYTES + 1)


def _checked(raw: bytes) -> dict[str, Any]:
    """The JSON of a v3 keystore whose cost cannot exhaust this machine. Raises KeystoreError E210."""
    try:
        if len(raw) > MAX_BYTES:
            raise ValueError
        document: dict[str, Any] = json.loads(raw)
        cost = document["crypto"]["kdfparams"]
        if document["crypto"]["kdf"] == "scrypt":
            bearable = 128 * cost["n"] * cost["r"] <= MAX_SCRYPT_BYTES and cost["p"] <= 16
        else:
            bearable = document["crypto"]["kdf"] == "pbkdf2" and cost["c"] <= MAX_PBKDF2_ROUNDS
        if document["version"] != 3 or not bearable:
            raise ValueError
    except (ValueError, LookupError, TypeError, RecursionError):
        raise KeystoreError("E210", "cannot open keystore: damaged file, or not of version 3") from None
    return document


def _write_new(path: Path, content: bytes) -> None:
    """Write all or nothing, mode 0600 from the first byte, never over an existing file."""
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}.new")
    try:
        _make_folder(path.parent)
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(descriptor)
        os.link(temporary, path)  # unlike a rename it fails if the name is taken: no key is ever overwritten
    except FileExistsError:
        raise KeystoreError("E212", f"{path} exists already and is kept; choose another name") from None
    except OSError as error:
        raise KeystoreError("E215", f"cannot write keystore: {error.strerror}: {path}") from None
    finally:
        with suppress(OSError):
            temporary.unlink()


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except FileExistsError:
        raise NotADirectoryError(20, "not a folder", str(folder)) from None
