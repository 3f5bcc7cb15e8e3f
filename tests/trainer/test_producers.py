"""Producers: deterministic, typed, and each dishonest one does exactly what its name says."""

from collections.abc import Iterator, Mapping
from dataclasses import replace

import numpy as np
import pytest
from sample_projects import described

from market.errors import InputError, UpdateError
from market.initial import initial_model
from trainer.producers import PRODUCERS, Production, find, honest, produce

DISHONEST = sorted(PRODUCERS.keys() - {"honest"})


class Files(Mapping[int, np.ndarray]):
    """Peers' updates that remember which were read."""

    def __init__(self, updates: dict[int, np.ndarray]) -> None:
        self.updates, self.read = updates, []

    def __getitem__(self, seat: int) -> np.ndarray:
        self.read.append(seat)
        return self.updates[seat]

    def __iter__(self) -> Iterator[int]:
        return iter(self.updates)

    def __len__(self) -> int:
        return len(self.updates)


@pytest.mark.parametrize("name", list(PRODUCERS))
def test_produce__is_deterministic_and_fits(first, later, name):
    for context in (first, later):
        made, again = (produce(find(name), context) for _ in range(2))
        assert made.update.dtype == np.int16
        assert made.update.shape == (context.description.d,)
        assert np.array_equal(made.update, again.update)


@pytest.mark.parametrize("name", ["free-rider", "copier", "noise"])
def test_dishonest_in_round_1__send_noise_that_differs_by_seed_and_round(first, name):
    mine = produce(find(name), first).update
    others = [replace(first, seed=bytes(32)), replace(first, round=2)]
    assert all(abs(correlation(mine, produce(find(name), other).update)) < 0.1 for other in others)
    assert mine.any()


def correlation(a: np.ndarray, b: np.ndarray) -> float:
    return float(np.corrcoef(a.astype(float), b.astype(float))[0, 1])


def test_honest_with_residual__differs_by_what_was_carried(first):
    made = honest(first)
    carried = honest(replace(first, residual=np.full(first.description.d, 0.9, np.float32)))
    assert 0.8 < (carried.update.astype(float) - made.update).mean() < 1.0
    assert made.rounding is not None


def test_honest_too_large_for_int16__is_shrunk_not_lost(first, caplog):
    description = described(lsb_exponent=20)
    context = replace(first, description=description, base=initial_model(description))
    made = honest(context)
    assert made.rounding.saturated_fraction <= 0.001
    assert correlation(made.update, honest(first).update) > 0.98
    assert "update is too large for 2^-20 in int16" in caplog.text


def test_sign_flip__is_the_exact_opposite(later):
    assert np.array_equal(produce(find("sign-flip"), later).update, -honest(later).update)


def test_free_rider__is_the_last_delta_with_a_tenth_of_noise(later):
    d = later.description.d
    noise = produce(find("free-rider"), later).update.astype(float) - later.last_delta[:d]
    size = np.sqrt(np.mean(later.last_delta[:d].astype(float) ** 2))
    assert 0.09 < noise.std() / size < 0.11
    assert abs(noise.mean()) < 0.01 * size


def test_copier__reads_and_sends_one_peer_for_good(later):
    peers = Files(later.peers)
    copied = produce(find("copier"), replace(later, peers=peers)).update
    (victim,) = peers.read
    assert victim != later.seat
    assert np.array_equal(copied, later.peers[victim][: later.description.d])
    again = Files(later.peers)
    produce(find("copier"), replace(later, round=9, peers=again))
    assert again.read == [victim]
    fewer = {seat: update for seat, update in later.peers.items() if seat != victim}
    assert not np.array_equal(produce(find("copier"), replace(later, peers=fewer)).update, copied)


def test_copier_alone__has_nothing_to_copy(later):
    only_me = {later.seat: later.peers[later.seat]}
    made = produce(find("copier"), replace(later, peers=only_me)).update
    assert abs(correlation(made, only_me[later.seat][: len(made)])) < 0.1


def test_copiers_with_other_seeds__choose_other_peers(later):
    chosen = set()
    for number in range(20):
        peers = Files(later.peers)
        produce(find("copier"), replace(later, seed=bytes([number]) * 32, peers=peers))
        chosen |= set(peers.read)
    assert len(chosen) == 5


def test_noise__has_the_size_it_says(first):
    made = produce(find("noise"), first).update.astype(float)
    assert 950 < made.std() < 1_100
    assert abs(made.mean()) < 80
    assert not produce(find("zero"), first).update.any()


@pytest.mark.parametrize("name", ["", "Honest", "os.system", "evil.py:run"])
def test_find_unknown__refuses(name):
    with pytest.raises(
        InputError, match=r"E125 no producer .* there are honest, sign-flip, free-rider, copier"
    ):
        find(name)


@pytest.mark.parametrize(
    ("made", "message"),
    [
        (np.zeros(2_410, np.int32), "E122 dtype: got int32, expected int16"),
        (np.zeros(2_410, np.float32), "E122"),
        (np.zeros(2_409, np.int16), r"E121 shape: got \(2409,\), expected \(2410,\)"),
        (np.zeros(2_411, np.int16), "E121"),
        (Production(np.zeros((2_410, 1), np.int16)), "E121"),
    ],
)
def test_produce_wrong_array__refuses(first, made, message):
    with pytest.raises(UpdateError, match=message):
        produce(lambda context: made, first)
