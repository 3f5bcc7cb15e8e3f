"""The project description: canonical bytes, derived sizes, whatever a stranger may put into one."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from market.description import MAX_BYTES, parse, parse_published
from market.errors import DocumentError
from market.initial import initial_model
from market.keccak import keccak256

DIGITS = {
    "version": 1,
    "name": "digits",
    "title": "Handwritten digits",
    "model": {"kind": "mlp", "hidden": [32]},
    "data": {"shape": [64], "labels": list("0123456789"), "divide_by": "16"},
    "initialiser": {"seed": 7},
}


def text(**changes: object) -> bytes:
    return json.dumps(DIGITS | changes).encode()


def test_to_bytes_of_any_layout__is_canonical_and_stable():
    indented = json.dumps(DIGITS, indent=4, sort_keys=False).encode()
    once = parse(indented).to_bytes()
    assert parse(once).to_bytes() == once
    assert b" " not in once.replace(b"Handwritten digits", b"")
    assert list(json.loads(once)) == sorted(json.loads(once))
    assert (
        b'"lsb_exponent":15' in once
    )  # defaults are written out, so a later default cannot change a project


def test_parse_unicode_title__keeps_it_as_utf8():
    assert "Größe 数".encode() in parse(text(title="Größe 数")).to_bytes()


@pytest.mark.parametrize(
    ("model", "shape", "count"),
    [
        ({"kind": "mlp", "hidden": []}, [64], 650),
        ({"kind": "mlp", "hidden": [32]}, [64], 2_410),
        ({"kind": "mlp", "hidden": [64]}, [64], 4_810),
        ({"kind": "cnn", "channels": [4], "hidden": 8}, [1, 8, 8], 40 + (64 + 1) * 8 + 90),
    ],
)
def test_d__counts_parameters_and_pads_to_leaves(model: object, shape: list[int], count: int):
    description = parse(text(model=model, data=DIGITS["data"] | {"shape": shape}))
    assert description.d == count
    assert description.d_pad == -(-count // 1_024) * 1_024


@pytest.mark.parametrize(("hidden", "padded"), [([13], 1_024), ([14], 2_048)])
def test_d_pad_around_one_leaf__rounds_up(hidden: list[int], padded: int):
    assert parse(text(model={"kind": "mlp", "hidden": hidden})).d_pad == padded


@pytest.mark.parametrize(
    ("document", "message"),
    [
        (b"", "E180 manifest: / not JSON"),
        (b"\xef\xbb\xbf{}", "E180 manifest: / begins with a byte-order mark"),
        (b'{"name": "\xff"}', "E180 manifest: / not UTF-8 at byte 10"),
        (b"[" * 10_000, "E180 manifest: / nested 10000 deep, at most 5"),
        (b'{"a":' * 8_000, "E180 manifest: / 40000 bytes, at most 16384"),
        (b'{"model":{"hidden":[1e400]}}', "E180 manifest: /model/hidden/0 number 1e400 is not an integer"),
        (b'{"data":[1,{"b":-Infinity}]}', "E180 manifest: /data/1/b number -Infinity"),
        (b'{"a":NaN}', "E180 manifest: /a number NaN"),
        (b'{"version":1' + b"0" * 5_000 + b"}", "E180 manifest: / not JSON"),
        (b'{"data":{"shape":[1],"shape":[2]}}', "E180 manifest: /data/shape duplicate key"),
        (b'"text"', "E180 manifest: / Input should be an object"),
        (b'{"a":"\\ud800"}', "E180 manifest: / Invalid JSON"),
        (b'{"\\u202ename":1.5}', "E180 manifest: /\\u202ename number 1.5"),
    ],
)
def test_parse_hostile_bytes__names_pointer_and_reason(document: bytes, message: str):
    with pytest.raises(DocumentError) as caught:
        parse(document)
    assert str(caught.value).startswith(message)
    assert "\n" not in str(caught.value)
    assert str(caught.value).isascii()


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        ({"version": 2}, "/version"),
        ({"version": "1"}, "/version"),
        ({"extra": 1}, "/extra"),
        ({"name": "Digits"}, "/name"),
        ({"name": "digits\n"}, "/name"),
        ({"name": "a" * 33}, "/name"),
        ({"title": ""}, "/title"),
        ({"title": "x" * 81}, "/title"),
        ({"title": " x"}, "/title"),
        ({"title": "evil\u202etxt"}, "/title"),
        ({"title": "zero\u200bwidth"}, "/title"),
        ({"title": "nul\x00"}, "/title"),
        ({"title": "e\u0301"}, "/title"),
        ({"model": {"kind": "rnn"}}, "/model"),
        ({"model": {"kind": "mlp", "hidden": [0]}}, "/model/hidden/0"),
        ({"model": {"kind": "mlp", "hidden": [65_537]}}, "/model/hidden/0"),
        ({"model": {"kind": "mlp", "hidden": [True]}}, "/model/hidden/0"),
        ({"model": {"kind": "mlp", "code": "import os"}}, "/model/code"),
        ({"model": {"kind": "mlp", "hidden": [65_536, 65_536]}}, "/"),
        ({"model": {"kind": "cnn"}}, "/"),
        ({"lsb_exponent": 7}, "/lsb_exponent"),
        ({"lsb_exponent": 25}, "/lsb_exponent"),
        ({"initialiser": {"seed": -1}}, "/initialiser/seed"),
        ({"initialiser": {"seed": 1 << 63}}, "/initialiser/seed"),
        ({"training": {"learning_rate": "0"}}, "/training/learning_rate"),
        ({"training": {"learning_rate": "1e3"}}, "/training/learning_rate"),
        ({"training": {"learning_rate": "-0.1"}}, "/training/learning_rate"),
        ({"training": {"momentum": "1"}}, "/training"),
        ({"training": {"batch_size": 0}}, "/training/batch_size"),
        ({"data": {"shape": [8, 8], "labels": ["a", "b"]}}, "/data"),
        ({"data": {"shape": [2], "labels": ["a"]}}, "/data/labels"),
        ({"data": {"shape": [2], "labels": ["a", "a"]}}, "/data"),
        ({"data": {"shape": [2], "labels": ["a", "b"], "divide_by": ["1"]}}, "/data"),
        ({"data": {"shape": [2], "labels": ["a", "b"], "divide_by": ["1", "0"]}}, "/data/divide_by/1"),
    ],
)
def test_parse_wrong_value__names_its_pointer(change: dict[str, object], pointer: str):
    with pytest.raises(DocumentError) as caught:
        parse(text(**change))
    assert str(caught.value).startswith(f"E180 manifest: {pointer} ")


@pytest.mark.parametrize(
    "change",
    [{"lsb_exponent": 8}, {"lsb_exponent": 24}, {"name": "a" * 32}, {"title": "x" * 80}],
)
def test_parse_at_limits__accepts(change: dict[str, object]):
    assert parse(text(**change)).version == 1


@pytest.mark.parametrize(("extra", "is_fine"), [(-1, True), (0, True), (1, False)])
def test_parse_around_16_kb__refuses_only_above(extra: int, is_fine: bool):
    document = text() + b" " * (MAX_BYTES + extra - len(text()))
    if is_fine:
        assert parse(document).name == "digits"
    else:
        with pytest.raises(DocumentError, match="16385 bytes, at most 16384"):
            parse(document)


def test_parse_brackets_inside_text__are_not_depth():
    assert parse(text(title='[[[[[[[["{{{{{{{{')).title == '[[[[[[[["{{{{{{{{'


def test_parse_without_key__names_the_missing_one():
    with pytest.raises(DocumentError, match="E180 manifest: /name Field required"):
        parse(json.dumps({key: value for key, value in DIGITS.items() if key != "name"}).encode())


@given(st.binary(max_size=200) | st.text(max_size=100).map(str.encode))
def test_parse_any_bytes__refuses_with_e180(document: bytes):
    with pytest.raises(DocumentError, match=r"^E180 manifest: "):
        parse(document)


def test_parse_published_canonical_bytes__returns_the_description():
    description = parse(text())
    assert parse_published(description.to_bytes()) == description


def test_parse_published_other_layout__refuses():
    with pytest.raises(DocumentError, match="not in canonical form"):
        parse_published(text())


def test_step_limit__is_above_the_bound_and_scales_with_it():
    small, large = (parse(text(training={"step_bound": bound})) for bound in ("1", "2"))
    assert (1 << 15) ** 2 < small.step_limit_squared < large.step_limit_squared < 4 * (1 << 16) ** 2


def test_initial_model__is_the_same_on_every_machine():
    model = initial_model(parse(text(lsb_exponent=17)))
    assert model.dtype == "int32"
    assert len(model) == 3_072
    assert not model[2_410:].any()
    assert not model[2_048:2_080].any()  # biases of the first layer
    # written down once: raw PCG64 and integers must give this on every machine and numpy
    assert keccak256(model.astype(">i4").tobytes()).hex()[:16] == "b5a5d14e7cc8ed5f"
    assert abs(float(model[:2_048].std()) / 2**17 - (6 / 64 / 3) ** 0.5) < 0.01


def test_initial_model_other_seed__differs():
    first, second = (initial_model(parse(text(initialiser={"seed": seed}))) for seed in (0, 1))
    assert (first[:2_048] != second[:2_048]).mean() > 0.99


@pytest.mark.parametrize("exponent", [8, 24])
def test_initial_model_at_limits_of_lsb__stays_in_bounds(exponent: int):
    description = parse(text(data=DIGITS["data"] | {"shape": [1]}, lsb_exponent=exponent))
    assert abs(initial_model(description)).max() <= 6**0.5 * 2**exponent


def test_initial_model_without_seed__refuses():
    document = parse(json.dumps({key: DIGITS[key] for key in DIGITS if key != "initialiser"}).encode())
    assert b"initialiser" not in document.to_bytes()
    with pytest.raises(DocumentError, match="E183"):
        initial_model(document)
