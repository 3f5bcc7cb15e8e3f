"""CIDs against vectors of the real Kubo, and the strict reader."""

from __future__ import annotations

import base64
import tracemalloc
from collections.abc import Generator
from itertools import repeat
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from market.cid import (
    CHUNK_BYTES,
    LINKS_PER_NODE,
    CidBuilder,
    Codec,
    checked,
    cid_from_digest,
    cid_of,
    cid_of_file,
    digest,
    parse_cid,
)
from market.errors import UpdateError

NODE_BYTES = CHUNK_BYTES * LINKS_PER_NODE

# `ipfs add --cid-version=1 --only-hash` of Kubo 0.43.0 over `pattern(size)`
KUBO = {
    0: "bafkreihdwdcefgh4dqkjv67uzcmw7ojee6xedzdetojuzjevtenxquvyku",
    1: "bafkreibff4imqnqq5pfbubm4boxievplul4vxzgr266pvcoxesfifwprce",
    CHUNK_BYTES - 1: "bafkreigqbcargvvo4dytqiwz6kytazdfvuytgmclol3amp2xrfxnax36uu",
    CHUNK_BYTES: "bafkreiftpzzxtvyaeej4shp5hp2d2jynmwhyanpzfmjk2y4pyhz7lm2ie4",
    CHUNK_BYTES + 1: "bafybeicrwoquo7iisdma3mtm6fmydal2uizliplrrd22ufbd3l5jiwshya",
    2 * CHUNK_BYTES: "bafybeift5sjru2klyrwprkibjorjcei3kuqmbam4rhueqyf6dc37f4vuo4",
    2 * CHUNK_BYTES + 1: "bafybeic2wuai72mm5ongt7ymivphxk6s37fk6vnor4rtnu2f7okq4uz6sq",
    NODE_BYTES - CHUNK_BYTES: "bafybeigls7qxm6sllmkgbetckb6dx7cpwbd7r4anbqnux3ils6wxrinuji",
    NODE_BYTES - 1: "bafybeifatiyyu5jlsxg4q5vvhzqsnmvcgiqoc7a5p57fa6qbpzysr5pjcm",
    NODE_BYTES: "bafybeicilfjvfgym5hqjmoji4gwcqtrbxy5crjri4bt2fhmfgj56iuiume",
    NODE_BYTES + 1: "bafybeihw43vfirxettizth7t2tlsp6bi65zswy5k5i4orvfyqmv4yv4rm4",
    NODE_BYTES + CHUNK_BYTES: "bafybeic7xdlvaif7o4dhgzcriqzgvtfa5aktcucpdtkgbivk6rbvijd43e",
}


def pattern(size: int) -> bytes:
    return (b"fairtrain" * (size // 9 + 1))[:size]


def refusal(text: str) -> str:
    with pytest.raises(UpdateError) as caught:
        parse_cid(text)
    assert caught.value.code == "E140"
    return str(caught.value)


@pytest.mark.parametrize("size", KUBO)
def test_cid_of_size_around_each_border__equals_kubo(size: int) -> None:
    assert cid_of(pattern(size)) == KUBO[size]


def test_cid_of_file__equals_bytes(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(pattern(CHUNK_BYTES + 1))
    assert cid_of_file(tmp_path / "file") == KUBO[CHUNK_BYTES + 1]


@given(st.lists(st.integers(0, CHUNK_BYTES + 1), max_size=5))
def test_builder_any_split__same_cid(cuts: list[int]) -> None:
    data = pattern(sum(cuts))
    builder, at = CidBuilder(), 0
    for cut in cuts:
        builder.update(data[at : at + cut])
        at += cut
    assert str(builder.finish()) == cid_of(data)
    assert builder.size == len(data)


def test_cid_of_long_stream__memory_stays_small() -> None:
    piece = bytes(1 << 20)
    cid_of(piece)  # imports and tables
    tracemalloc.start()
    cid_of(repeat(piece, 64))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 1 << 20


@given(st.sampled_from(Codec), st.binary(min_size=32, max_size=32))
def test_parse_cid_any_digest__round_trip(codec: Codec, digest_bytes: bytes) -> None:
    size = CHUNK_BYTES if codec is Codec.RAW else CHUNK_BYTES + 1
    text = cid_from_digest(digest_bytes, size)
    assert str(parse_cid(text)) == text
    assert parse_cid(text).codec is codec
    assert digest(text) == digest_bytes


@pytest.mark.parametrize("size", [0, CHUNK_BYTES - 1, CHUNK_BYTES, CHUNK_BYTES + 1])
def test_cid_from_digest_length_around_one_chunk__is_the_cid(size: int) -> None:
    cid = cid_of(pattern(size))
    assert cid_from_digest(digest(cid), size) == cid


def encoded(raw: bytes) -> str:
    return "b" + base64.b32encode(raw).decode().lower().rstrip("=")


GOOD = cid_of(b"fairtrain")
RAW = bytes(parse_cid(GOOD))


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "base ''"),
        ("b", "1 characters, expected 59"),
        ("QmdfTbBqBPQ7VNxZEYEj14VmRuZBkqFbiwReogJgS1zR1n", "version 0"),
        (GOOD.upper(), "base 'B'"),
        ("b" + GOOD[1:].upper(), "character"),
        ("z" + GOOD[1:], "base 'z'"),
        ("f01551220" + "00" * 32, "base 'f'"),
        (GOOD + "/x", "character '/' at 59"),
        (GOOD + "?", "character '?' at 59"),
        (GOOD + "\n", "character '\\n' at 59"),
        (" " + GOOD, "base ' '"),
        (GOOD + " ", "character ' ' at 59"),
        (GOOD + "=", "character '=' at 59"),
        ("/ipfs/" + GOOD, "base '/'"),
        ("ipfs://" + GOOD, "base 'i'"),
        (GOOD[:-1], "58 characters, expected 59"),
        (GOOD + "a", "60 characters, expected 59"),
        ("b" + "a" * 10_239, "10240 characters, expected 59"),
        ("é" + GOOD[1:], "base 'é'"),
        (GOOD[:20] + "1" + GOOD[21:], "character '1' at 20"),
        (encoded(b"\x00" + RAW[1:]), "version 0"),
        (encoded(b"\x02" + RAW[1:]), "version 2"),
        (encoded(RAW[:1] + b"\x71" + RAW[2:]), "codec 0x71"),
        (encoded(RAW[:2] + b"\x1b" + RAW[3:]), "hash 0x1b20"),
        (encoded(RAW[:3] + b"\x1f" + RAW[4:]), "hash 0x121f"),
    ],
)
def test_parse_cid_other_form__refuses_e140(text: str, reason: str) -> None:
    message = refusal(text)
    assert message.startswith(f"E140 bad CID: {reason}")
    assert len(message) < 120
    assert "\n" not in message


