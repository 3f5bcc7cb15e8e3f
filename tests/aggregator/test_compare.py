"""Posted beside computed: the first difference by name, and documents that always fit the store."""

from __future__ import annotations

from dataclasses import fields, replace
from pathlib import Path

import numpy as np
import pytest
from sample_rounds import Project, honest_updates

from aggregator.compare import compare, compare_announced, document_for
from aggregator.judge import Judgement
from market.cid import cid_of, cid_of_file, digest
from market.errors import VerificationError
from market.events import ResultPosted
from market.records import Account, Post, Roots
from market.result_document import MAX_BYTES, SeatResult, parse

POSTER = "0x" + bytes(range(20)).hex()
MOST = (1 << 96) - 1


@pytest.fixture(scope="module")
def judgement(tmp_path_factory: pytest.TempPathFactory) -> Judgement:
    project = Project(tmp_path_factory.mktemp("round"), d=1_500, seats=4)
    return project.round(honest_updates(1_500, range(4), np.random.default_rng(5)))


def posted(judgement: Judgement, **changes: object) -> ResultPosted:
    """What an honest poster of this judgement would have posted, with some parts changed."""
    delta, model = cid_of_file(judgement.delta), cid_of_file(judgement.model)
    document = document_for(3, 1, POSTER, judgement, delta, model)
    digests = {"delta_digest": digest(delta), "model_digest": digest(model)}
    digests["document_digest"] = digest(cid_of(document.to_bytes()))
    post = Post(
        b"\x01" * 32, 5, 4, judgement.paid, **digests, roots=judgement.roots, included=(15,), rows=(0, 0, 0)
    )
    return ResultPosted(3, 1, POSTER, b"\x02" * 32, 0, True, replace(post, **changes))  # type: ignore[arg-type]


def test_compare_honest_post__is_silent(judgement: Judgement) -> None:
    compare(posted(judgement), judgement)
    compare_announced(posted(judgement), judgement, judgement.delta, judgement.model)


@pytest.mark.parametrize("more", [-1, 1])
def test_compare_paid_one_wei_off__named_first(judgement: Judgement, more: int) -> None:
    roots = replace(judgement.roots, model=b"\x09" * 32)

    with pytest.raises(VerificationError, match=r"E301 round 1: paid: posted \d+, computed \d+"):
        compare(posted(judgement, paid=judgement.paid + more, roots=roots), judgement)


@pytest.mark.parametrize("name", [field.name for field in fields(Roots)])
def test_compare_each_wrong_root__named(judgement: Judgement, name: str) -> None:
    roots = replace(judgement.roots, **{name: b"\x09" * 32})

    with pytest.raises(VerificationError, match=f"E301 round 1: root of {name}: posted 0x0909"):
        compare(posted(judgement, roots=roots), judgement)


@pytest.mark.parametrize("name", ["delta", "model", "document"])
def test_compare_announced_wrong_digest__named(judgement: Judgement, name: str) -> None:
    lie = posted(judgement, **{f"{name}_digest": b"\x09" * 32})

    compare(lie, judgement)
    with pytest.raises(VerificationError, match=f"E301 round 1: digest of {name}: posted 0x0909"):
        compare_announced(lie, judgement, judgement.delta, judgement.model)


def test_document_for_small_round__says_why(judgement: Judgement) -> None:
    seats = [replaced_reason(seat, "zero update") for seat in judgement.seats]

    made = document_for(3, 1, POSTER, replace(judgement, seats=seats), "d", "m")

    assert {seat.reason for seat in made.seats} == {"zero update"}
    assert parse(made.to_bytes()) == made


def test_document_for_1024_seats_at_the_largest_amounts__leaves_reasons_out_and_fits(
    judgement: Judgement,
) -> None:
    seat = SeatResult(
        seat=1_023,
        verdict="unreliable",
        reason="agrees with the others only in what was public before",
        weight=65_535,
        agreement=-16_384,
        novelty=65_536,
        score=str((1 << 63) - 1),
        pay=str(MOST),
    )
    crowd = replace(judgement, seats=[seat] * 1_024, accounts=[Account(16_384, MOST, 0)] * 1_024)

    made = document_for(3, 1, POSTER, crowd, cid_of(b"d"), cid_of(b"m"))

    assert {seat.reason for seat in made.seats} == {""}
    assert len(made.to_bytes()) <= MAX_BYTES
    assert parse(made.to_bytes()) == made


def replaced_reason(seat: SeatResult, reason: str) -> SeatResult:
    return seat.model_copy(update={"reason": reason})


def test_compare_announced_file_that_is_gone__is_no_verdict(judgement: Judgement, tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        compare_announced(posted(judgement), judgement, tmp_path / "none", judgement.model)
