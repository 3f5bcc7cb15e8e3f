"""The project description: what every participant must know to take part, as one canonical JSON document.

Only the sha2-256 digest of its CID is on chain, so the bytes may come from anybody. `parse` therefore treats them as
hostile: 16 kB, five levels, no duplicate or unknown keys, no floating-point numbers (decimals are text), no
text that can disguise itself. It holds data only: which model of the registry, how inputs are scaled, hints
for training. It never holds code, and nothing in it is fitted on anybody's private data.
"""

from __future__ import annotations

import json
import re
import unicodedata
from decimal import Decimal
from math import isqrt, prod
from typing import Annotated, Literal, NamedTuple, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, model_validator

from market.codec import MAX_COEFFICIENTS, padded
from market.errors import DocumentError

MAX_BYTES = 16_384
MAX_DEPTH = 5
_DECIMAL = re.compile(r"(0|[1-9][0-9]{0,8})(\.[0-9]{1,9})?")
_DISGUISES = {"Cc", "Cf", "Cs", "Co", "Zl", "Zp"}  # control, direction overrides, zero width, surrogates, ...


def _plain_text(value: str) -> str:
    bad = next((c for c in value if unicodedata.category(c) in _DISGUISES), None)
    if bad is not None:
        raise ValueError(f"character U+{ord(bad):04X} is not allowed")
    if value != value.strip() or value != unicodedata.normalize("NFC", value):
        raise ValueError("leading or trailing space, or text that is not in Unicode form NFC")
    return value


def _decimal(value: str) -> str:
    if not _DECIMAL.fullmatch(value):
        raise ValueError('must be a decimal such as "0.1" (at most 9 digits on each side)')
    return value


def _positive_decimal(value: str) -> str:
    if Decimal(_decimal(value)) == 0:
        raise ValueError("must be above zero")
    return value


def _signed_decimal(value: str) -> str:
    _decimal(value.removeprefix("-"))
    return value


Name = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]{0,31}$")]
Title = Annotated[str, Field(min_length=1, max_length=80), AfterValidator(_plain_text)]
Label = Annotated[str, Field(min_length=1, max_length=32), AfterValidator(_plain_text)]
DecimalText = Annotated[str, AfterValidator(_decimal)]
PositiveDecimal = Annotated[str, AfterValidator(_positive_decimal)]
SignedDecimal = Annotated[str, AfterValidator(_signed_decimal)]
Width = Annotated[int, Field(ge=1, le=65_536)]


class _Part(BaseModel):
    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)


class Mlp(_Part):
    """Fully connected layers with ReLU between them; no hidden layer is softmax regression."""

    kind: Literal["mlp"]
    hidden: Annotated[tuple[Width, ...], Field(max_length=8)] = (32,)


class Cnn(_Part):
    """Blocks of 3x3 convolution, ReLU and 2x2 maximum, then one hidden layer and the output."""

    kind: Literal["cnn"]
    channels: Annotated[tuple[Width, ...], Field(min_length=1, max_length=6)] = (8, 16)
    hidden: Width = 32


class Data(_Part):
    """What one sample is. An input value `x` becomes `(x - subtract) / divide_by`, per feature if lists."""

    shape: Annotated[tuple[Annotated[int, Field(ge=1, le=1 << 20)], ...], Field(min_length=1, max_length=3)]
    labels: Annotated[tuple[Label, ...], Field(min_length=2, max_length=1_024)]
    subtract: SignedDecimal | tuple[SignedDecimal, ...] = "0"
    divide_by: PositiveDecimal | tuple[PositiveDecimal, ...] = "1"

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if len(self.shape) == 2:
            raise ValueError("shape must be [features] or [channels, height, width]")
        if len(set(self.labels)) != len(self.labels):
            raise ValueError("labels must differ from each other")
        for key, value in (("subtract", self.subtract), ("divide_by", self.divide_by)):
            if isinstance(value, tuple) and self.shape != (len(value),):
                raise ValueError(f"{key} has {len(value)} entries for inputs of shape {list(self.shape)}")
        return self


class Initialiser(_Part):
    """The public seed from which anybody rebuilds the first model (`market.initial`)."""

    seed: Annotated[int, Field(ge=0, lt=1 << 63)]


