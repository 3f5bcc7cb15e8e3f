"""Creating a project: sentence, form and file are three ways to one configuration; nothing here signs or sends."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl

from fastapi import APIRouter, Request, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import HTMLResponse

from market.cli.project.terms import round_span
from market.codec import MODEL, UPDATE
from market.configuration import Configuration, read_configuration
from market.errors import FairtrainError
from market.tokens import TokenFacts
from webapp import lines
from webapp import models as m
from webapp.build.pages import terms_of
from webapp.calls import GAS
from webapp.fields import FIELDS
from webapp.form import check_configuration, read_form
from webapp.guard import RefusedRequestError
from webapp.pages import Here, Part
from webapp.reader import FormResult, Known
from webapp.site import Site
from webapp.text import Coin, coin_of
from webapp.unform import fields_of
from webapp.wish import Reading, read_wish
from webapp.wish_remote import ask_endpoint

router = APIRouter()
MAX_FIELDS = 64
EXTRA = ("sentence", "configuration", "action", "remote")


@dataclass(frozen=True)
class Cost:
    """A line of the preview; `gas` units are priced by the wallet."""

    name: str
    amount: lines.Units | None
    gas: int
    help: str


@dataclass(frozen=True)
class Preview:
    """What a configuration means."""

    hash: str
    title: str
    coin: Coin
    parameters: int
    update_bytes: int
    model_bytes: int
    rounds: int
    paid_after_s: int
    costs: list[Cost]
    terms: list[m.Term]
    text: str


@dataclass(frozen=True)
class CreatePage:
    """Everything `/create` shows."""

    status: m.Status
    values: dict[str, str]
    errors: dict[str, str]
    filled: dict[str, str]
    sentence: str
    reading: Reading | None
    preview: Preview | None
    can_publish: bool
    publish_problem: str
    has_remote: bool
    empty: bool
    coin: Coin
    notes: list[str] = field(default_factory=list)


def preview_of(made: Configuration, coin: Coin, now: int) -> Preview:
    """Costs and terms of a configuration, amounts in `coin`."""
    params = made.params(now)
    budget = int(made.budget)
    costs = [
        Cost("Budget to lock", budget, 0, "comes back as far as rounds do not pay it out"),
        Cost("Each round", params.pot, 0, "the pot; what a result does not pay goes back to the escrow"),
        Cost("of it the aggregator's fee", params.fee, 0, f"{params.fee_bps / 100:g} % of the pot"),
        Cost("Mean share of a seat", (params.pot - params.fee) // params.seats, 0, "if all seats take part"),
        Cost("A trainer's stake", params.min_stake, 0, "at least; the trainer's, not yours"),
        Cost("An aggregator's bond", params.bond, 0, "for each open result, 1.5 pots; the aggregator's"),
        Cost(
            "Bond for all open rounds",
            params.bond * params.open_rounds,
            0,
            f"{params.open_rounds} at one time",
        ),
        Cost("Gas to create", None, GAS["create"], "once, in the native coin"),
        Cost("Gas to fund", None, GAS["fund"], "each time"),
    ]
    return Preview(
        hash=made.hash,
        title=made.description.title,
        coin=coin,
        parameters=made.description.d,
        update_bytes=UPDATE.file_bytes(made.description.d),
        model_bytes=MODEL.file_bytes(made.description.d),
        rounds=budget // params.pot,
        paid_after_s=round_span(params.windows),
        costs=costs,
        terms=terms_of(params, coin, now),
        text=made.to_bytes().decode(),
    )


def page_of(site: Site, result: FormResult | None, **more: Any) -> CreatePage:
    """The page for a form that was read, or an empty one."""
    made = result.configuration if result else None
    coin = result.coin if result else Coin()
    problem = ""
    if made and made.description.d > site.settings.max_coefficients:
        problem = f"{made.description.d:,} parameters are too many for this page: save the file, use the command line"
    elif not site.settings.publish:
        problem = "this site does not publish files: save the file, use the command line"
    values: dict[str, Any] = {
        "status": site.status(),
        "values": result.values if result else dict.fromkeys(FIELDS, ""),
        "errors": result.errors if result else {},
        "filled": result.filled if result else read_form({}, *_market(site)).filled,
        "sentence": "",
        "reading": None,
        "preview": preview_of(made, coin, site.chain_now()) if made else None,
        "can_publish": not problem,
        "publish_problem": problem,
        "has_remote": site.settings.wish is not None,
        "empty": result is None,
        "coin": coin,
    }
    return CreatePage(**{**values, **more})


def _market(site: Site) -> tuple[str, Any, int, Known]:
    deployment = site.settings.deployment
    return deployment.preset, deployment.limits, site.chain_now(), site.facts.token


def read_body(body: bytes) -> dict[str, str]:
    """A posted form (application/x-www-form-urlencoded). Refused 422 where it is malformed or too wide."""
    try:
        pairs = parse_qsl(
            body.decode("utf-8"), keep_blank_values=True, max_num_fields=MAX_FIELDS, errors="strict"
        )
    except ValueError:
        raise RefusedRequestError(422, "W422", f"no form of at most {MAX_FIELDS} fields in UTF-8") from None
    return {name: value for name, value in pairs if name in FIELDS or name in EXTRA}


def answer(site: Site, given: dict[str, str]) -> CreatePage:
    """What a posted form leads to, by its button."""
    match given.get("action", "check"):
        case "wish":
            reading = read_sentence(site, given.get("sentence", ""), bool(given.get("remote")))
            result = read_form(reading.fields, *_market(site))
            return page_of(site, result, sentence=reading.sentence, reading=reading)
        case "import":
            return _imported(site, given.get("configuration", ""))
        case _:
            return page_of(site, read_form(given, *_market(site)), sentence=given.get("sentence", ""))


def read_sentence(site: Site, sentence: str, remote: bool) -> Reading:
    """By the local grammar, or by the operator's service if there is one and the owner asks for it."""
    if remote and site.settings.wish is not None:
        try:
            return ask_endpoint(site.settings.wish, sentence)
        except FairtrainError as error:
            reading = read_wish(sentence)
            reading.notes.append(f"{error}; read by the local grammar instead")
            return reading
    return read_wish(sentence)


