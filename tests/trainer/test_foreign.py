"""Attacks from a user's file: what they are given, what they may return."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from market.errors import InputError, UpdateError
from trainer.foreign import chosen
from trainer.producers import find, honest, produce


@pytest.fixture
def mine(tmp_path: Path):
    def write(body: str):
        path = tmp_path / "mine.py"
        path.write_text(
            f"import numpy as np\ndef attack(honest, own, past_global, round, rng):\n    {body}\n"
        )
        return chosen(f"{path}:attack")

    return write


def test_attack__gets_the_others_of_the_round_before(later, mine):
    d = later.description.d
    made = produce(mine("return honest[:1] if len(honest) == 5 and round == 1 else 0 * own"), later)

    assert np.array_equal(made.update, later.peers[0][:d])


def test_attack__own_seat_is_not_among_the_others(later, mine):
    d = later.description.d
    made = produce(mine("return honest[3:4]"), later)

    assert np.array_equal(made.update, later.peers[4][:d])


def test_attack__gets_the_last_delta_in_units_of_the_model(later, mine):
    made = produce(mine("return 2 * past_global"), later)

    assert np.array_equal(made.update, 2 * later.last_delta[: later.description.d])


def test_attack_in_round_1__has_no_past(first, mine):
    body = "assert honest.shape == past_global.shape == (0, own.shape[1]) and round == 0; return -own"

    assert np.array_equal(produce(mine(body), first).update, -honest(first).update)


def test_attack_with_chance__the_same_again_and_other_in_the_next_round(later, mine):
    producer = mine("return rng.normal(0, 0.01, own.shape).astype('float32')")
    one, again, other = (produce(producer, c).update for c in (later, later, replace(later, round=3)))

    assert np.array_equal(one, again)
    assert not np.array_equal(one, other)


@pytest.mark.parametrize(("size", "sent"), [(-1e9, -32768), (1e9, 32767)])
def test_attack_too_large__clipped_to_int16(first, mine, size, sent):
    assert (produce(mine(f"return own * 0 + {size}"), first).update == sent).all()


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ("return own[0]", r"E121 .*attack: got shape \(\d+,\), expected \(1, \d+\)"),
        ("return own * np.float32('nan')", "E120 .* not finite"),
    ],
)
def test_attack_with_a_bad_answer__refused(first, mine, body, words):
    with pytest.raises(UpdateError, match=words):
        produce(mine(body), first)


@pytest.mark.parametrize(
    ("text", "name", "words"),
    [("x = 1", "attack", "no function 'attack'"), ("1 / 0", "attack", "cannot be run: ZeroDivisionError")],
)
def test_chosen_bad_file__refused_e125(tmp_path, text, name, words):
    path = tmp_path / "mine.py"
    path.write_text(text)
    with pytest.raises(InputError, match=f"E125 .*{words}"):
        chosen(f"{path}:{name}")


def test_chosen_name__a_producer_of_the_trainer():
    assert chosen("copier") is find("copier")
