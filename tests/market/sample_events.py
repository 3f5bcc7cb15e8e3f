"""A little language for event sequences: one project, short names, sensible defaults."""

from __future__ import annotations

from dataclasses import replace

from market.events import (
    ProjectCreated,
    ResultPosted,
    Revealed,
    RoundOpened,
    Sealed,
    TrainerLeft,
    TrainerRegistered,
    round_seat,
)
from market.keccak import keccak256
from market.params import MINIMAL, Content, Params
from market.records import Post, Roots

PROJECT = 7
MARKET = "0x" + "5a" * 20
POSTER = "0x" + "0b" * 20
PARAMS: Params = MINIMAL.project(1_000, 100, seats=4, min_seals=2, pot=10_000)
CONTENT = Content(b"\x01" * 32, b"\x02" * 32, b"\x03" * 32)


def word(text: object) -> bytes:
    """32 bytes that nobody else has."""
    return keccak256(str(text).encode())


def trainer(number: int) -> str:
    """An address."""
    return "0x" + f"{0xA0 + number:02x}" * 20


def created(project: int = PROJECT) -> ProjectCreated:
    return ProjectCreated(project, POSTER, PARAMS, CONTENT)


def registered(seat: int, holder: int) -> TrainerRegistered:
    return TrainerRegistered(PROJECT, seat, trainer(holder), trainer(holder), PARAMS.min_stake)


def left(seat: int) -> TrainerLeft:
    return TrainerLeft(PROJECT, seat, POSTER, False, 0, 0, 0, 0, 0)


def opened(round_: int, base: bytes = CONTENT.model_root, pot: int = PARAMS.pot) -> RoundOpened:
    return RoundOpened(PROJECT, round_, base, pot, 10, 20)


def sealed(round_: int, *seats: int) -> list[Sealed]:
    return [Sealed(PROJECT, round_seat(round_, seat), word(f"seal {round_} {seat}")) for seat in seats]


def revealed(round_: int, *seats: int) -> list[Revealed]:
    return [
        Revealed(
            PROJECT,
            round_seat(round_, seat),
            word(f"root {round_} {seat}"),
            word(f"salt {round_} {seat}"),
            word(f"file {round_} {seat}"),
        )
        for seat in seats
    ]


def post(**changes: object) -> Post:
    """Any well-formed submission for four seats."""
    roots = Roots(
        *(word(name) for name in ("sketches", "gram", "steps", "accounts")), bytes(32), *[word("delta")] * 2
    )
    plain = Post(
        prev_commitment=word("below"),
        reveal_sum=5,
        reveal_count=2,
        paid=9_000,
        delta_digest=word("delta file"),
        model_digest=word("model file"),
        document_digest=word("document"),
        roots=roots,
        included=(3,),
        rows=(0, 0, 0),
    )
    return replace(plain, **changes)  # type: ignore[arg-type]


def posted(round_: int, commitment: bytes, model: bytes = word("model"), merged: bool = True) -> ResultPosted:
    roots = replace(post().roots, model=model)
    return ResultPosted(PROJECT, round_, POSTER, commitment, 30, merged, post(roots=roots))
