"""`fairtrain project create`: freezes a project on chain, after everything that can be checked was checked here."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from market.admission import admission_root
from market.cli.context import App, common_options, pass_app
from market.cli.keys import KeyChoice, signer_options
from market.cli.project.content import FirstModel, first_model, publish
from market.cli.project.describe import load_description
from market.cli.project.terms import check_terms, round_span, term_rows, terms_json
from market.cli.project.values import DURATION, Unit, span, unit_of
from market.configuration import Configuration, read_configuration
from market.description import Description
from market.errors import ChainError, InputError
from market.events import ProjectCreated
from market.fetch import exact_pieces
from market.params import PRESETS, Content, Params, Windows
from market.units import NATIVE, ZERO_ADDRESS, Address, address

if TYPE_CHECKING:
    from market.chain.gateway import Receipt

WINDOWS = tuple(field.name for field in fields(Windows))
COUNTS = {
    "seats": "seats",
    "min_seals": "min_seals",
    "expected": "expected_seats",
    "fee_bps": "fee_bps",
    "open_rounds": "open_rounds",
}
"""Option -> field of `Params`, for plain numbers."""
AMOUNTS = {"pot": "pot", "stake": "min_stake", "bond_floor": "bond_floor"}
"""Option -> field of `Params`, for amounts in the project's token."""


def _option_table(command: Any) -> Any:
    """Options for everything that a preset fills in otherwise."""
    number, money = click.IntRange(1), "AMOUNT"
    options: list[Callable[[Any], Any]] = [
        click.option("--pot", metavar=money, help="Reserved for each round, for example 0.5."),
        click.option("--seats", type=number, help="Trainers at most."),
        click.option("--min-seals", type=number, help="Fewer seals void a round."),
        click.option(
            "--expected", type=number, help="Seals that end the first COMMIT early (else all seats)."
        ),
        click.option("--fee-bps", type=click.IntRange(0), help="Aggregator's fee, of 10,000 of the pot."),
        click.option("--stake", metavar=money, help="A trainer's stake at registration, at least."),
        click.option("--bond-floor", metavar=money, help="An aggregator's bond, at least."),
        click.option("--open-rounds", type=number, help="Rounds that may wait for FINAL at one time."),
        click.option("--ends-in", type=DURATION, help="No round opens after 30d, 12h, ..."),
        click.option("--token", metavar="ADDRESS", help="An ERC-20 token (else the native coin)."),
        click.option(
            "--reference-key",
            metavar="ADDRESS",
            help="Signs a reference of yours in each round: steers weights, 0 % of pay (else none).",
        ),
    ]
    options += [
        click.option(
            f"--{name.replace('_', '-')}", name, type=DURATION, help=f"Window `{name}`: 60, 5m, 18h, 7d."
        )
        for name in WINDOWS
    ]
    for option in reversed(options):
        command = option(command)
    return command


@click.command()
@click.option("--description", type=click.Path(dir_okay=False, path_type=Path))
@click.option(
    "--config",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Description, terms and budget in one file, as the dashboard saves it.",
)
@click.option("--preset", type=click.Choice(sorted(PRESETS)), help="Defaults (else those of the deployment).")
@_option_table
@click.option(
    "--admission",
    type=click.Path(dir_okay=False, path_type=Path),
    help="File of admitted addresses, one a line (else everybody).",
)
@click.option(
    "--model",
    type=click.Path(dir_okay=False, path_type=Path),
    help="First model as a file of int32 (else from the description's public seed).",
)
@click.option("--budget", metavar="AMOUNT", help="What you mean to fund; refuses terms that do not fit it.")
@click.option("--dry-run", is_flag=True, help="Check and show everything; send nothing.")
@signer_options
@common_options
@pass_app
def create(
    app: App,
    /,
    choice: KeyChoice,
    description: Path | None,
    config: Path | None,
    dry_run: bool,
    **options: Any,
) -> None:
    """Create a project: check its terms, publish description and first model, send the transaction.

    Nobody can change the terms afterwards. No money is sent yet: `fairtrain project fund` does that.
    """
    whole = _configuration(config, description, options)
    made = whole.description if whole else load_description(description or Path())
    key = None if dry_run else choice.open(app)
    gateway = app.gateway(key.account if key else None)
    token = _token(whole.terms.token if whole else options["token"])
    unit, now = unit_of(gateway, token), gateway.now()
    if whole is None:
        params = build_params(gateway.deployment.preset, made.d, now, token, unit, options)
        budget = None if options["budget"] is None else unit.parse(options["budget"], "--budget")
    else:
        params, budget = whole.params(now), int(whole.budget)
    check_terms(params, gateway.limits(), now)
    _check_budget(params, unit, budget)
    first = first_model(made, options["model"])
    receipt, content = None, None
    if not dry_run:
        content = publish(app.store(), made, first)
        receipt = gateway.send("create", params, content)
    _report(app, Created(made, params, unit, first, now), content, receipt)


