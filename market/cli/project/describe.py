"""`fairtrain project describe`: a project description made from a data file; nothing is sent."""

from __future__ import annotations

import json
import secrets
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from market.cli.context import App, common_options, pass_app
from market.cli.project import plugins
from market.cli.project.values import NUMBERS
from market.codec import MODEL, UPDATE
from market.description import Description, parse, parse_published
from market.errors import InputError
from market.fetch import exact_pieces

Texts = list[str]


def load_description(path: Path) -> Description:
    """A description from an owner's file, in any layout. Raises UpdateError E130, E132, DocumentError E180."""
    try:
        size = path.stat().st_size
    except OSError as error:
        raise InputError(
            "E108", f"{path}: {error.strerror}; `fairtrain project describe` makes a description"
        ) from None
    return parse(b"".join(exact_pieces(path, size)))


@click.command()
@click.option("--data", required=True, help="CSV, .npz, .npy, image folder or sklearn:NAME, as a trainer's.")
@click.option("--label", help="Label column of a CSV, by name or number from 1 (else the last).")
@click.option("--name", required=True, help="Short name: lower case, digits, hyphens.")
@click.option("--title", help="One line for people (else the name).")
@click.option("--model", "kind", type=click.Choice(["mlp", "cnn"]), default="mlp", show_default=True)
@click.option("--hidden", type=NUMBERS, help="Widths of hidden layers, 32,32 (cnn: one width).")
@click.option("--channels", type=NUMBERS, help="Channels of a cnn's blocks, 8,16.")
@click.option("--shape", type=NUMBERS, help="One sample: features, or channels,height,width (else as found).")
@click.option("--subtract", help="Scaling: one number or one a feature, comma-separated (else suggested).")
@click.option("--divide-by", help="Scaling: one number or one a feature, comma-separated (else suggested).")
@click.option("--learning-rate", help="For example 0.1; results may raise it to four times that.")
@click.option("--momentum", help="For example 0.9.")
@click.option("--local-steps", type=int, help="Training steps in a round.")
@click.option("--batch-size", type=int, help="Samples in a step.")
@click.option("--step-bound", help="Largest length of one update, in weights.")
@click.option("--lsb-exponent", type=int, help="e of the step 2^-e in which updates count (8 to 24).")
@click.option("--seed", type=int, help="Public seed of the first model (else random).")
@click.option("-o", "--output", type=click.Path(dir_okay=False, path_type=Path), required=True)
@click.option("--force", is_flag=True, help="Overwrite the output file.")
@common_options
@pass_app
def describe(app: App, /, data: str, output: Path, force: bool, **options: Any) -> None:
    """Make a project description from a data file of yours; nothing is sent.

    Shape, labels and a coarse scaling are read from the file and become public with the project; samples do not.
    """
    if output.exists() and not force:
        raise InputError("E108", f"{output} is there already; choose another -o or pass --force")
    if options["label"] is not None:
        data += f"{'&' if '?' in data else '?'}label={options['label']}"
    found = plugins.inspector()(data, options["shape"] or ())
    document = build(found, options)
    description = parse(json.dumps(document).encode())
    parse_published(description.to_bytes())  # also canonical form has its limit of bytes
    write(output, description)
    _report(app, output, description, found, suggested=not (options["subtract"] and options["divide_by"]))


def build(found: Mapping[str, Any], options: Mapping[str, Any]) -> dict[str, Any]:
    """The document from what a file holds and what the owner chose; `market.description` checks it."""
    seed = secrets.randbelow(1 << 63) if options["seed"] is None else options["seed"]
    training = {
        key: options[key]
        for key in ("learning_rate", "momentum", "local_steps", "batch_size", "step_bound")
        if options[key] is not None
    }
    document = {
        "version": 1,
        "name": options["name"],
        "title": options["title"] or options["name"],
        "model": _model(options),
        "data": {
            "shape": found["shape"],
            "labels": found["labels"],
            "subtract": _scale(options["subtract"], found["subtract"]),
            "divide_by": _scale(options["divide_by"], found["divide_by"]),
        },
        "initialiser": {"seed": seed},
        "training": training,
    }
    if options["lsb_exponent"] is not None:
        document["lsb_exponent"] = options["lsb_exponent"]
    return document


def _model(options: Mapping[str, Any]) -> dict[str, Any]:
    kind, hidden, channels = options["kind"], options["hidden"], options["channels"]
    model: dict[str, Any] = {"kind": kind}
    if kind == "mlp" and channels is not None:
        raise InputError("E107", "--channels belongs to --model cnn; an mlp has --hidden only")
    if kind == "cnn" and hidden is not None and len(hidden) != 1:
        raise InputError("E107", f"--hidden of a cnn is one width, got {len(hidden)}; blocks are --channels")
    if hidden is not None:
        model["hidden"] = list(hidden) if kind == "mlp" else hidden[0]
    if channels is not None:
        model["channels"] = list(channels)
    return model


def _scale(given: str | None, suggested: Texts) -> str | Texts:
    """One number where one is enough."""
    numbers = suggested if given is None else [part.strip() for part in given.split(",")]
    return numbers[0] if len(numbers) == 1 else numbers


def write(path: Path, description: Description) -> None:
    """Writes a description for people: indented, one key a line. Raises InputError E108."""
    body = json.dumps(json.loads(description.to_bytes()), indent=2, ensure_ascii=False)
    try:
        path.write_text(body + "\n", encoding="utf-8")
    except OSError as error:
        raise InputError("E108", f"{path} cannot be written: {error.strerror}") from None


def _report(app: App, path: Path, made: Description, found: Mapping[str, Any], suggested: bool) -> None:
    out, samples = app.out, int(found["samples"])
    out.line(f"{path}: {made.title}, {made.model.kind} with {made.d} parameters")
    out.line(
        f"inputs {list(made.data.shape)}, {len(made.data.labels)} classes, {samples} samples looked at; "
        f"an update has {UPDATE.file_bytes(made.d)} bytes, the model {MODEL.file_bytes(made.d)}"
    )
    if suggested:
        out.line("scaling comes from your file, to two digits; it becomes public (--subtract, --divide-by)")
    out.line(f"next: fairtrain project create --description {path}")
    body = json.loads(made.to_bytes())
    out.result(
        {"ok": True, "file": path, "parameters": made.d, "samples": samples, "description": body}
        | {"update_bytes": UPDATE.file_bytes(made.d), "model_bytes": MODEL.file_bytes(made.d)}
    )
