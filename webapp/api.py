"""What programs and our own scripts ask: configurations, sentences, and calls to sign. Nothing here sends or signs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any, Literal

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field

from market.configuration import MAX_BYTES, Configuration, read_configuration
from market.errors import FairtrainError
from market.units import MAX_SEATS, NATIVE, ZERO_ADDRESS, address
from webapp import calls as c
from webapp import models as m
from webapp.create import read_sentence
from webapp.form import check_configuration, read_form
from webapp.guard import RefusedRequestError
from webapp.pages import MAX_ID, Here, missing
from webapp.publish import files_of
from webapp.reader import FormResult
from webapp.site import Site

router = APIRouter(prefix="/api", responses={422: {"model": m.Failure}, 404: {"model": m.Failure}})
Amount = Annotated[str, Field(pattern=r"^[1-9][0-9]{0,28}$", description="smallest units")]
Id = Annotated[int, Field(ge=1, le=MAX_ID)]
Seat = Annotated[int, Field(ge=0, lt=MAX_SEATS)]
Account = Annotated[str, Field(pattern=r"^0x[0-9a-fA-F]{40}$")]


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class FormBody(_Body):
    """Fields of the create form, by name; those left out stand for the preset."""

    fields: Annotated[dict[str, Annotated[str, Field(max_length=50_000)]], Field(max_length=64)]


class SentenceBody(_Body):
    """An owner's sentence."""

    sentence: Annotated[str, Field(max_length=600)]


class CreateBody(_Body):
    """A configuration file's text."""

    configuration: Annotated[str, Field(max_length=MAX_BYTES)]


class FundBody(_Body):
    """How much to lock."""

    project: Id
    amount: Amount


class ProjectBody(_Body):
    """A project."""

    project: Id


class WithdrawBody(_Body):
    """Where a credit goes; `token` is the zero address for the native coin."""

    token: Account = ZERO_ADDRESS
    to: Account


class ChoreBody(_Body):
    """A call that anybody may send; `round` for all but `open` and `skip`."""

    project: Id
    round: Annotated[int, Field(ge=0, le=MAX_ID)] | None = None


class SeatBody(_Body):
    """A seat of a project."""

    project: Id
    seat: Seat


class FlatBody(SeatBody):
    """A seat in a round."""

    round: Id


class AskBody(_Body):
    """A question to a poster."""

    ask: Id


@dataclass(frozen=True)
class Checked:
    """A configuration, or what is wrong with it, by field."""

    ok: bool
    hash: str
    configuration: str
    errors: dict[str, str]
    filled: dict[str, str]


@dataclass(frozen=True)
class Understood:
    """What a sentence means."""

    fields: dict[str, str]
    notes: list[str]
    questions: list[str]
    source: str


@router.post("/configuration")
def configuration(site: Here, body: FormBody) -> Checked:
    """Form fields to a configuration."""
    deployment = site.settings.deployment
    now, known = site.chain_now(), site.facts.token
    result = read_form(body.fields, deployment.preset, deployment.limits, now, known)
    return checked(result)


def checked(result: FormResult) -> Checked:
    """A form that was read, for programs."""
    made = result.configuration
    return Checked(
        made is not None,
        made.hash if made else "",
        made.to_bytes().decode() if made else "",
        result.errors,
        result.filled,
    )


@router.post("/wish")
def wish(site: Here, body: SentenceBody) -> Understood:
    """A sentence to form fields or questions, by the local grammar."""
    reading = read_sentence(site, body.sentence, remote=False)
    return Understood(reading.fields, reading.notes, reading.questions, reading.source)


def plan(site: Site, steps: list[c.Call], **more: Any) -> c.Plan:
    """Calls of this site's market."""
    deployment = site.settings.deployment
    return c.Plan(deployment.chain_id, deployment.market, deployment.code_hash, steps, **more)


def refusal(error: FairtrainError) -> RefusedRequestError:
    """An expected refusal as an answer."""
    return RefusedRequestError(422, error.code if error.code.startswith("E") else "W422", error.text)


