"""Content identifiers: the name of an object is the hash of its bytes.

One profile only, the one of `ipfs add --cid-version=1`: chunks of 262,144 bytes as raw leaves, above them a
balanced tree of at most 174 links a node (UnixFS in dag-pb), sha2-256, base32. One chunk is a bare raw block.
A CID is computed while bytes stream by; memory holds at most 174 links for each level of the tree.
Sources: the multiformats CID specification, the UnixFS and dag-pb specifications of IPFS.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Generator, Iterable
from contextlib import closing
from dataclasses import dataclass
from enum import IntEnum
from pathlib import Path

from market.errors import UpdateError

CHUNK_BYTES = 262_144
LINKS_PER_NODE = 174
CID_CHARACTERS = 59  # "b" and 36 bytes in base32 without padding

_SHA2_256 = b"\x12\x20"  # multihash: code and length
_ALPHABET = frozenset("abcdefghijklmnopqrstuvwxyz234567")


class Codec(IntEnum):
    """How the root block is to be read; the number is its multicodec code."""

    RAW = 0x55  # the bytes themselves, at most one chunk
    DAG_PB = 0x70  # a node of a UnixFS tree


@dataclass(frozen=True)
class Cid:
    """A version 1 CID over sha2-256. `digest` is 32 bytes; `str(cid)` is its only text form, `b...`."""

    codec: Codec
    digest: bytes

    def __bytes__(self) -> bytes:
        return bytes((1, self.codec)) + _SHA2_256 + self.digest

    def __str__(self) -> str:
        return "b" + base64.b32encode(bytes(self)).decode().lower().rstrip("=")


@dataclass(frozen=True)
class _Link:
    """What a node says of a child: `tree_bytes` counts all blocks below, `file_bytes` only the content."""

    cid: bytes
    tree_bytes: int
    file_bytes: int


class CidBuilder:
    """CID of a stream: `update` with any pieces, then `finish` once. `size` counts the bytes so far."""

    def __init__(self) -> None:
        self.size = 0
        self._leaf = hashlib.sha256()
        self._leaf_bytes = 0
        self._levels: list[list[_Link]] = [[]]  # open node of each level, leaves first

    def update(self, piece: bytes | memoryview) -> None:
        """Take the next bytes; borders between pieces do not matter."""
        view = memoryview(piece).cast("B")
        self.size += len(view)
        while len(view):
            if self._leaf_bytes == CHUNK_BYTES:
                self._close_leaf()
            part = view[: CHUNK_BYTES - self._leaf_bytes]
            self._leaf.update(part)
            self._leaf_bytes += len(part)
            view = view[len(part) :]

    def finish(self) -> Cid:
        """CID of everything seen; an empty stream is one empty leaf."""
        self._close_leaf()
        for level, links in enumerate(self._levels):  # the list may grow while it is walked
            if len(links) == 1 and level + 1 == len(self._levels):
                root = links[0].cid
                return Cid(Codec(root[1]), root[4:])
            self._close_node(level)
        raise AssertionError("a closed leaf always leads to a root")

    def _close_leaf(self) -> None:
        cid = bytes(Cid(Codec.RAW, self._leaf.digest()))
        self._append(0, _Link(cid, self._leaf_bytes, self._leaf_bytes))
        self._leaf = hashlib.sha256()
        self._leaf_bytes = 0

    def _append(self, level: int, link: _Link) -> None:
        if level == len(self._levels):
            self._levels.append([])
        if len(self._levels[level]) == LINKS_PER_NODE:
            self._close_node(level)
        self._levels[level].append(link)

    def _close_node(self, level: int) -> None:
        links, self._levels[level] = self._levels[level], []
        self._append(level + 1, _node_link(links))


def cid_of(data: bytes | Iterable[bytes]) -> str:
    """CID of bytes, or of a stream of pieces, as text."""
    builder = CidBuilder()
    for piece in pieces(data):
        builder.update(piece)
    return str(builder.finish())


def cid_of_file(path: Path | str) -> str:
    """CID of a file's bytes, read once in pieces of one chunk. Errors: OSError of the file system."""
    with Path(path).open("rb") as file:
        return cid_of(iter(lambda: file.read(CHUNK_BYTES), b""))


def parse_cid(text: str) -> Cid:
    """Read a CID; only the text that `str` gives back is accepted. Errors: E140."""
    cid = _decode(text)
    if str(cid) != text:
        raise _bad("the last character carries stray bits")
    return cid


def digest(cid: str) -> bytes:
    """The 32 bytes that the chain stores for a CID. Errors: E140."""
    return parse_cid(cid).digest