def test_parse_cid_stray_bits_in_last_character__refuses_e140() -> None:
    """36 bytes leave 2 of the last character's bits unused; only zero is canonical."""
    alphabet = "abcdefghijklmnopqrstuvwxyz234567"
    twins = [GOOD[:-1] + alphabet[alphabet.index(GOOD[-1]) ^ bits] for bits in (1, 2, 3)]
    assert all("stray bits" in refusal(twin) for twin in twins)


@pytest.mark.parametrize(("size", "digest_length"), [(-1, 32), (0, 31), (0, 33)])
def test_cid_from_digest_bad_arguments__refuses_e140(size: int, digest_length: int) -> None:
    with pytest.raises(UpdateError, match="E140"):
        cid_from_digest(bytes(digest_length), size)


class Source:
    """A stream that counts what was taken and whether it was closed."""

    def __init__(self, *parts: bytes, endless: bool = False) -> None:
        self.parts = repeat(parts[0]) if endless else iter(parts)
        self.taken = 0
        self.closed = False

    def stream(self) -> Generator[bytes, None, None]:
        try:
            for part in self.parts:
                self.taken += len(part)
                yield part
        finally:
            self.closed = True


def run(source: Source, cid: str, max_bytes: int, exact: bool = False) -> tuple[bytes, str]:
    """What a reader got before the end or the refusal, and the code of the refusal."""
    got = b""
    try:
        for piece in checked(source.stream(), cid, max_bytes, exact):
            got += piece
    except UpdateError as error:
        return got, error.code
    return got, ""


@pytest.mark.parametrize(("spare", "code"), [(-1, "E101"), (0, ""), (1, "")])
def test_checked_limit_around_length__only_enough_passes(spare: int, code: str) -> None:
    source = Source(b"abc", b"de")
    got, refused = run(source, cid_of(b"abcde"), 5 + spare)
    assert (got, refused) == ((b"abcde", "") if not code else (b"", code))
    assert source.closed


@pytest.mark.parametrize(("spare", "code"), [(-1, "E101"), (0, ""), (1, "E101")])
def test_checked_exact_length_off_by_one__refuses_e101(spare: int, code: str) -> None:
    assert run(Source(b"abc", b"de"), cid_of(b"abcde"), 5 + spare, exact=True)[1] == code


def test_checked_exact_both_wrong__length_is_named_first() -> None:
    with pytest.raises(UpdateError, match="E101 length: got 3 bytes, expected 5"):
        list(checked(Source(b"abX").stream(), cid_of(b"abcde"), 5, exact=True))


def test_checked_endless_source__stops_at_limit_plus_one() -> None:
    source = Source(b"x", endless=True)
    assert run(source, GOOD, 1000)[1] == "E101"
    assert source.taken == 1001
    assert source.closed


@pytest.mark.parametrize("parts", [(b"abcdX",), (b"abc", b"dX"), (b"abc", b"d"), (), (b"", b"")])
def test_checked_wrong_bytes__refuses_e110_before_the_last_piece(parts: tuple[bytes, ...]) -> None:
    got, code = run(Source(*parts), cid_of(b"abcde"), 5)
    assert code == "E110"
    assert got == b"".join(parts[:-1])


def test_checked_empty_object__passes() -> None:
    assert run(Source(), cid_of(b""), 0, exact=True) == (b"", "")


def test_checked_reader_leaves_early__closes_the_source() -> None:
    source = Source(b"a", b"b", b"c")
    reader = checked(source.stream(), cid_of(b"abc"), 3)
    next(reader)
    reader.close()
    assert source.closed
