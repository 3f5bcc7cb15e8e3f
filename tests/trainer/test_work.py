"""Updates on disk: what was sealed is found again or made again, bit by bit, however the process ended."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
from sample_results import Results

from market.advice import ONE, START, Advice
from market.codec import UPDATE, decode
from market.description import Description
from market.errors import InputError, UpdateError
from market.initial import initial_model
from trainer.base import Bases
from trainer.data import Dataset
from trainer.local import train_round
from trainer.producers import Context, Producer, Production, copier, free_rider, honest
from trainer.work import PastUpdates, Work

SEED = b"\x05" * 32


class Workshop:
    """One seat's folder in a project; a second `work` on it is a restarted process."""

    def __init__(self, description: Description, shard: Dataset, folder: Path) -> None:
        hints = description.training.model_copy(update={"local_steps": 2})
        self.description = description.model_copy(update={"training": hints})
        self.results = Results(self.description, folder)
        self.shard, self.folder = shard, folder / "updates"

    def work(self, producer: Producer = honest) -> Work:
        return Work(self.folder, 1, SEED, self.shard, self.description, producer, "cpu")

    def make(self, round_: int, producer: Producer = honest, work: Work | None = None) -> bytes:
        """The update of a round on the model that stands."""
        results = self.results
        bases = Bases(results.store, self.description, results.history, self.folder.parent / "models")
        return (work or self.work(producer)).update(round_, results.root, bases, results.history, False)


@pytest.fixture
def shop(digits: Description, shard: Dataset, tmp_path: Path) -> Workshop:
    return Workshop(digits, shard, tmp_path)


def test_update__is_a_file_of_the_exact_length_and_kept(shop: Workshop) -> None:
    data = shop.make(1)

    assert len(decode(data, shop.description.d, UPDATE)) == shop.description.d
    assert [path.read_bytes() for path in shop.folder.glob("000001-*.i16")] == [data]


def test_update_after_restart__is_read_not_made(shop: Workshop) -> None:
    data = shop.make(1)

    def unwanted(_: Context) -> Production:
        raise AssertionError("made again")

    assert shop.make(1, unwanted) == data


def test_update_after_the_folder_is_lost__same_bits(shop: Workshop) -> None:
    data = shop.make(1)
    shutil.rmtree(shop.folder)

    assert shop.make(1) == data


def test_update_of_next_round__carries_the_residual(shop: Workshop) -> None:
    shop.make(1)
    carried = shop.make(2)
    (shop.folder / "residual").unlink()
    for path in shop.folder.glob("000002-*"):
        path.unlink()

    assert shop.make(2) != carried


@pytest.mark.parametrize("lost", ["000001-*", "000002-*"])
def test_update_killed_between_residual_and_update__same_bits(shop: Workshop, lost: str) -> None:
    """The residual of the round is written first, so the update must start from the one before it."""
    made = {"000001-*": shop.make(1)}
    if lost == "000002-*":
        made[lost] = shop.make(2)
    for path in shop.folder.glob(lost):
        path.unlink()

    assert shop.make(int(lost[:6])) == made[lost]


def test_update_killed_while_writing__part_is_ignored(shop: Workshop) -> None:
    data = shop.make(1)
    shutil.rmtree(shop.folder)
    work = shop.work()
    (shop.folder / ".000001-00.i16.0123456789abcdef.part").write_bytes(data[:100])

    assert shop.make(1, work=work) == data


def test_update_on_another_base__another_file(shop: Workshop) -> None:
    first = shop.make(2)
    shop.results.honest_round()

    assert shop.make(2) != first
    assert len(list(shop.folder.glob("000002-*.i16"))) == 2


def test_update_damaged_residual__refused_with_next_step(shop: Workshop) -> None:
    shop.make(1)
    (shop.folder / "residual").write_bytes(b"junk")

    with pytest.raises(InputError, match=r"E124 residual: 4 bytes .* delete them"):
        shop.make(2)


@pytest.mark.parametrize(
    ("made", "code"), [(np.zeros(5, np.int16), "E121"), (np.zeros(2_410, np.int32), "E122")]
)
def test_update_of_a_wrong_producer__refused_and_nothing_kept(
    shop: Workshop, made: np.ndarray[tuple[int], np.dtype[np.integer]], code: str
) -> None:
    with pytest.raises(UpdateError, match=code):
        shop.make(1, lambda _: made)  # type: ignore[arg-type, return-value]

    assert not list(shop.folder.iterdir())


def test_update_of_cheats__see_last_delta_and_peers(shop: Workshop) -> None:
    posted, _ = shop.results.honest_round()
    d = shop.description.d
    bases = Bases(shop.results.store, shop.description, shop.results.history, shop.folder.parent / "models")
    others = [bases.update(1, seat).tobytes() for seat in (0, 2)]

    copied = decode(shop.make(2, copier), d, UPDATE).astype(np.int16)
    assert copied.tobytes() in others
    shutil.rmtree(shop.folder)
    ridden = decode(shop.make(2, free_rider), d, UPDATE).astype(np.float64)
    delta = bases.delta(posted).astype(np.float64)
    assert np.corrcoef(ridden, delta)[0, 1] > 0.9


