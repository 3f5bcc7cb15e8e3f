"""A sentence instead of a form: understood or asked, never guessed."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from market.params import DEMO
from webapp.form import read_form
from webapp.samples import NOW
from webapp.wish import MAX_CHARACTERS, read_wish

ISSUE = "classify my 12-column CSV, 20 hospitals, budget 2 ETH, stop at 95 %"


def test_read_wish_of_the_issue__fills_and_asks_for_the_classes_alone() -> None:
    reading = read_wish(ISSUE)

    assert reading.fields == {
        "title": "Classify my 12-column CSV",
        "features": "11",
        "seats": "20",
        "budget": "2",
        "goal": "95",
    }
    assert len(reading.questions) == 1
    assert "classes" in reading.questions[0]
    assert "11 features" in reading.notes[0]


def test_sentence_and_form_for_one_intent__one_hash() -> None:
    reading = read_wish("classify my 12-column CSV into 3 classes, 20 hospitals, budget 2 ETH, stop at 95 %")
    assert reading.questions == []

    by_sentence = read_form(reading.fields, "demo", DEMO.limits, NOW).configuration
    typed = {"title": reading.fields["title"], "features": "11", "labels": "3", "seats": "20"}
    by_form = read_form(typed | {"budget": "2", "goal": "95"}, "demo", DEMO.limits, NOW).configuration

    assert by_sentence is not None
    assert by_form is not None
    assert by_sentence.hash == by_form.hash


@pytest.mark.parametrize(
    ("sentence", "field", "value"),
    [
        ("twenty phones", "seats", "20"),
        ("A dozen clinics", "seats", "12"),
        ("one hundred trainers", "seats", "100"),
        ("at least 5 trainers", "min_seals", "5"),
        ("0.1 ETH per round", "pot", "0.1"),
        ("a pot of 0.25 ether", "pot", "0.25"),
        ("stake 0.3 ETH", "stake", "0.3"),
        ("budget of 1.5 eth", "budget", "1.5"),
        ("spend 3 ETH", "budget", "3"),
        ("fee 2.5 %", "fee", "2.5"),
        ("until 90 percent accuracy", "goal", "90"),
        ("when accuracy reaches 97.5%", "goal", "97.5"),
        ("28x28 images", "image", "28x28"),
        ("32x32 colour photos", "image", "3x32x32"),
        ("32 x 32 x 3 pictures", "image", "3x32x32"),
        ("10 classes", "labels", "10"),
        ("classes: Setosa, Versicolor and Virginica.", "labels", "Setosa,Versicolor,Virginica"),
        ("classes cat and dog for 8 trainers", "labels", "cat,dog"),
        ("30 rounds", "rounds", "30"),
        ("for 3 weeks", "ends_in", "3w"),
        ("within 2 months", "ends_in", "60d"),
        ("a cnn", "model", "cnn"),
        ("hidden layers of 64, 32", "hidden", "64,32"),
        ("learning rate 0.05", "learning_rate", "0.05"),
        ("batch size 64", "batch_size", "64"),
        ("50 local steps", "local_steps", "50"),
        ("on the demo chain", "preset", "demo"),
        ("1,000 trainers", "seats", "1000"),
    ],
)
def test_read_wish_known_part__sets_its_field(sentence: str, field: str, value: str) -> None:
    assert read_wish(sentence).fields.get(field) == value


@pytest.mark.parametrize(
    ("sentence", "about"),
    [
        ("20 hospitals, 5 hospitals", "which is right"),
        ("budget 2 ETH, spend 3 ETH", "which is right"),
        ("7 hospitals and 4 dogs", "4 dogs"),
        ("pay 500 USD to 3 labs", "500 USD"),
        ("budget \u20ac 500", "\u20ac 500"),
        ("stop at 120 %", "cannot be reached"),
        ("stop at 0 %", "cannot be reached"),
        ("a table with 1 column", "no class beside"),
        ("budget 0 ETH", "budget of 0"),
        ("0 trainers", "seats of 0"),
        ("-3 trainers", "3"),
        ("forecast sales with 3 labs", "Only classification"),
        ("12-column CSV of 28x28 images", "table row or an image"),
        ("1" * 40, "stand for"),
        ("", "What shall be learned"),
        ("x" * (MAX_CHARACTERS + 1), "characters"),
    ],
)
def test_read_wish_unclear__asks(sentence: str, about: str) -> None:
    assert any(about in question for question in read_wish(sentence).questions), read_wish(sentence).questions


@pytest.mark.parametrize("missing", ["hospitals", "budget", "classes", "column"])
def test_read_wish_without_what_no_default_knows__asks(missing: str) -> None:
    parts = {
        "column": "12-column CSV",
        "classes": "3 classes",
        "hospitals": "20 hospitals",
        "budget": "budget 2 ETH",
    }

    reading = read_wish(", ".join(text for name, text in parts.items() if name != missing))

    assert len(reading.questions) == 1


@given(st.text(max_size=MAX_CHARACTERS))
def test_read_wish_any_text__answers_fast_and_fills_known_fields(sentence: str) -> None:
    started = time.process_time()

    reading = read_wish(sentence)

    assert time.process_time() - started < 1.0
    assert reading.fields or reading.questions


@pytest.mark.parametrize(
    "part", ["classes a and ", "0.1 eth ", "1 x ", "5 % ", "at least ", "for at most ", "to ", "stop at "]
)
def test_read_wish_repeated_parts__no_pattern_explodes(part: str) -> None:
    started = time.process_time()

    read_wish((part * MAX_CHARACTERS)[:MAX_CHARACTERS])

    assert time.process_time() - started < 0.5


@given(st.integers(1, 1_024), st.integers(2, 200), st.integers(2, 100))
def test_read_wish_then_form__every_number_arrives(seats: int, columns: int, classes: int) -> None:
    reading = read_wish(f"{columns}-column table, {classes} classes, {seats} trainers, budget 9 ETH")

    assert reading.questions == []
    assert reading.fields["features"] == str(columns - 1)
    assert (reading.fields["labels"], reading.fields["seats"]) == (str(classes), str(seats))
