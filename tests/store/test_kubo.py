"""A real Kubo behind the port, and impostors in its place."""

from __future__ import annotations

import os
import socket
import socketserver
import subprocess
import threading
import time
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager, suppress
from itertools import count, repeat
from pathlib import Path

import pytest

from market import cid as cid_module
from market.cid import CHUNK_BYTES, LINKS_PER_NODE, cid_of
from market.errors import StoreError, UnavailableError, UpdateError
from market.fetch import fetch_bytes, fetch_to_file
from market.store import FolderStore, open_store
from market.store.kubo import KuboStore, Pace
from tests.fixtures_kubo import running_kubo

from .suite import StoreSuite, read

Answer = Callable[[socket.socket], None]


@pytest.mark.kubo
class TestKuboStore(StoreSuite):
    """The shared suite on a daemon."""

    @pytest.fixture
    def url(self, kubo_api: str) -> str:
        return "kubo:" + kubo_api

    @pytest.fixture
    def store(self, url: str) -> KuboStore:
        return KuboStore(url.removeprefix("kubo:"))


@pytest.mark.kubo
@pytest.mark.parametrize("extra", [-1, 0, 1])
def test_put_one_full_node_of_links__same_cid_in_both_stores(
    kubo_api: str, tmp_path: Path, extra: int
) -> None:
    data = os.urandom(CHUNK_BYTES) * LINKS_PER_NODE + b"x"
    data = data[: CHUNK_BYTES * LINKS_PER_NODE + extra]
    kubo, folder = KuboStore(kubo_api), FolderStore(tmp_path / "store")
    cid = kubo.put(data)
    assert cid == folder.put(data) == cid_of(data)
    fetch_to_file(kubo, cid, len(data), tmp_path / "copy")
    assert (tmp_path / "copy").read_bytes() == data