def test_past_updates__are_those_revealed_and_fetched_when_asked(shop: Workshop) -> None:
    shop.results.honest_round()
    bases = Bases(shop.results.store, shop.description, shop.results.history, shop.folder.parent / "models")

    past = PastUpdates(bases, shop.results.history, 1)

    assert (list(past), len(past), len(PastUpdates(bases, shop.results.history, 0))) == ([0, 1, 2], 3, 0)
    assert len(past[2]) == shop.description.d
    with pytest.raises(KeyError):
        past[3]


@pytest.mark.parametrize(("below", "kept"), [(1, {1, 2}), (2, {2}), (3, set())])
def test_forget_around_a_round__only_older_ones(shop: Workshop, below: int, kept: set[int]) -> None:
    work = shop.work()
    for round_ in (1, 2):
        shop.make(round_, work=work)

    work.forget(below)

    assert {int(path.name[:6]) for path in shop.folder.glob("*.i16")} == kept
    assert (shop.folder / "residual").exists()


# ----- advice -----


def seen_by(shop: Workshop, round_: int) -> Context:
    """What the producer of a round is told."""
    told: list[Context] = []

    def look(context: Context) -> Production:
        told.append(context)
        return Production(np.zeros(shop.description.d, np.int16))

    shop.make(round_, look)
    return told[0]


def test_update_of_the_first_round__is_trained_as_described(shop: Workshop) -> None:
    assert seen_by(shop, 1).description == shop.description


@pytest.mark.parametrize(
    ("advice", "rate", "steps"),
    [
        (START, 1, 2),
        (START._replace(rate=2 * ONE), 2, 2),
        (START._replace(rate=ONE + ONE // 16), 1.0625, 2),
        (START._replace(steps=ONE // 4), 1, 1),
        (START._replace(steps=3 * ONE), 1, 6),
        (START._replace(clip=2 * ONE, server=1), 1, 2),
    ],
)
def test_update_on_a_result__is_trained_as_the_result_advises(
    shop: Workshop, advice: Advice, rate: float, steps: int
) -> None:
    updates = {seat: shop.results.update(seat) for seat in range(3)}
    shop.results.play(updates)
    shop.results.post(np.zeros(shop.description.d, np.int16), advice=advice)
    training = seen_by(shop, 2).description.training

    assert float(training.learning_rate) == pytest.approx(
        rate * float(shop.description.training.learning_rate)
    )
    assert training.local_steps == steps
    assert training.batch_size == shop.description.training.batch_size


def test_update_on_a_result_whose_document_says_other_advice__is_refused(shop: Workshop) -> None:
    shop.results.play({0: shop.results.update(0)})
    lied = START._replace(rate=2 * ONE)
    shop.results.post(np.zeros(shop.description.d, np.int16), said=lied)

    with pytest.raises(UpdateError, match="E113 advice: document has root"):
        shop.make(2)
    assert not list(shop.folder.glob("*.i16"))


def nearly_diverging(description: Description, shard: Dataset) -> Description:
    """With the smallest learning rate, of powers of two, of which four times diverges."""
    hints = description.training.model_copy(update={"local_steps": 2})
    for exponent in range(200):
        rates = (str(2 ** (exponent + more)) for more in (0, 2))
        tried, advised = (
            description.model_copy(update={"training": hints.model_copy(update={"learning_rate": rate})})
            for rate in rates
        )
        try:
            train_round(initial_model(advised), shard, advised, SEED, "cpu")
        except UpdateError:
            return tried
    raise AssertionError("nothing diverges")


def test_update_whose_training_diverges_as_advised__is_trained_as_described(
    digits: Description, shard: Dataset, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    shop = Workshop(nearly_diverging(digits, shard), shard, tmp_path)
    shop.results.play({seat: np.zeros(digits.d, np.int16) for seat in range(3)})
    shop.results.post(np.zeros(digits.d, np.int16), advice=START._replace(rate=4 * ONE))

    with caplog.at_level("INFO"):
        data = shop.make(2)
    assert np.any(decode(data, digits.d, UPDATE))
    described = float(shop.description.training.learning_rate)
    assert f"round 2: trained at learning rate {described:.4g}; " in caplog.text
    assert "E120 training diverged" in caplog.text
    assert "training as the project describes instead" in caplog.text
    shutil.rmtree(shop.folder)
    assert shop.make(2) == data  # a process that lost its folder takes the same way


@pytest.mark.parametrize(
    ("code", "rate"), [("E120", ONE), ("E121", 2 * ONE)], ids=["as described", "not divergence"]
)
def test_update_that_another_rate_would_not_mend__is_refused_once(
    shop: Workshop, code: str, rate: int
) -> None:
    tries: list[Context] = []

    def broken(context: Context) -> Production:
        tries.append(context)
        raise UpdateError(code, "as it is")

    shop.results.play({0: shop.results.update(0)})
    shop.results.post(np.zeros(shop.description.d, np.int16), advice=START._replace(rate=rate))

    with pytest.raises(UpdateError, match=f"{code} as it is"):
        shop.make(2, broken)
    assert len(tries) == 1