def build_params(
    deployed: str, coefficients: int, now: int, token: Address, unit: Unit, options: dict[str, Any]
) -> Params:
    """Params from the preset and what the owner chose. Raises InputError E101 to E103, E107, E108."""
    preset = PRESETS.get(options["preset"] or deployed)
    if preset is None:
        raise InputError("E107", f"this market has no preset of its own; pass --preset {'|'.join(PRESETS)}")
    if token != NATIVE and options["pot"] is None:
        raise InputError("E107", f"presets count in native coin; pass --pot in {unit.symbol}")
    changes: dict[str, Any] = {"token": token}
    changes |= {field: options[name] for name, field in COUNTS.items() if options[name] is not None}
    for name, field in AMOUNTS.items():
        if options[name] is not None:
            changes[field] = unit.parse(options[name], f"--{name.replace('_', '-')}")
    windows = {name: options[name] for name in WINDOWS if options[name] is not None}
    changes["windows"] = replace(preset.windows, **windows)
    if options["ends_in"] is not None:
        changes["end_date"] = now + options["ends_in"]
    if options["admission"] is not None:
        changes["admission_root"] = admission_root(read_addresses(options["admission"]))
    if options["reference_key"] is not None:
        changes["reference_key"] = reference_key(options["reference_key"])
    return preset.project(now, coefficients, **changes)


def reference_key(text: str) -> Address:
    """The address that signs the reference. Raises InputError E101; E107 for the zero address, which means none."""
    key = address(text)
    if key == ZERO_ADDRESS:
        raise InputError(
            "E107", "--reference-key is the zero address; leave it out for a project without one"
        )
    return key


def read_addresses(path: Path) -> list[str]:
    """Addresses of a file, one a line; `#` begins a comment. Raises InputError E101, E108."""
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise InputError("E108", f"{path} cannot be read ({error}); expected one address a line") from None
    return [address(text) for line in lines if (text := re.sub(r"#.*", "", line).strip())]


def _token(text: str | None) -> Address:
    return NATIVE if text is None else address(text)


def _configuration(
    config: Path | None, description: Path | None, options: dict[str, Any]
) -> Configuration | None:
    """The file of --config, None without one. InputError E107 if something else was said as well."""
    if (config is None) == (description is None):
        raise InputError("E107", "pass --description FILE, or --config FILE that holds everything")
    if config is None:
        return None
    others = [name for name, value in options.items() if value is not None and name != "model"]
    if others:
        raise InputError("E107", f"--config says everything; leave --{others[0].replace('_', '-')} out")
    try:
        size = config.stat().st_size
    except OSError as error:
        raise InputError("E108", f"{config}: {error.strerror}; the dashboard saves such a file") from None
    return read_configuration(b"".join(exact_pieces(config, size)))


def _check_budget(params: Params, unit: Unit, budget: int | None) -> None:
    """The bond of a full pipeline is capital that somebody must have; it should not exceed the whole budget."""
    if budget is None:
        return
    bond = params.bond * params.open_rounds
    if budget < params.pot:
        raise InputError(
            "E107",
            f"--budget {unit.text(budget)} pays no round; the pot is {unit.text(params.pot)}: lower --pot",
        )
    if bond > budget:
        what = (
            f"an aggregator needs a bond of {unit.text(bond)} (1.5 pots x {params.open_rounds} open rounds)"
        )
        raise InputError(
            "E107", f"{what}, more than --budget {unit.text(budget)}; lower --open-rounds or --pot"
        )


@dataclass(frozen=True)
class Created:
    """What is reported."""

    description: Description
    params: Params
    unit: Unit
    first: FirstModel
    now: int


def _number(receipt: Receipt) -> int:
    for event in receipt.events:
        if isinstance(event, ProjectCreated):
            return event.project
    raise ChainError("E209", f"{receipt.tx_hash} created no project; is the node in step?")


def _report(app: App, made: Created, content: Content | None, receipt: Receipt | None) -> None:
    out, params, unit = app.out, made.params, made.unit
    number = None if receipt is None else _number(receipt)
    title = f"project {number}" if number else "dry run, nothing was sent"
    out.line(f"{title}: {made.description.title}")
    out.table("frozen", ["term", "value", "meaning"], term_rows(params, unit, made.now))
    if params.token != NATIVE:
        out.line(f"token {unit.symbol} is the contract {params.token}")
    if not made.first.is_public:
        out.line(f"first model: {made.first.path}; trainers refuse it unless they pass --trust-model")
    bond = params.bond * params.open_rounds
    out.line(
        f"ten rounds cost {unit.text(10 * params.pot)} at most; what they do not pay out comes back to the escrow"
    )
    out.line(
        f"an aggregator needs a bond of {unit.text(params.bond)} for each open result, {unit.text(bond)} for all "
        f"{params.open_rounds}; a round is paid {span(round_span(params.windows))} after it opened, or sooner"
    )
    if receipt is not None:
        out.line(f"{receipt.gas_used:,} gas; next: fairtrain project fund {number} AMOUNT")
    out.result(
        {"ok": True, "project": number, "sent": receipt is not None, "params": terms_json(params)}
        | {
            "aggregator_bond_wei": str(bond),
            "model_root": made.first.root,
            "public_model": made.first.is_public,
        }
        | {
            "content": content,
            "gas": receipt.gas_used if receipt else 0,
            "tx": receipt.tx_hash if receipt else None,
        }
    )


__all__ = ["build_params", "create", "read_addresses"]
