"""A posted result beside a computed one: the comparison, and the document that goes with a new one."""

from __future__ import annotations

from dataclasses import fields

from aggregator.judge import Judgement
from market.errors import VerificationError
from market.events import ResultPosted
from market.records import Roots
from market.result_document import ResultDocument, SeatAccount


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


def document_for(
    project: int, number: int, poster: str, judgement: Judgement, delta_cid: str, model_cid: str
) -> ResultDocument:
    """The document that a poster publishes beside delta and model."""
    return ResultDocument(
        version=1,
        project=project,
        round=number,
        poster=poster,
        paid=str(judgement.paid),
        delta=delta_cid,
        model=model_cid,
        seats=tuple(judgement.seats),
        accounts=tuple(
            SeatAccount(reputation=account.reputation, pay=str(account.pay), penalty=str(account.penalty))
            for account in judgement.accounts
        ),
    )