def _imported(site: Site, text: str) -> CreatePage:
    try:
        made = read_configuration(text.encode("utf-8", "surrogatepass"))
        token = made.terms.token
        coin = coin_of(site.facts.token(token) or TokenFacts(token, "", None))
        result = FormResult(dict.fromkeys(FIELDS, "") | fields_of(made, coin), coin=coin)
        check_configuration(result, made, site.settings.deployment.limits, site.chain_now())
    except FairtrainError as error:
        return page_of(site, FormResult(dict.fromkeys(FIELDS, ""), {"": str(error)}))
    return page_of(site, result, notes=[f"imported; configuration hash {made.hash}"])


@router.get("/create", response_class=HTMLResponse)
def create(site: Here) -> Response:
    """An empty form: a sentence, a file, or field by field."""
    return site.html("create", page_of(site, None), fields=FIELDS)


@router.post("/create", response_class=HTMLResponse, responses={422: {"model": m.Failure}})
async def create_checked(site: Here, request: Request, part: Part = None) -> Response:
    """The form with errors beside their fields, or with its preview."""
    given = read_body(await request.body())
    page = await run_in_threadpool(answer, site, given)  # may ask the operator's service
    return site.html("create", page, part, fields=FIELDS)


@router.post("/create/file", responses={422: {"model": m.Failure}})
async def create_file(site: Here, request: Request) -> Response:
    """The configuration as the file that the command line reads."""
    result = read_form(read_body(await request.body()), *_market(site))
    if result.configuration is None:
        where, text = next(iter(result.errors.items()))
        raise RefusedRequestError(422, "W422", f"{where}: {text}" if where else text)
    name = f"{result.configuration.description.name}.json"
    headers = {"content-disposition": f'attachment; filename="{name}"'}
    return Response(result.configuration.to_bytes(), 200, headers, "application/json")
