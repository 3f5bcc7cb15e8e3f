"""The create form: same defaults as the command line, one message a field, and back again."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from market.cli.project.create import build_params
from market.cli.project.values import Unit
from market.configuration import read_configuration
from market.errors import DocumentError, InputError
from market.params import DEMO, MAINNET, MINIMAL, Preset
from market.tokens import TokenFacts
from market.units import NATIVE, ZERO_ADDRESS
from webapp.fields import FIELDS
from webapp.form import read_form
from webapp.reader import FormResult, plain_amount, plain_duration
from webapp.samples import NOW, who
from webapp.text import Coin, short
from webapp.unform import fields_of

WANTED = {"title": "Three kinds of iris", "features": "4", "labels": "3", "budget": "2", "seats": "20"}
OPTIONS = [
    "preset",
    "pot",
    "seats",
    "min_seals",
    "expected",
    "fee_bps",
    "stake",
    "bond_floor",
    "open_rounds",
    "ends_in",
    "admission",
    "reference_key",
]
WINDOWS = ["commit", "reveal", "first_right", "proposed", "challenge", "answer", "refute", "dead"]


def read(market: Preset = DEMO, deployed: str = "demo", /, **fields: str) -> FormResult:
    return read_form({**WANTED, **fields}, deployed, market.limits, NOW)


def test_read_form_with_what_no_preset_knows__is_a_configuration() -> None:
    result = read()

    assert result.errors == {}
    assert result.configuration is not None
    assert result.configuration.terms.pot == str(10**17)
    assert result.configuration.description.d == 4 * 32 + 32 + 32 * 3 + 3


@pytest.mark.parametrize(("preset", "name"), [(DEMO, "demo"), (MAINNET, "mainnet")])
def test_read_form__freezes_what_the_command_line_freezes(preset: Preset, name: str) -> None:
    options: dict[str, Any] = dict.fromkeys(OPTIONS + WINDOWS)
    options |= {"pot": "0.1", "seats": 20, "open_rounds": 5, "commit": 7_200, "reveal": 14_400}

    expected = build_params(name, 259, NOW, NATIVE, Unit(), options)
    result = read(preset, name, pot="0.1", open_rounds="5", window_commit="2h", window_reveal="4h")

    assert result.configuration is not None
    assert result.configuration.params(NOW) == expected


def test_read_form_with_reference_key__freezes_what_the_command_line_freezes() -> None:
    options: dict[str, Any] = dict.fromkeys(OPTIONS + WINDOWS)
    options |= {"pot": "0.1", "seats": 20, "open_rounds": 5, "reference_key": str(who(10)).lower()}

    made = read(pot="0.1", open_rounds="5", reference_key=str(who(10))).configuration

    assert made is not None
    assert made.params(NOW) == build_params("demo", 259, NOW, NATIVE, Unit(), options)
    assert made.params(NOW).reference_key == who(10)


def test_read_form_without_reference_key__configuration_and_hash_do_not_name_it() -> None:
    made = read().configuration

    assert made is not None
    assert b"reference_key" not in made.to_bytes()
    assert made.params(NOW).reference_key == ZERO_ADDRESS
    named = read(reference_key=str(who(10))).configuration
    assert named is not None
    assert named.hash != made.hash


@pytest.mark.parametrize("key", ["0x" + "00" * 20, str(who(10)).lower(), "me"])
def test_read_configuration_bad_reference_key__e180_with_its_place(key: str) -> None:
    made = read(reference_key=str(who(10))).configuration
    assert made is not None
    changed = made.to_bytes().replace(str(who(10)).encode(), key.encode())

    with pytest.raises(DocumentError, match="E180 configuration: /terms/reference_key"):
        read_configuration(changed)


def test_read_form_twice__same_hash_and_same_seed() -> None:
    first, again = read().configuration, read().configuration

    assert first is not None
    assert again is not None
    assert first.hash == again.hash
    assert first.description.initialiser == again.description.initialiser


@pytest.mark.parametrize("name", ["budget", "title", "labels", "goal", "commit"])
def test_hash_of_another_intent__differs(name: str) -> None:
    other = {"budget": "3", "title": "Other", "labels": "4", "goal": "95", "commit": "2m"}[name]
    changed = read(**{name if name in FIELDS else f"window_{name}": other})

    assert changed.configuration is not None
    assert changed.configuration.hash != read().configuration.hash  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("title", ""),
        ("title", "\u202eevil"),
        ("features", ""),
        ("features", "0"),
        ("features", "four"),
        ("labels", ""),
        ("labels", "1"),
        ("labels", "1025"),
        ("labels", "a,a"),
        ("image", "28x28"),
        ("budget", "two"),
        ("budget", "0.0000000000000000001"),
        ("goal", "0"),
        ("goal", "100.0001"),
        ("goal", "-5"),
        ("fee", "20.01"),
        ("fee", "1.234"),
        ("seats", "0"),
        ("seats", "1025"),
        ("min_seals", "21"),
        ("token", "0x123"),
        ("admission", "not an address"),
        ("reference_key", "me"),
        ("reference_key", "0x123"),
        ("reference_key", "0x" + "00" * 20),
        ("hidden", "a"),
        ("channels", "8"),
        ("model", "rnn"),
        ("learning_rate", "0"),
        ("learning_rate", "1e-3"),
        ("lsb_exponent", "7"),
        ("lsb_exponent", "25"),
        ("window_commit", "soon"),
        ("window_challenge", "6s"),
        ("ends_in", "0s"),
        ("open_rounds", "65"),
        ("preset", "other"),
        ("rounds", "0"),
    ],
)
def test_read_form_wrong_value__message_at_its_field(field: str, value: str) -> None:
    result = read(**{field: value})

    assert result.configuration is None
    where = {"image": "features"}.get(field, field)
    assert where in result.errors, result.errors


@pytest.mark.parametrize(
    ("goal", "good"), [("0.0001", True), ("100", True), ("99.9999", True), ("100.01", False)]
)
def test_goal_at_its_limits__in_millionths(goal: str, good: bool) -> None:
    assert (read(goal=goal).configuration is not None) == good


@pytest.mark.parametrize(("rounds", "good"), [("1", False), ("2", True), ("20", True)])
def test_budget_and_bond__an_aggregator_never_needs_more_than_the_budget(rounds: str, good: bool) -> None:
    result = read(rounds=rounds)

    assert (result.configuration is not None) == good
    if good:
        params = result.configuration.params(NOW)  # type: ignore[union-attr]
        assert params.bond * params.open_rounds <= 2 * 10**18
    else:
        assert "open_rounds" in result.errors


def test_token_without_decimals__refuses() -> None:
    assert "decimals" in read(token=who(1)).errors


def test_token_with_six_decimals__amounts_in_its_units() -> None:
    made = read(token=who(1), decimals="6", budget="2").configuration

    assert made is not None
    assert (made.budget, made.terms.pot) == ("2000000", "100000")


def in_index(token: str) -> TokenFacts | None:
    return TokenFacts(token, "USDC", 6) if token == who(1) else None


@pytest.mark.parametrize(("decimals", "error"), [("", False), ("6", False), ("18", True), ("six", True)])
def test_token_that_the_index_knows__its_decimals_count(decimals: str, error: bool) -> None:
    values = {**WANTED, "token": who(1), "decimals": decimals}
    result = read_form(values, "demo", DEMO.limits, NOW, in_index)

    assert ("decimals" in result.errors) == error
    assert result.coin == Coin(who(1), "USDC", 6)


@pytest.mark.parametrize(("symbol", "shown"), [("GOLD", "GOLD"), ("ETH", short(who(2))), ("", short(who(2)))])
def test_token_that_the_index_does_not_know__has_the_name_that_would_be_believed(
    symbol: str, shown: str
) -> None:
    result = read(token=who(2), decimals="2", symbol=symbol, budget="2000000")

    assert result.coin == Coin(who(2), shown, 2)
    assert result.configuration is not None


def test_fields_of_a_token_project__same_hash_whatever_is_known_of_the_token() -> None:
    made = read(token=who(1), decimals="6", budget="2").configuration
    assert made is not None

    for coin in (Coin(who(1), "USDC", 6), Coin(who(1), "units", 0)):
        again = read_form(fields_of(made, coin), "demo", DEMO.limits, NOW).configuration
        assert again is not None
        assert again.hash == made.hash


def test_labels_with_commas__one_a_line_survive() -> None:
    made = read(labels="a, b\nc")
    assert made.configuration is not None
    assert made.configuration.description.data.labels == ("a, b", "c")


FILLED = st.fixed_dictionaries(
    {
        "title": st.sampled_from(["Iris", "Blutwerte, groß", "a b"]),
        "budget": st.sampled_from(["2", "0.5", "31.25"]),
    },
    optional={
        "labels": st.sampled_from(["2", "a,b", "x, y\nz"]),
        "hidden": st.sampled_from(["none", "32", "8,8,8"]),
        "goal": st.sampled_from(["95", "0.5", "99.25"]),
        "seats": st.sampled_from(["4", "12", "13"]),
        "ends_in": st.sampled_from(["90s", "5m", "2w", "3601s"]),
        "subtract": st.sampled_from(["0.5", "1,2,3,4", "-1"]),
        "fee": st.sampled_from(["0", "2.5", "20"]),
        "admission": st.sampled_from(["", f"{who(3)}\n{who(1)} # second"]),
        "reference_key": st.sampled_from(["", str(who(10)), str(who(10)).lower()]),
        "preset": st.sampled_from(["demo", "minimal"]),
    },
)


@given(FILLED)
def test_fields_of_a_configuration__read_again_have_the_same_hash(fields: dict[str, str]) -> None:
    made = read(**fields).configuration
    assert made is not None

    again = read_form(fields_of(made, Coin()), "demo", DEMO.limits, NOW).configuration

    assert again is not None
    assert again.hash == made.hash
    assert read_configuration(made.to_bytes()) == made


def test_fields_of_an_image_project__the_same() -> None:
    made = read(features="", image="3x32x32", labels="cat,dog", channels="4,8", hidden="16").configuration
    assert made is not None

    again = read_form(fields_of(made, Coin()), "demo", DEMO.limits, NOW).configuration

    assert again is not None
    assert again.hash == made.hash


def test_fields_of_a_model_from_a_file__refuses() -> None:
    made = read().configuration
    assert made is not None
    own = made.model_copy(update={"description": made.description.model_copy(update={"initialiser": None})})

    with pytest.raises(InputError, match="E183"):
        fields_of(own, Coin())


@pytest.mark.parametrize("seconds", [0, 1, 59, 60, 3_600, 5_400, 86_400, 604_800, 604_801])
def test_plain_duration__reads_back(seconds: int) -> None:
    text = plain_duration(seconds)

    assert int(text[:-1]) * {"s": 1, "m": 60, "h": 3_600, "d": 86_400, "w": 604_800}[text[-1]] == seconds


@pytest.mark.parametrize(("units", "text"), [(0, "0"), (1, "0.000000000000000001"), (15 * 10**17, "1.5")])
def test_plain_amount__is_exact(units: int, text: str) -> None:
    assert plain_amount(units) == text


def test_read_form_too_long_field__refuses() -> None:
    assert "title" in read(title="x" * 201).errors


def test_read_form_minimal_market__uses_its_preset() -> None:
    made = read(MINIMAL, "minimal", seats="4", budget="0.001").configuration

    assert made is not None
    assert made.terms.min_seals == MINIMAL.min_seals