@router.post("/calls/create")
def create(site: Here, body: CreateBody) -> c.Plan:
    """Publishes description and first model, then gives the transaction that creates the project."""
    try:
        made = read_configuration(body.configuration.encode("utf-8", "surrogatepass"))
        _refuse_broken(site, made)
        content = site.publisher.publish(made)
    except FairtrainError as error:
        raise refusal(error) from None
    call = c.create_call(site.settings.deployment.market, made, content, site.chain_now())
    document = made.description.to_bytes().decode()
    return plan(site, [call], document=document, configuration_hash=made.hash, files=files_of(made, content))


def _refuse_broken(site: Site, made: Configuration) -> None:
    result = FormResult({})
    check_configuration(result, made, site.settings.deployment.limits, site.chain_now())
    if result.errors:
        where, text = next(iter(result.errors.items()))
        raise RefusedRequestError(422, "W422", f"{where}: {text}" if where else text)


@router.post("/calls/fund")
def fund(site: Here, body: FundBody) -> c.Plan:
    """Locks money in a project's escrow; with a token, approves exactly this amount before."""
    found = site.facts.project(body.project, 1)
    if found is None:
        raise missing(f"project {body.project}")
    if int(body.amount) >= 1 << 96:
        raise RefusedRequestError(422, "W422", "the contract keeps amounts below 2^96 smallest units")
    token = found.params.token
    return plan(site, c.fund_calls(site.settings.deployment.market, body.project, token, int(body.amount)))


@router.post("/calls/owner/{name}")
def owner(site: Here, name: Literal["stop", "refund"], body: ProjectBody) -> c.Plan:
    """What only the owner (stop) or anybody after the end (refund) may send."""
    return plan(site, [c.owner_call(site.settings.deployment.market, name, body.project)])


@router.post("/calls/withdraw")
def withdraw(site: Here, body: WithdrawBody) -> c.Plan:
    """Takes the sender's whole credit out."""
    try:
        token = NATIVE if int(body.token, 16) == 0 else address(body.token)
        return plan(site, [c.withdraw_call(site.settings.deployment.market, token, address(body.to))])
    except FairtrainError as error:
        raise refusal(error) from None


@router.post("/calls/chore/{name}")
def chore(
    site: Here,
    name: Literal["open", "voidRound", "flatten", "skip", "clear", "release", "finalise"],
    body: ChoreBody,
) -> c.Plan:
    """What anybody may send when it is due."""
    if body.round is None and name not in ("open", "skip"):
        raise RefusedRequestError(422, "W422", f"{name} is a call of a round; name it")
    return plan(site, [c.chore_call(site.settings.deployment.market, name, body.project, body.round)])


@router.post("/calls/seat/{name}")
def seat(site: Here, name: Literal["claim", "leave", "evict"], body: SeatBody) -> c.Plan:
    """Pay of a seat as credit of its payout address (anybody), and its end: by its signer, or after 16 idle rounds."""
    found = site.facts.account_proof(body.project, body.seat)
    if found is None or (name == "claim" and not found[0]):
        raise missing(f"a final account of seat {body.seat} in project {body.project}")
    market = site.settings.deployment.market
    return plan(site, [c.seat_call(market, name, body.project, found[0], body.seat, found[1])])


@router.post("/calls/claimFlat")
def claim_flat(site: Here, body: FlatBody) -> c.Plan:
    """A seat's equal share of a round without a result, as credit of who held the seat then."""
    found = site.facts.round(body.project, body.round)
    line = next((one for one in found.updates if one.seat == body.seat), None) if found else None
    if line is None or not line.flat_share:
        raise missing(f"an equal share of seat {body.seat} in round {body.round} of project {body.project}")
    market = site.settings.deployment.market
    return plan(site, [c.flat_call(market, body.project, body.round, body.seat, line.tenure)])


@router.post("/calls/ask/{name}")
def ask(site: Here, name: Literal["convictSilent", "settleAsk"], body: AskBody) -> c.Plan:
    """What anybody may send about an ask when it is due."""
    return plan(site, [c.ask_call(site.settings.deployment.market, name, body.ask)])


@router.get("/errors")
def errors(site: Here) -> dict[str, str]:
    """Selector of each error of the market, to say why a wallet's node refused."""
    return {
        "0x" + selector.hex(): f"{entry.name}({', '.join(entry.names)})"
        for selector, entry in c.market_interface().errors.items()
    }
