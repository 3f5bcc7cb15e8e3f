"""The part of the create form that says what is learned: fields in, a description document out."""

from __future__ import annotations

import hashlib
import json
import re
from typing import Any

from market.description import parse
from market.errors import DocumentError
from webapp.reader import Reader

MAX_LABELS = 1_024
_SLUG = re.compile(r"[^a-z0-9]+")


def read_description(reader: Reader) -> dict[str, Any]:
    """The description document; errors are noted at their fields."""
    title = reader.text("title")
    if not title:
        reader.fail("title", "say in one line what the model is for")
    name = reader.text("name", _SLUG.sub("-", title.lower()).strip("-")[:32].strip("-") or "project")
    document: dict[str, Any] = {
        "version": 1,
        "name": name,
        "title": title or "-",
        "model": _model(reader),
        "data": _data(reader),
        "lsb_exponent": reader.whole("lsb_exponent", 15, 8, 24),
        "training": {
            "learning_rate": reader.text("learning_rate", "0.1"),
            "momentum": reader.text("momentum", "0"),
            "batch_size": reader.whole("batch_size", 16, 1, 65_536),
            "local_steps": reader.whole("local_steps", 10, 1, 100_000),
            "step_bound": reader.text("step_bound", "8"),
        },
    }
    if reader.result.values["seed"]:
        document["initialiser"] = {"seed": reader.whole("seed", 0)}
    else:
        # from the rest of the description, so that the same intent has the same first model and hash
        text = json.dumps(document, sort_keys=True).encode()
        seed = int.from_bytes(hashlib.sha256(text).digest()[:8], "big") >> 1
        reader.result.filled["seed"] = str(seed)
        document["initialiser"] = {"seed": seed}
    return _checked(reader, document)


PLACES = {
    "/name": "name",
    "/title": "title",
    "/model/hidden": "hidden",
    "/model/channels": "channels",
    "/data/shape": "features",
    "/data/labels": "labels",
    "/data/subtract": "subtract",
    "/data/divide_by": "divide_by",
    "/training/learning_rate": "learning_rate",
    "/training/momentum": "momentum",
    "/training/step_bound": "step_bound",
}
"""Where a description is wrong -> the field to change."""


def _checked(reader: Reader, document: dict[str, Any]) -> dict[str, Any]:
    if reader.result.errors:
        return document
    try:
        body: dict[str, Any] = json.loads(parse(json.dumps(document).encode()).to_bytes())
        return body
    except DocumentError as error:
        found = re.match(r"manifest: (/\S*) (.*)", error.text)
        place, reason = (found[1], found[2]) if found else ("/", error.text)
        name = next((target for start, target in PLACES.items() if place.startswith(start)), "")
        if place == "/data":  # a relation between its parts: the message begins with the one to change
            name = PLACES.get(f"/data/{reason.split()[0]}", "")
        reader.fail(name, reason)
        return document


def _model(reader: Reader) -> dict[str, Any]:
    kind = reader.text("model", "cnn" if reader.result.values["image"] else "mlp")
    if kind == "cnn":
        hidden = reader.numbers("hidden", "32")
        if len(hidden) != 1:
            reader.fail("hidden", "one width, such as 32: further layers of a cnn are its channels")
        return {"kind": "cnn", "channels": reader.numbers("channels", "8,16"), "hidden": (hidden or [32])[0]}
    if kind != "mlp":
        reader.fail("model", "choose mlp or cnn")
    if reader.result.values["channels"]:
        reader.fail("channels", "an mlp has no channels; choose cnn or leave this empty")
    none = reader.result.values["hidden"].lower() == "none"
    return {"kind": "mlp", "hidden": [] if none else reader.numbers("hidden", "32")}


def _data(reader: Reader) -> dict[str, Any]:
    values = reader.result.values
    if values["image"]:
        shape = reader.numbers("image", "")
        shape = [1, *shape] if len(shape) == 2 else shape
        if values["features"]:
            reader.fail("features", "either features of a table or the size of an image, not both")
        if len(shape) != 3:
            reader.fail("image", "write height x width, or channels x height x width: 3x32x32")
    else:
        if not values["features"]:
            reader.fail("features", "how many numbers describe one sample? (columns without the class)")
        shape = [reader.whole("features", 1, 1, 1 << 20)] if values["features"] else [1]
    return {
        "shape": shape,
        "labels": _labels(reader),
        "subtract": _scale(reader, "subtract", "0"),
        "divide_by": _scale(reader, "divide_by", "1"),
    }


def _labels(reader: Reader) -> list[str]:
    text = reader.result.values["labels"]
    if not text:
        reader.fail("labels", "which classes are there? names between commas, or how many")
    elif re.fullmatch(r"[0-9]{1,4}", text):
        if 2 <= int(text) <= MAX_LABELS:
            return [str(number) for number in range(int(text))]
        reader.fail("labels", f"from 2 to {MAX_LABELS:,} classes")
    # one a line where a name holds a comma
    parts = text.splitlines() if "\n" in text else text.split(",")
    return [label.strip() for label in parts if label.strip()] or ["0", "1"]


def _scale(reader: Reader, name: str, default: str) -> str | list[str]:
    parts = [part.strip() for part in reader.text(name, default).split(",")]
    return parts[0] if len(parts) == 1 else parts