def cid_from_digest(digest: bytes, size_bytes: int) -> str:
    """The CID from digest and length of an object: raw up to one chunk, dag-pb above. Errors: E140."""
    if len(digest) != 32:
        raise _bad(f"digest of {len(digest)} bytes, expected 32")
    if size_bytes < 0:
        raise _bad(f"size of {size_bytes} bytes")
    return str(Cid(Codec.RAW if size_bytes <= CHUNK_BYTES else Codec.DAG_PB, digest))


def pieces(data: bytes | Iterable[bytes]) -> Iterable[bytes]:
    """One shape for "bytes or a stream of bytes"."""
    return (bytes(data),) if isinstance(data, bytes | bytearray | memoryview) else data


def checked(
    source: Generator[bytes, None, None], cid: str, max_bytes: int, exact: bool = False
) -> Generator[bytes, None, None]:
    """Pass a stream on and close it, but never its last piece before the whole stream has proved to be `cid`.

    The piece that passes `max_bytes` ends it. With `exact` the length must be `max_bytes`; a wrong length
    is reported before a wrong hash. Errors: E101 length, E110 content, E140 CID.
    """
    expected = parse_cid(cid)
    builder = CidBuilder()
    held = b""
    with closing(source):
        for piece in source:
            if builder.size + len(piece) > max_bytes:
                raise too_long(max_bytes)
            builder.update(piece)
            if held:
                yield held
            held = piece
    if exact and builder.size != max_bytes:
        raise too_short(builder.size, max_bytes)
    computed = builder.finish()
    if computed != expected:
        raise UpdateError("E110", f"CID mismatch: computed {computed}, expected {expected}")
    if held:
        yield held


def too_long(max_bytes: int) -> UpdateError:
    """E101 for a source that goes on after the last byte it may have."""
    return UpdateError("E101", f"length: got more than {max_bytes} bytes")


def too_short(got_bytes: int, expected_bytes: int) -> UpdateError:
    """E101 for a source that ended early."""
    return UpdateError("E101", f"length: got {got_bytes} bytes, expected {expected_bytes}")


def _decode(text: str) -> Cid:
    if len(text) > 2 * CID_CHARACTERS:  # also keeps the message short
        raise _bad(f"{len(text)} characters, expected {CID_CHARACTERS}")
    if text.startswith("Qm"):
        raise _bad("version 0, expected version 1 (begins with b)")
    if not text.startswith("b"):
        raise _bad(f"base {text[:1]!r}, expected 'b' (base32, lower case)")
    for position, character in enumerate(text):
        if character not in _ALPHABET:
            raise _bad(f"character {character!r} at {position}")
    if len(text) != CID_CHARACTERS:
        raise _bad(f"{len(text)} characters, expected {CID_CHARACTERS}")
    raw = base64.b32decode(text[1:].upper() + "=" * (-len(text[1:]) % 8))
    if raw[0] != 1:
        raise _bad(f"version {raw[0]}, expected 1")
    if raw[1] not in (Codec.RAW, Codec.DAG_PB):
        raise _bad(f"codec {raw[1]:#x}, expected 0x55 (raw) or 0x70 (dag-pb)")
    if raw[2:4] != _SHA2_256:
        raise _bad(f"hash 0x{raw[2:4].hex()}, expected 0x1220 (sha2-256, 32 bytes)")
    return Cid(Codec(raw[1]), raw[4:])


def _bad(reason: str) -> UpdateError:
    return UpdateError("E140", f"bad CID: {reason}")


def _node_link(links: list[_Link]) -> _Link:
    """Serialise one dag-pb node over `links` and link to it."""
    size = sum(link.file_bytes for link in links)
    unixfs = _number(1, 2) + _number(3, size) + b"".join(_number(4, link.file_bytes) for link in links)
    # dag-pb writes the links (field 2) before the data (field 1), and the empty name of each.
    block = b"".join(
        _bytes(2, _bytes(1, link.cid) + _bytes(2, b"") + _number(3, link.tree_bytes)) for link in links
    ) + _bytes(1, unixfs)
    cid = bytes(Cid(Codec.DAG_PB, hashlib.sha256(block).digest()))
    return _Link(cid, len(block) + sum(link.tree_bytes for link in links), size)


def _varint(number: int) -> bytes:
    out = bytearray()
    while number >= 0x80:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    out.append(number)
    return bytes(out)


def _number(field: int, value: int) -> bytes:
    return _varint(field << 3) + _varint(value)


def _bytes(field: int, value: bytes) -> bytes:
    return _varint(field << 3 | 2) + _varint(len(value)) + value
