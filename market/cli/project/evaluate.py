"""`fairtrain project evaluate`: measures models on the owner's own test data; may stop the project when good enough.

The figures are the owner's own: they are kept on this machine, nobody else can check them, and nothing that is
paid hangs on them.
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from market.claims import Place
from market.cli.context import App, common_options, pass_app
from market.cli.keys import KeyChoice, signer_options
from market.cli.output import shown
from market.cli.project import plugins
from market.cli.project.model import ModelFile, model_file
from market.cli.project.page import standing_round
from market.cli.project.values import project_argument
from market.description import Description
from market.errors import InputError
from market.index.cli import DATABASE, database_url
from market.phases import Phase
from market.project_files import description_of, project_folder
from market.snapshot import take_snapshot

if TYPE_CHECKING:
    from market.chain.gateway import Gateway

OWN = "owner's own figures"
VERSION = 1


class Accuracy(click.ParamType[Fraction]):
    """`0.95` or `95%`, as an exact fraction."""

    name = "accuracy"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Fraction:
        """A fraction above 0, at most 1; a usage error for anything else."""
        if isinstance(value, Fraction):
            return value
        text = str(value).strip()
        try:
            found = Fraction(Decimal(text.removesuffix("%"))) / (100 if text.endswith("%") else 1)
        except (InvalidOperation, ValueError, OverflowError):
            found = Fraction(0)
        if not 0 < found <= 1:
            self.fail(f"{text!r} is no accuracy; write 0.95 or 95%", param, ctx)
        return found


@dataclass(frozen=True)
class Figures:
    """What a model got right: `right` of `samples`; `loss` as decimal text."""

    round: int
    phase: Phase
    model_root: bytes
    right: int
    samples: int
    loss: str

    @property
    def accuracy(self) -> Fraction:
        """Exactly."""
        return Fraction(self.right, self.samples)

    def percent(self) -> str:
        """Accuracy with two decimals, rounded down: `93.61 %`."""
        basis = self.right * 10_000 // self.samples
        return f"{basis // 100}.{basis % 100:02d} %"


@click.command()
@project_argument
@click.option(
    "--test", required=True, help="Labelled data: CSV, .npz, .npy, image folder or sklearn:NAME?test=1."
)
@click.option(
    "--round", "round_", type=click.IntRange(0), help="Of this round (else the newest that stands)."
)
@click.option("--all", "all_rounds", is_flag=True, help="Of every result, and the first model.")
@click.option("--stop-at", type=Accuracy(), help="Stop the project at this accuracy: 0.95 or 95%.")
@click.option(
    "--record/--no-record", default=True, show_default=True, help="Keep the figures on this machine."
)
@signer_options
@common_options
@pass_app
def evaluate(
    app: App,
    project: int,
    test: str,
    round_: int | None,
    all_rounds: bool,
    stop_at: Fraction | None,
    record: bool,
    choice: KeyChoice,
) -> None:
    """Measure the model on your own test data, here; optionally stop the project when it is good enough.

    The figures are yours alone: kept on this machine, checked by nobody, and no pay hangs on them.
    """
    if all_rounds and round_ is not None:
        raise InputError("E107", "--all measures every result; leave out --round")
    measure = plugins.evaluator()
    gateway = _gateway(app, project, stop_at, choice)
    files = _files(gateway, project, round_, all_rounds)
    params, content = gateway.params(project)
    description = description_of(app.store(), params, content)
    figures = [_figures(app, measure, description, file, test) for file in files]
    kept = _record(app, gateway, project, test, figures) if record else None
    stopped = _stop(gateway, project, figures, stop_at)
    _report(app, project, figures, kept, stop_at, stopped)


def _gateway(app: App, project: int, stop_at: Fraction | None, choice: KeyChoice) -> Gateway:
    """With the owner's key if it may be needed: better refused before the work than after it."""
    if stop_at is None:
        return app.gateway()
    key = choice.open(app)
    gateway = app.gateway(key.account)
    gateway.params(project)
    owner = gateway.project(project).owner
    if owner != key.address:
        raise InputError(
            "E107", f"--stop-at: only the owner {owner} can stop project {project}, not {key.address}"
        )
    return gateway