@pytest.mark.kubo
def test_cid_of_deep_trees__equal_kubo(
    kubo_binary: Path, kubo_api: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Chunks of 4 bytes and 3 links a node make trees of six levels, as 10^14 real bytes would."""
    monkeypatch.setattr(cid_module, "CHUNK_BYTES", 4)
    monkeypatch.setattr(cid_module, "LINKS_PER_NODE", 3)
    sizes = [*range(0, 121), 323, 324, 325, 971, 972, 973, 1100]
    for size in sizes:
        (tmp_path / f"{size}").write_bytes(os.urandom(size))
    options = ["--only-hash", "--cid-version=1", "--chunker=size-4", "--max-file-links=3"]
    command = [str(kubo_binary), "--api", kubo_api, "add", *options, *(str(tmp_path / f"{s}") for s in sizes)]
    lines = subprocess.run(command, capture_output=True, text=True, check=True).stdout.split("\n")
    theirs = {int(line.split()[2]): line.split()[1] for line in lines if line.startswith("added")}
    assert theirs == {size: cid_of((tmp_path / f"{size}").read_bytes()) for size in sizes}


@pytest.mark.kubo
def test_put_daemon_with_other_import_settings__same_cid(kubo_binary: Path, tmp_path: Path) -> None:
    settings: dict[str, object] = {
        "Import.CidVersion": 0,
        "Import.UnixFSChunker": "size-1048576",
        "Import.UnixFSRawLeaves": False,
        "Import.UnixFSFileMaxLinks": 11,
        "Import.HashFunction": "blake3",
    }
    data = os.urandom(12 * CHUNK_BYTES)
    with running_kubo(kubo_binary, tmp_path, settings) as daemon:
        assert KuboStore(daemon.address).put(data) == cid_of(data)


@pytest.mark.kubo
def test_get_daemon_stops_half_way__refuses_e143_and_next_source_serves(
    kubo_binary: Path, tmp_path: Path
) -> None:
    data = os.urandom(40 * CHUNK_BYTES)
    folder = FolderStore(tmp_path / "store")
    with running_kubo(kubo_binary, tmp_path) as daemon:
        kubo = KuboStore(daemon.address)
        cid = kubo.put(data)
        reader = kubo.get(cid, len(data))
        next(reader)
        daemon.process.kill()
        with pytest.raises((UnavailableError, UpdateError), match=r"E143|E110"):
            list(reader)
        assert folder.put(data) == cid
        assert fetch_bytes([kubo, folder], cid, len(data)) == data


@pytest.mark.kubo
def test_unpin_then_pin__object_stays_readable(kubo_api: str) -> None:
    store = KuboStore(kubo_api)
    cid = store.put(b"pinned")
    store.unpin(cid)
    store.pin(cid)
    assert read(store, cid) == b"pinned"


@pytest.mark.kubo
def test_get_proxy_in_environment__is_not_used(kubo_api: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    store = KuboStore(kubo_api)
    assert read(store, store.put(b"direct")) == b"direct"


def closed_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.mark.parametrize("call", ["put", "get", "has", "pin", "unpin"])
def test_any_call_daemon_down__refuses_e143_at_once(call: str) -> None:
    store = open_store(f"kubo:/ip4/127.0.0.1/tcp/{closed_port()}")
    calls: dict[str, Callable[[], object]] = {
        "put": lambda: store.put(repeat(bytes(100_000), 100)),
        "get": lambda: read(store, cid_of(b"x")),
        "has": lambda: store.has(cid_of(b"x")),
        "pin": lambda: store.pin(cid_of(b"x")),
        "unpin": lambda: store.unpin(cid_of(b"x")),
    }
    began = time.monotonic()
    with pytest.raises(UnavailableError, match=r"E143 .*\(kubo /ip4/127.0.0.1/tcp/\d+: connection refused\)"):
        calls[call]()
    assert time.monotonic() - began < 2


@contextmanager
def impostor(answer: Answer) -> Iterator[str]:
    """A server on loopback that reads a request and answers as it likes; yields a multiaddress."""

    class Handler(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            with suppress(OSError):  # the client may leave at any time
                request = b""
                # The head alone of a read; of an upload (sent in chunks) also its last, empty chunk.
                while not request.endswith(b"0\r\n\r\n" if b"chunked" in request else b"\r\n\r\n"):
                    request += self.request.recv(65_536)
                answer(self.request)

    class Server(socketserver.ThreadingTCPServer):
        daemon_threads = True
        block_on_close = False

    with Server(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield f"/ip4/127.0.0.1/tcp/{server.server_address[1]}"
        finally:
            server.shutdown()
            thread.join()


def answering(body: bytes, status: str = "200 OK", length: int | None = None) -> Answer:
    size = len(body) if length is None else length
    head = f"HTTP/1.1 {status}\r\nContent-Length: {size}\r\nConnection: close\r\n\r\n"
    return lambda client: client.sendall(head.encode() + body)


def test_get_wrong_bytes__refuses_e110_and_next_source_serves(tmp_path: Path) -> None:
    folder = FolderStore(tmp_path)
    cid = folder.put(b"right")
    with impostor(answering(b"wrong")) as address:
        with pytest.raises(UpdateError, match="E110 CID mismatch"):
            fetch_bytes(KuboStore(address), cid, 5, exact=True)
        assert fetch_bytes([KuboStore(address), folder], cid, 5, exact=True) == b"right"


def test_get_error_page_with_status_200__refuses_e101() -> None:
    with (
        impostor(answering(b"<html>solve the captcha</html>")) as address,
        pytest.raises(UpdateError, match="E101 length: got more than 5 bytes"),
    ):
        fetch_bytes(KuboStore(address), cid_of(b"right"), 5, exact=True)


@pytest.mark.parametrize(
    ("body", "announced", "pattern"),
    [
        (b"rig", 5, "E101|E143"),  # ends before what was announced
        (b"right and more", 5, "E110"),  # goes on after it: only what was announced is read
        (b"right", 10**15, "E143|E101"),  # announces what never comes
    ],
)
def test_get_content_length_lies__refuses(body: bytes, announced: int, pattern: str) -> None:
    cid = cid_of(b"right" if pattern != "E110" else b"other")
    with (
        impostor(answering(body, length=announced)) as address,
        pytest.raises((UpdateError, UnavailableError), match=pattern),
    ):
        fetch_bytes(KuboStore(address), cid, 5, exact=True)


@pytest.mark.parametrize("status", ["404 Not Found", "429 Too Many Requests", "500 Internal Server Error"])
def test_get_error_status__refuses_e143(status: str) -> None:
    with (
        impostor(answering(b"<html>no</html>", status)) as address,
        pytest.raises(UnavailableError, match=f"E143 .*{status[:3]}"),
    ):
        read(KuboStore(address), cid_of(b"right"))


@pytest.mark.parametrize("chunked", [False, True])
def test_get_endless_body__stops_soon_after_the_limit(chunked: bool) -> None:
    sent = 0

    def endless(client: socket.socket) -> None:
        nonlocal sent
        kind = "Transfer-Encoding: chunked" if chunked else f"Content-Length: {10**15}"
        client.sendall(f"HTTP/1.1 200 OK\r\n{kind}\r\n\r\n".encode())
        if chunked:
            client.sendall(b"fffffffffff\r\n")  # one frame of 17 TB
        while True:
            client.sendall(bytes(65_536))
            sent += 65_536

    with (
        impostor(endless) as address,
        pytest.raises(UpdateError, match="E101 length: got more than 1000 bytes"),
    ):
        read(KuboStore(address), cid_of(b"right"), 1000)
    assert sent < 64 << 20  # what the buffers of two sockets hold, never the whole


@pytest.mark.parametrize("chunked", [False, True])
def test_get_one_byte_at_a_time__refuses_e142(chunked: bool) -> None:
    def drip(client: socket.socket) -> None:
        kind = "Transfer-Encoding: chunked" if chunked else "Content-Length: 1000000"
        client.sendall(f"HTTP/1.1 200 OK\r\n{kind}\r\n\r\n".encode())
        if chunked:
            client.sendall(b"f4240\r\n")
        while True:
            client.sendall(b"x")
            time.sleep(0.01)

    with (
        impostor(drip) as address,
        pytest.raises(StoreError, match=r"E142 too slow: 0\.[01]\d* kB/s for 0 s, minimum 50 kB/s"),
    ):
        read(KuboStore(address, pace_seconds=0.3), cid_of(b"right"))


def test_get_silence__refuses_e143_after_the_timeout() -> None:
    with (
        impostor(lambda client: time.sleep(2)) as address,
        pytest.raises(UnavailableError, match=r"E143 .*: timeout\)"),
    ):
        read(KuboStore(address, answer_seconds=0.2), cid_of(b"right"))


def test_put_daemon_names_another_cid__refuses_e110() -> None:
    lie = answering(f'{{"Name":"x","Hash":"{cid_of(b"other")}","Size":"5"}}\n'.encode())
    with (
        impostor(lie) as address,
        pytest.raises(UpdateError, match=r"E110 CID mismatch: .* says .*, computed"),
    ):
        KuboStore(address).put(b"right")


@pytest.mark.parametrize(("per_tick", "passes"), [(999, False), (1000, True), (1001, True)])
def test_pace_around_the_least_speed__only_below_refuses_e142(per_tick: int, passes: bool) -> None:
    now = 0.0

    def source() -> Generator[bytes, None, None]:
        nonlocal now
        for _ in range(20):
            now += 1.0
            yield bytes(per_tick)

    pace = Pace(10.0, 1000, clock=lambda: now)
    if passes:
        assert sum(map(len, pace.watch(source()))) == 20 * per_tick
    else:
        with pytest.raises(StoreError, match=r"E142 too slow: 0\.999 kB/s for 10 s, minimum 1 kB/s"):
            list(pace.watch(source()))


def test_pace_slow_reader__is_not_the_source_s_fault() -> None:
    times = count(step=60.0)  # the clock is asked before and after each read; only between reads time passes
    ticks = (time for at in times for time in (at, at))
    pieces = list(Pace(1.0, 1000, clock=lambda: next(ticks)).watch(b"x" for _ in range(100)))
    assert len(pieces) == 100
