"""A posted result beside a computed one: the comparison, and the document that goes with a new one."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path

from aggregator.judge import Judgement
from market.advice import proof_of
from market.cid import cid_of, cid_of_file, digest
from market.errors import VerificationError
from market.events import ResultPosted
from market.records import Roots
from market.result_document import MAX_BYTES, ResultDocument, SeatAccount


def compare(posted: ResultPosted, judgement: Judgement) -> None:
    """Raises VerificationError at the first number of a posted result that differs from the computed one."""
    where = f"round {posted.round}"
    if posted.post.paid != judgement.paid:
        raise VerificationError(f"{where}: paid", posted.post.paid, judgement.paid)
    for field in fields(Roots):
        said, computed = getattr(posted.post.roots, field.name), getattr(judgement.roots, field.name)
        if said != computed:
            raise VerificationError(
                f"{where}: root of {field.name}", f"0x{said.hex()}", f"0x{computed.hex()}"
            )


def compare_announced(posted: ResultPosted, judgement: Judgement, delta: Path, model: Path) -> None:
    """Raises VerificationError if delta, model or document were announced under a digest that is not theirs.

    `delta`, `model`: the computed files. These digests stand in the event and not in the commitment: who lies
    here hides files and accounts, but changes no number.
    """
    delta_cid, model_cid = cid_of_file(delta), cid_of_file(model)
    document = document_for(posted.project, posted.round, posted.poster, judgement, delta_cid, model_cid)
    computed = {
        "delta": digest(delta_cid),
        "model": digest(model_cid),
        "document": digest(cid_of(document.to_bytes())),
    }
    for name, right in computed.items():
        said = getattr(posted.post, f"{name}_digest")
        if said != right:
            where = f"round {posted.round}: digest of {name}"
            raise VerificationError(where, f"0x{said.hex()}", f"0x{right.hex()}")


def document_for(
    project: int, number: int, poster: str, judgement: Judgement, delta_cid: str, model_cid: str
) -> ResultDocument:
    """The document that a poster publishes beside delta and model.

    Reasons are words for people and are left out where they would not fit: a document that is too long is not
    read, and then nobody could prove an account.
    """
    document = _document(project, number, poster, judgement, delta_cid, model_cid)
    if len(document.to_bytes()) <= MAX_BYTES:
        return document
    silent = tuple(seat.model_copy(update={"reason": ""}) for seat in document.seats)
    return document.model_copy(update={"seats": silent})


def _document(
    project: int, number: int, poster: str, judgement: Judgement, delta_cid: str, model_cid: str
) -> ResultDocument:
    return ResultDocument(
        version=1,
        project=project,
        round=number,
        poster=poster,
        paid=str(judgement.paid),
        delta=delta_cid,
        model=model_cid,
        sums=cid_of_file(judgement.sums) if judgement.sums else "",
        seats=tuple(judgement.seats),
        accounts=tuple(
            SeatAccount(reputation=account.reputation, pay=str(account.pay), penalty=str(account.penalty))
            for account in judgement.accounts
        ),
        advice=tuple(map(int, judgement.view.advice)),
        advice_proof=tuple(f"0x{sibling.hex()}" for sibling in proof_of(judgement.step_roots)),
    )