def _files(gateway: Gateway, project: int, round_: int | None, all_rounds: bool) -> list[ModelFile]:
    if not all_rounds:
        return [model_file(gateway, project, round_)]
    last = standing_round(take_snapshot(gateway, project))
    counted = [n for n in range(1, last + 1) if gateway.result(project, n).commitment != bytes(32)]
    return [model_file(gateway, project, number) for number in (0, *counted)]


def _figures(app: App, measure: plugins.Evaluator, made: Description, file: ModelFile, test: str) -> Figures:
    found = measure(made.to_bytes(), file.read(app.store()), test)
    samples = int(found["samples"])
    right = round(Fraction(found["accuracy"]) * samples)
    return Figures(file.round, file.phase, file.root, right, samples, f"{found['loss']:.6f}")


def _record(app: App, gateway: Gateway, project: int, test: str, figures: list[Figures]) -> Path:
    """Appends one line a model to `evaluations.jsonl` in the owner's folder of the project."""
    place = Place(gateway.deployment.chain_id, gateway.deployment.market)
    path = project_folder(app.home, place, project, "owner") / "evaluations.jsonl"
    now = gateway.now()
    with path.open("a", encoding="utf-8") as file:
        for one in figures:
            line = {"version": VERSION, "what": OWN, "project": project, "at": now, "test": test}
            file.write(json.dumps(line | figures_json(one)) + "\n")
    _show_on_dashboard(app, project, now, figures)
    return path


def _show_on_dashboard(app: App, project: int, now: int, figures: list[Figures]) -> None:
    """Into the index of this machine, if there is one: the dashboard draws the curve from it."""
    database = os.environ.get(DATABASE)
    if not database and not (app.home / "index.sqlite").exists():
        return
    from market.index.measurements import record_measurement
    from market.index.views import Measurement

    for one in figures:
        millionths = one.right * 1_000_000 // one.samples
        record_measurement(
            database_url(app, database), Measurement(project, one.round, millionths, one.samples, now)
        )


def figures_json(one: Figures) -> dict[str, Any]:
    """Integers and decimal texts; `accuracy` has six decimals, rounded down."""
    millionths = one.right * 1_000_000 // one.samples
    return {
        "round": one.round,
        "model_root": "0x" + one.model_root.hex(),
        "right": one.right,
        "samples": one.samples,
        "accuracy": f"{millionths // 1_000_000}.{millionths % 1_000_000:06d}",
        "loss": one.loss,
    }


def _stop(gateway: Gateway, project: int, figures: list[Figures], stop_at: Fraction | None) -> str | None:
    """The transaction that stopped the project, if the newest model is good enough and it still runs."""
    if stop_at is None or figures[-1].accuracy < stop_at or gateway.project(project).stopped:
        return None
    return gateway.send("stop", project).tx_hash


def _report(
    app: App,
    project: int,
    figures: list[Figures],
    kept: Path | None,
    stop_at: Fraction | None,
    stopped: str | None,
) -> None:
    out = app.out
    rows = [
        (f.round, f.phase.name if f.round else "first", f.percent(), f"{f.right}/{f.samples}", f.loss)
        for f in figures
    ]
    out.table(
        f"project {project}: your own figures", ["round#", "result", "accuracy#", "right#", "loss#"], rows
    )
    where = f"kept in {shown(kept)}" if kept else "not kept"
    out.line(f"{OWN}, {where}; nobody else can check them and no pay hangs on them")
    if stopped is not None:
        out.line(f"{figures[-1].percent()} reached: stopped; next: fairtrain project advance {project}")
    elif stop_at is not None and figures[-1].accuracy < stop_at:
        out.line(f"below {stop_at}: the project goes on")
    out.result(
        {"ok": True, "project": project, "what": OWN, "figures": [figures_json(one) for one in figures]}
        | {"file": kept, "stopped": stopped is not None, "tx": stopped}
    )
