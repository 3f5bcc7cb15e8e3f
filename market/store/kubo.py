"""A Kubo daemon as the store, through the plain calls of ipfshttpclient 0.7.0 (`add`, `cat`, `block`, `pin`).

The daemon is asked for one profile explicitly, whatever its own configuration says, and its answers are
checked: the CID of an upload is computed here as well, and a download is compared with its CID.
"""

from __future__ import annotations

import http.client
import os
import time
from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import ExitStack, closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar, cast

# The client's patched copy of requests only adds Unix sockets, and passes an option that urllib3 warns about.
os.environ.setdefault("PY_IPFS_HTTP_CLIENT_PATCH_REQUESTS", "no")

import urllib3.exceptions
from ipfshttpclient import exceptions as ipfs
from ipfshttpclient.client import Client

from market.cid import CHUNK_BYTES, LINKS_PER_NODE, CidBuilder, checked, parse_cid, pieces
from market.errors import StoreError, UnavailableError, UpdateError
from market.store.files import open_regular, read_unchanged

CONNECT_SECONDS = 5.0
ANSWER_SECONDS = 60.0  # the longest silence of a daemon that looks for an object
PACE_SECONDS = 60.0
PACE_BYTES_PER_SECOND = 50_000
_ADD = {
    "cid-version": "1",
    "hash": "sha2-256",
    "raw-leaves": "true",
    "chunker": f"size-{CHUNK_BYTES}",
    "max-file-links": str(LINKS_PER_NODE),
    "trickle": "false",
    "inline": "false",
    "pin": "true",
}
_Answer = TypeVar("_Answer")
_TROUBLE = (ipfs.Error, urllib3.exceptions.HTTPError, http.client.HTTPException, OSError)