class Training(_Part):
    """Hints that every honest trainer follows. Nobody can enforce them; agreement rewards them.

    `step_bound` is the largest Euclidean length of one update, in units of weights. Honest trainers shorten
    what is longer, so a base that moved clearly further was not made by the rule (see `step_limit_squared`).
    """

    optimizer: Literal["sgd"] = "sgd"
    learning_rate: PositiveDecimal = "0.1"
    momentum: DecimalText = "0"
    batch_size: Annotated[int, Field(ge=1, le=65_536)] = 16
    local_steps: Annotated[int, Field(ge=1, le=100_000)] = 10
    step_bound: PositiveDecimal = "8"

    @model_validator(mode="after")
    def _stable(self) -> Self:
        if Decimal(self.momentum) >= 1:
            raise ValueError(f"momentum must be below 1, got {self.momentum}")
        return self


class Parameter(NamedTuple):
    """One tensor of a model, in the order of the flat vector. `fan_in` counts the inputs of one output."""

    name: str
    shape: tuple[int, ...]
    fan_in: int


class Description(_Part):
    """A parsed project description. `d` is the model's number of parameters, `lsb_exponent` is e of 2^-e."""

    version: Literal[1]
    name: Name
    title: Title
    model: Annotated[Mlp | Cnn, Field(discriminator="kind")]
    data: Data
    initialiser: Initialiser | None = None
    lsb_exponent: Annotated[int, Field(ge=8, le=24)] = 15
    training: Training = Training()

    @model_validator(mode="after")
    def _possible(self) -> Self:
        if isinstance(self.model, Cnn):
            if len(self.data.shape) != 3:
                raise ValueError(f"a cnn needs [channels, height, width], got {list(self.data.shape)}")
            if min(self.data.shape[1:]) >> len(self.model.channels) == 0:
                raise ValueError(
                    f"{len(self.model.channels)} halvings leave nothing of {self.data.shape[1:]}"
                )
        if self.d > MAX_COEFFICIENTS:
            raise ValueError(f"model has {self.d} parameters, at most {MAX_COEFFICIENTS}")
        return self

    @property
    def d(self) -> int:
        """Number of model parameters, as in the contract and in every update before padding."""
        return parameter_count(self.model, self.data)

    @property
    def d_pad(self) -> int:
        """`d` rounded up to whole leaves: the number of coefficients in every file."""
        return padded(self.d)

    def to_bytes(self) -> bytes:
        """Canonical form: UTF-8, sorted keys, no white space, defaults written out, absent parts left out."""
        document = self.model_dump(mode="json", exclude_none=True)
        return json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()

    @property
    def update_limit(self) -> Decimal:
        """`step_bound` in units of the LSB."""
        return Decimal(self.training.step_bound) * (1 << self.lsb_exponent)

    @property
    def step_limit_squared(self) -> int:
        """Largest squared length of an honest global delta, in squared LSB.

        An update is at most `step_bound` long plus sqrt(d) of rounding; the rule's weights sum to at most
        one; sketched norms are right within a quarter; the delta is rounded once more.
        """
        return (int(self.update_limit) * 5 // 4 + 3 * (isqrt(self.d) + 1)) ** 2


def parameters(model: Mlp | Cnn, data: Data) -> tuple[Parameter, ...]:
    """The tensors of a model in the order of the flat vector: weights [out, in...] before biases [out]."""
    found: list[Parameter] = []

    def layer(name: str, out: int, inputs: tuple[int, ...]) -> None:
        found.append(Parameter(f"{name}.weight", (out, *inputs), prod(inputs)))
        found.append(Parameter(f"{name}.bias", (out,), prod(inputs)))

    if isinstance(model, Cnn):
        channels, height, width = data.shape
        for index, out in enumerate(model.channels):
            layer(f"conv{index}", out, (channels, 3, 3))
            channels, height, width = out, height // 2, width // 2
        sizes: tuple[int, ...] = (channels * height * width, model.hidden)
    else:
        sizes = (prod(data.shape), *model.hidden)
    for index, (size, out) in enumerate(zip(sizes, (*sizes[1:], len(data.labels)), strict=True)):
        layer(f"linear{index}", out, (size,))
    return tuple(found)


def parameter_count(model: Mlp | Cnn, data: Data) -> int:
    """Number of parameters, without building anything (equal to torch's count, see the tests)."""
    return sum(prod(parameter.shape) for parameter in parameters(model, data))


class _Number(str):
    """A JSON number that is not an integer, kept as text so that the walk can name its place."""


class _Repeated(dict[str, object]):
    """A JSON object in which `key` stood twice."""

    key = ""


def _pairs(pairs: list[tuple[str, object]]) -> dict[str, object]:
    seen = dict(pairs)
    if len(seen) == len(pairs):
        return seen
    keys = [key for key, _ in pairs]
    repeated = _Repeated(seen)
    repeated.key = next(key for key in keys if keys.count(key) > 1)
    return repeated


def _refuse(pointer: str, reason: str) -> DocumentError:
    printable = ascii(pointer)[1:-1]  # the pointer may hold the stranger's own key
    return DocumentError("E180", f"manifest: {printable[:100] or '/'} {reason}")


def _depth(text: str) -> int:
    """Deepest nesting of brackets outside strings; linear, so that it may run before any parser."""
    depth = deepest = 0
    for token in re.finditer(r'"(?:[^"\\]|\\.)*+"|[\[{]|[\]}]', text, re.DOTALL):
        if token[0] in "[{":
            depth += 1
            deepest = max(deepest, depth)
        elif token[0] in "]}":
            depth -= 1
    return deepest


def _walk(value: object, pointer: str) -> None:
    if isinstance(value, _Number):
        raise _refuse(pointer, f'number {value[:24]} is not an integer; write decimals as text, "0.1"')
    if isinstance(value, _Repeated):
        raise _refuse(f"{pointer}/{value.key}", "duplicate key")
    children = (
        value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    )
    for key, child in children:
        _walk(child, f"{pointer}/{key}")


def _checked_json(document: bytes) -> object:
    if len(document) > MAX_BYTES:
        raise _refuse("", f"{len(document)} bytes, at most {MAX_BYTES}")
    if document.startswith(b"\xef\xbb\xbf"):
        raise _refuse("", "begins with a byte-order mark; save as UTF-8 without it")
    try:
        text = document.decode("utf-8")
    except UnicodeDecodeError as error:
        raise _refuse("", f"not UTF-8 at byte {error.start}") from None
    if (depth := _depth(text)) > MAX_DEPTH:
        raise _refuse("", f"nested {depth} deep, at most {MAX_DEPTH}")
    try:
        value = json.loads(text, object_pairs_hook=_pairs, parse_float=_Number, parse_constant=_Number)
    except (ValueError, RecursionError) as error:  # ValueError: syntax, or an integer of thousands of digits
        raise _refuse("", f"not JSON: {str(error)[:80]}") from None
    _walk(value, "")
    return value


def _pointer(value: object, place: tuple[int | str, ...]) -> str:
    """JSON pointer of pydantic's place, without the names of the variants that it inserts."""
    pointer = ""
    for number, part in enumerate(place):
        inside = value[part] if isinstance(value, dict) and part in value else None
        if isinstance(value, list) and isinstance(part, int) and part < len(value):
            inside = value[part]
        is_missing_key = number == len(place) - 1 and isinstance(value, dict) and "[" not in str(part)
        if inside is not None or is_missing_key:
            pointer, value = f"{pointer}/{part}", inside
    return pointer


def parse(document: bytes) -> Description:
    """Read a description in any layout (an owner's file may be indented).

    Raises DocumentError E180 `manifest: <pointer> <reason>`.
    """
    value = _checked_json(document)
    try:
        return Description.model_validate_json(json.dumps(value))
    except ValidationError as error:
        found = error.errors(include_url=False, include_context=False)
        # a value of one of two kinds fails as both: the kind that was meant is the one that fails deeper
        deepest = max(found, key=lambda one: _pointer(value, one["loc"]).count("/"))
        reason = deepest["msg"].removeprefix("Value error, ")
        raise _refuse(_pointer(value, deepest["loc"]), reason) from None


def parse_published(document: bytes) -> Description:
    """Read a description whose bytes the chain names (its CID was checked): it must be in canonical form.

    Raises DocumentError E180.
    """
    description = parse(document)
    if description.to_bytes() != document:
        raise _refuse("", "not in canonical form; publish Description.to_bytes()")
    return description
