"""MUD-HoG: its three verdicts on trainers that deserve them, and its measures against floats on whole histories."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from sklearn.cluster import DBSCAN
from vectors import Updates, gram_of_rows

from aggregator.rules.clusters import NOISE, dense, from_mean, halves, widest_gap
from aggregator.rules.form import Params, Verdict, rows_of
from aggregator.rules.history import short_history
from aggregator.rules.numbers import distances
from aggregator.rules.registry import named

N, D = 12, 400


def project(rounds: int, kind: str, bad: Sequence[int], seed: int = 0) -> list[Updates]:
    """Rounds of N updates: a common direction of the round and own noise; seats in `bad` do what `kind` says."""
    rng = np.random.default_rng(seed)
    aim = rng.normal(size=D)
    out = []
    for _ in range(rounds):
        x = rng.normal(size=D) + rng.normal(size=(N, D)) * (1 if kind == "blurred" else 0.5)
        if kind == "flip":
            x[bad] *= -1
        elif kind == "noise":
            x[bad] += rng.normal(size=(len(bad), D)) * 4
        elif kind == "target":
            x[bad] += aim * 0.4
        elif kind == "blurred":
            x[bad] += rng.normal(size=(len(bad), D)) * 1.37
        out.append(np.asarray(np.round(x * 1000), dtype=np.int64))
    return out


def judged(rounds: list[Updates], past: int = 2) -> list[Verdict]:
    rule, out = named("mud-hog"), []
    state = rule.start(N)
    for age, now in enumerate(rounds):
        files = [rounds[age - 1 - k] if k < age else np.zeros_like(now) for k in range(past)]
        out.append(rule.weigh(gram_of_rows(now, *files), state, Params(past=past)))
        state = out[-1].state
    return out


def called(verdict: Verdict, label: str) -> list[int]:
    return [seat for seat, said in enumerate(verdict.labels) if said == label]


@pytest.mark.parametrize(
    ("kind", "bad", "quiet_until"), [("flip", [1, 5, 7], 4), ("noise", [0, 11], 4), ("target", [2, 3, 4], 6)]
)
def test_weigh_attackers__malicious_after_their_strikes_and_without_weight(
    kind: str, bad: list[int], quiet_until: int
) -> None:
    """Three quiet rounds, then two strikes, or four for targeted attacks."""
    verdicts = judged(project(quiet_until + 1, kind, bad))

    assert all(called(verdict, "malicious") == [] for verdict in verdicts[:quiet_until])
    assert called(verdicts[-1], "malicious") == bad
    assert [int(w) for w in verdicts[-1].weights[bad]] == [0] * len(bad)
    assert verdicts[-1].weights.sum() > 65000


def test_weigh_trainers_of_low_quality__half_weight_and_never_malicious() -> None:
    verdicts = judged(project(9, "blurred", [4]))

    assert called(verdicts[4], "unreliable") == []
    assert called(verdicts[-1], "unreliable") == [4]
    assert not any(called(verdict, "malicious") for verdict in verdicts)
    assert abs(2 * verdicts[-1].weights[4] - verdicts[-1].weights[0]) <= 1


@pytest.mark.parametrize("seed", range(3))
def test_weigh_honest_trainers__nobody_is_called_anything(seed: int) -> None:
    """The paper's two means and widest gap always name somebody; here they must be clear."""
    for verdict in judged(project(8, "honest", [], seed)):
        assert verdict.labels == ["honest"] * N


def test_weigh_flipper_that_stops__has_its_weight_back() -> None:
    rounds = project(5, "flip", [1]) + project(5, "honest", [], 1)

    verdicts = judged(rounds)

    assert called(verdicts[4], "malicious") == [1]
    assert verdicts[-1].labels == ["honest"] * N


def test_short_history_with_two_past_rounds__is_that_of_the_mean_updates() -> None:
    one, two, three = project(3, "honest", [])
    two[4] = three[4] = three[5] = 0  # seats that were not there
    rows = rows_of(gram_of_rows(one, two, three), Params(past=2))

    present = 1 + (np.abs(two).sum(axis=1) > 0) + (np.abs(three).sum(axis=1) > 0)
    mean = (one + two + three) / present[:, None]
    assert short_history(rows).astype(float) / 36 == pytest.approx(mean @ mean.T)


@pytest.mark.parametrize("seed", range(5))
def test_dense__as_scikit_learn_but_for_border_rows(seed: int) -> None:
    rng = np.random.default_rng(seed)
    x = np.round(np.concatenate([rng.normal(k * 3, 1, (12, 2)) for k in range(3)]) * 1000).astype(np.int64)
    reach = 900

    got = dense(distances(gram_of_rows(x)), reach**2, 5)

    expected = DBSCAN(eps=reach, min_samples=5).fit(x)
    core = expected.core_sample_indices_
    assert [got[i] for i in core] == [int(expected.labels_[i]) for i in core]
    assert [label == NOISE for label in got] == [int(label) == -1 for label in expected.labels_]


@pytest.mark.parametrize("small", [1, 2, 5])
def test_halves_two_groups_far_apart__found_the_larger_first(small: int) -> None:
    x = np.random.default_rng(small).integers(-100, 100, (11, 8))
    x[3 : 3 + small] += 5000

    large, rest = halves(gram_of_rows(x))

    assert rest == list(range(3, 3 + small))
    assert sorted(large + rest) == list(range(11))


def test_halves_equal_rows__one_cluster() -> None:
    assert halves(gram_of_rows(np.ones((5, 3), np.int64))) == ([0, 1, 2, 3, 4], [])


def test_from_mean__floor_of_the_squared_distance() -> None:
    x = np.random.default_rng(0).integers(-100, 100, (6, 8))

    got = from_mean(gram_of_rows(x), [0, 2, 5])

    assert got.tolist() == [int(v) for v in ((x - x[[0, 2, 5]].mean(axis=0)) ** 2).sum(axis=1)]


@pytest.mark.parametrize(
    ("values", "gap"), [([], (0, 0)), ([4], (0, 4)), ([1, 9, 2, 10], (7, 9)), ([0, 5, 10], (5, 5))]
)
def test_widest_gap__the_lowest_of_the_widest(values: list[int], gap: tuple[int, int]) -> None:
    assert widest_gap(values) == gap