class KuboStore:
    """`market.ports.Store` behind the RPC address of a Kubo daemon, such as `/ip4/127.0.0.1/tcp/5001`.

    Every call makes its own connection, so one object serves any number of threads. Errors: E144 bad address.
    """

    def __init__(
        self,
        address: str,
        answer_seconds: float = ANSWER_SECONDS,
        pace_seconds: float = PACE_SECONDS,
        pace_bytes_per_second: int = PACE_BYTES_PER_SECOND,
    ) -> None:
        self.address = address
        self._pace = Pace(pace_seconds, pace_bytes_per_second)
        try:
            # `connect` would refuse every current Kubo by its number; the calls used here did not change.
            self._client = Client(address, chunk_size=CHUNK_BYTES, timeout=(CONNECT_SECONDS, answer_seconds))
        except (ipfs.Error, ValueError) as error:
            raise StoreError(
                "E144", f"bad store: {address!r} is not an address like /ip4/127.0.0.1/tcp/5001"
            ) from error
        self._rpc = cast(Any, self._client._client)
        # A proxy of the environment must not see calls to the user's own daemon.
        self._rpc._request_proxies = {"no_proxy": "*"}

    def put(self, data: bytes | Iterable[bytes]) -> str:
        """See `Store.put`. Kubo cannot tell a broken upload from a short one, so blocks of it may stay."""
        builder = CidBuilder()
        said: str = self._call(lambda: self._client.add_bytes(_noted(pieces(data), builder), opts=_ADD))
        computed = str(builder.finish())
        if said != computed:
            raise UpdateError("E110", f"CID mismatch: {self.address} says {said}, computed {computed}")
        return computed

    def put_file(self, path: Path | str) -> str:
        """See `Store.put_file`."""
        with open_regular(path) as file:
            return self.put(read_unchanged(file, path))

    def get(self, cid: str, max_bytes: int, exact: bool = False) -> Iterator[bytes]:
        """See `Store.get`. Errors also: E142 when the daemon sends too slowly for a whole window."""
        return checked(self._pace.watch(self._read(cid, max_bytes)), cid, max_bytes, exact)

    def part(self, cid: str, offset: int, size: int) -> bytes:
        """`size` bytes of an object from byte `offset` on. The daemon checks every block against its hash; this
        side, which has only a part, trusts its own daemon there. Errors: E143 not available, or shorter.
        """
        parse_cid(cid)
        with ExitStack() as open_things:
            raw = self._call(lambda: self._open_cat(cid, size, open_things, offset))
            pieces_: list[bytes] = []
            while piece := self._call(lambda: raw.read1(CHUNK_BYTES)):
                pieces_.append(piece)
        data = b"".join(pieces_)
        if len(data) != size:
            raise UnavailableError([f"kubo {self.address}: {cid} ends before byte {offset + size}"])
        return data

    def has(self, cid: str) -> bool:
        """See `Store.has`: whether the root block is in the daemon's own repository."""
        parse_cid(cid)
        try:
            self._call(lambda: self._client.block.stat(cid, offline=True))
        except _RefusedError:
            return False
        return True

    def pin(self, cid: str) -> None:
        """See `Store.pin`: recursively, from the network if the daemon has one."""
        parse_cid(cid)
        self._call(lambda: self._client.pin.add(cid))

    def unpin(self, cid: str) -> None:
        """See `Store.unpin`: Kubo's collector may then remove the blocks."""
        parse_cid(cid)
        try:
            self._call(lambda: self._client.pin.rm(cid))
        except _RefusedError as error:
            if "not pinned" not in str(error):
                raise

    def _read(self, cid: str, max_bytes: int) -> Generator[bytes, None, None]:
        parse_cid(cid)
        with ExitStack() as open_things:
            raw = self._call(lambda: self._open_cat(cid, max_bytes + 1, open_things))
            while piece := self._call(lambda: raw.read1(CHUNK_BYTES)):
                yield piece

    def _open_cat(self, cid: str, length: int, open_things: ExitStack, offset: int = 0) -> Any:
        """Start `cat` and return the response's raw body.

        `Client.cat` waits for whole frames, or for a whole body of announced length, so that neither its
        memory nor its time has a limit; `read1` gives what has arrived.
        """
        closables, _ = self._rpc._request(
            "POST",
            "/cat",
            [("arg", cid), ("offset", str(offset)), ("length", str(length))],
            auth=None,
            data=None,
            headers=None,
            timeout=None,
            chunk_size=None,
        )
        for closable in reversed(closables):
            open_things.callback(closable.close)
        return closables[0].raw

    def _call(self, call: Callable[[], _Answer]) -> _Answer:
        """Run one call; every way in which the daemon can fail becomes E143 (or E150)."""
        try:
            return call()
        except ipfs.ErrorResponse as error:
            text = _one_line(str(error))
            if "no space" in text:
                raise StoreError("E150", f"no space: {self.address} says: {text}") from error
            raise _RefusedError([f"kubo {self.address}: {text}"]) from error
        except _TROUBLE as error:
            raise UnavailableError([f"kubo {self.address}: {_reason(error)}"]) from error


@dataclass(frozen=True)
class Pace:
    """The least speed of a source, over windows of `seconds` spent in waiting for it."""

    seconds: float
    bytes_per_second: int
    clock: Callable[[], float] = time.monotonic

    def watch(self, source: Generator[bytes, None, None]) -> Generator[bytes, None, None]:
        """Pass a stream on. Errors: E142 after a window below the least speed."""
        waited, got = 0.0, 0
        with closing(source):
            while True:
                asked = self.clock()
                piece = next(source, None)
                waited += self.clock() - asked
                if piece is None:
                    return
                got += len(piece)
                if waited >= self.seconds:
                    self._judge(got, waited)
                    waited, got = 0.0, 0
                yield piece

    def _judge(self, got: int, waited: float) -> None:
        if got < self.bytes_per_second * waited:
            speed = f"{got / waited / 1000:.3g} kB/s for {waited:.0f} s"
            raise StoreError("E142", f"too slow: {speed}, minimum {self.bytes_per_second / 1000:g} kB/s")


class _RefusedError(UnavailableError):
    """The daemon is there and says no."""


def _noted(source: Iterable[bytes], builder: CidBuilder) -> Iterator[bytes]:
    for piece in source:
        builder.update(piece)
        yield piece


def _reason(error: BaseException) -> str:
    """The innermost cause that has words, in a few of them."""
    text = f"{type(error).__name__} {error}".lower()
    for sign, reason in (("refused", "connection refused"), ("timed out", "timeout"), ("timeout", "timeout")):
        if sign in text:
            return reason
    return _one_line(str(error) or type(error).__name__)


def _one_line(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= 100 else line[:97] + "..."
