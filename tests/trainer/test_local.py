"""The training loop: it learns, repeats to the bit (also in another process), and says when it cannot go on."""

import hashlib
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from sample_projects import DIGITS, described

from market.errors import InputError, UpdateError
from market.initial import initial_model
from trainer.data import Dataset
from trainer.evaluate import evaluate
from trainer.local import _say_once, batches, choose_device, descend, deterministic, train_round
from trainer.producers import Context, honest

SEED = bytes(range(32))
OTHER_PROCESS = """
import hashlib, sys
sys.path.insert(0, "tests/trainer")
from sample_projects import described
from market.initial import initial_model
from trainer import data
from trainer.producers import Context, honest
digits = described()
shard = data.load("sklearn:digits?part=3&parts=10&alpha=0.5&seed=0", digits)
made = honest(Context(4, 2, bytes(range(32)), initial_model(digits), shard, digits))
print(hashlib.sha256(made.update.tobytes() + made.residual.tobytes()).hexdigest())
print({"torch._dynamo", "torch._inductor", "sympy", "sklearn", "scipy"} & sys.modules.keys())
"""


def test_train_round__lowers_the_loss(digits, shard):
    model = initial_model(digits)
    before = evaluate(model, shard, digits)[1]
    for round_ in range(5):
        delta = train_round(model, shard, digits, bytes([round_]) * 32)
        model[: digits.d] += np.rint(delta * 2.0**digits.lsb_exponent).astype(np.int32)
    assert evaluate(model, shard, digits)[1] < before - 0.3


def test_train_round__returns_float32_of_d_and_leaves_the_base(digits, shard):
    model = initial_model(digits)
    before = model.copy()
    delta = train_round(model, shard, digits, SEED)
    assert (delta.dtype, delta.shape) == (np.float32, (digits.d,))
    assert np.array_equal(model, before)
    assert np.array_equal(delta, train_round(model[: digits.d], shard, digits, SEED))


def test_train_round_one_step__is_the_gradient_times_the_rate(shard):
    description = described(
        model={"kind": "mlp", "hidden": []}, training={"local_steps": 1, "batch_size": 1_000}
    )
    model = np.zeros(description.d, dtype=np.int32)
    delta = train_round(model, shard, description, SEED)
    counts = np.bincount(shard.labels, minlength=10) / len(shard)
    # softmax regression from zero: the gradient of bias c is 1/10 - share of class c
    assert np.allclose(delta[-10:], -0.1 * (0.1 - counts), atol=1e-6)


def test_train_round_momentum__moves_further(shard):
    def norm(momentum: str) -> float:
        description = described(training={"momentum": momentum})
        return float(np.linalg.norm(train_round(initial_model(description), shard, description, SEED)))

    assert norm("0.9") > 1.5 * norm("0")


@pytest.mark.parametrize("momentum", ["0", "0.9"])
def test_descend__is_sgd_with_momentum(momentum):
    hints = described(training={"momentum": momentum, "learning_rate": "0.5"}).training
    weight, moment = torch.nn.Parameter(torch.tensor([1.0, -1.0])), torch.zeros(2)
    expected, velocity = np.array([1.0, -1.0]), np.zeros(2)
    for gradient in ([1.0, 2.0], [-1.0, 0.5], [0.25, 0.25]):
        descend([weight], [torch.tensor(gradient)], [moment], hints)
        velocity = float(momentum) * velocity + np.array(gradient)
        expected -= 0.5 * velocity
    assert np.allclose(weight.detach().numpy(), expected, atol=1e-6)


@pytest.mark.parametrize(("bound", "is_shortened"), [("0.1", True), ("100", False)])
def test_train_round__is_never_longer_than_the_step_bound(shard, bound, is_shortened):
    description = described(training={"step_bound": bound})
    delta = train_round(initial_model(description), shard, description, SEED)
    free = train_round(initial_model(described()), shard, described(), SEED)
    assert np.linalg.norm(delta) <= float(bound) * (1 + 1e-6)
    assert np.array_equal(delta, free) is not is_shortened
    assert np.isclose(np.dot(delta, free), np.linalg.norm(delta) * np.linalg.norm(free))


@pytest.mark.parametrize(
    ("steps", "what"), [(50, "loss is (nan|inf) at step . of 50"), (1, "weights are not")]
)
def test_train_round_diverging__refuses_with_e120(shard, steps, what):
    description = described(training={"learning_rate": "100000000", "local_steps": steps})
    data = Dataset(shard.inputs * np.float32(1e36), shard.labels)
    with pytest.raises(UpdateError, match=f"E120 training diverged: {what}.*; learning rate is 100000000"):
        train_round(initial_model(description), data, description, SEED)


def test_train_round_progress__tells_each_step(digits, shard):
    seen: list[tuple[int, int]] = []
    train_round(
        initial_model(digits),
        shard,
        digits,
        SEED,
        progress=lambda step, steps, loss: seen.append((step, steps)),
    )
    assert seen == [(step, 10) for step in range(1, 11)]


def test_train_round_cnn__trains():
    description = described(
        model={"kind": "cnn", "channels": [4], "hidden": 16}, data=DIGITS["data"] | {"shape": [1, 8, 8]}
    )
    from trainer.data import load

    shard = load("sklearn:digits?limit=200", description)
    model = initial_model(description)
    first = train_round(model, shard, description, SEED)
    assert np.array_equal(first, train_round(model, shard, description, SEED))
    assert np.linalg.norm(first) > 0.05


def test_honest_in_another_process__gives_the_same_bits_without_slow_imports(digits, shard):
    torch.manual_seed(99)  # whatever happened to torch's own random state must not matter
    made = honest(Context(4, 2, SEED, initial_model(digits), shard, digits))
    here = hashlib.sha256(made.update.tobytes() + made.residual.tobytes()).hexdigest()
    there = subprocess.run(
        [sys.executable, "-c", OTHER_PROCESS],
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        check=True,
    )
    # torch's compiler and scikit-learn would cost each of ten trainers on two cores several seconds
    assert there.stdout.splitlines() == [here, "set()"]


@pytest.mark.parametrize(("count", "size", "steps"), [(10, 3, 7), (5, 5, 3), (3, 8, 2), (1, 1, 3)])
def test_batches__use_each_row_once_before_any_again(count, size, steps):
    drawn = list(batches(count, size, steps, SEED))
    assert [len(rows) for rows in drawn] == [min(size, count)] * steps
    rows = np.concatenate(drawn)
    for start in range(0, len(rows) - count + 1, count):
        assert sorted(rows[start : start + count]) == list(range(count))
    assert all(np.array_equal(a, b) for a, b in zip(drawn, batches(count, size, steps, SEED), strict=True))


@pytest.mark.parametrize("wanted", ["tpu", "CPU", "", "cuda" if not torch.cuda.is_available() else "xpu"])
def test_choose_device_not_there__refuses(wanted):
    with pytest.raises(InputError, match=rf"E125 device '{wanted}' is not available here; found cpu"):
        choose_device(wanted, 10)


def test_choose_device__logs_its_reason(caplog):
    _say_once.cache_clear()
    with caplog.at_level("INFO"):
        assert choose_device("cpu", 10)[0].type == "cpu"
        assert choose_device("cpu", 10)[0].type == "cpu"
    assert [record.message for record in caplog.records] == ["training on cpu (as asked), float32"]


def test_deterministic__restores_what_it_found(monkeypatch):
    threads = torch.get_num_threads()
    with deterministic():
        assert torch.get_num_threads() == 1
        assert torch.are_deterministic_algorithms_enabled()
    assert (torch.get_num_threads(), torch.are_deterministic_algorithms_enabled()) == (threads, False)
    monkeypatch.setenv("FAIRTRAIN_THREADS", "2")
    with deterministic():
        assert torch.get_num_threads() == 2
    with deterministic(threads=1):
        assert torch.get_num_threads() == 1


def test_deterministic_side_by_side__the_last_to_leave_restores():
    first, second = deterministic(), deterministic(threads=2)
    first.__enter__()
    second.__enter__()
    first.__exit__(None, None, None)
    assert torch.are_deterministic_algorithms_enabled(), "the other still trains"
    second.__exit__(None, None, None)
    assert not torch.are_deterministic_algorithms_enabled()


@pytest.mark.parametrize("threads", ["0", "-1", "many", "1025", ""])
def test_deterministic_bad_threads__refuses(monkeypatch, threads):
    monkeypatch.setenv("FAIRTRAIN_THREADS", threads)
    with pytest.raises(InputError, match="E125 FAIRTRAIN_THREADS must be"), deterministic():
        pass
    assert not torch.are_deterministic_algorithms_enabled()


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
def test_train_round_on_cuda__repeats_and_stays_near_the_cpu(digits, shard):
    model = initial_model(digits)
    first, again = (train_round(model, shard, digits, SEED, device="cuda") for _ in range(2))
    assert np.array_equal(first, again)
    cpu = train_round(model, shard, digits, SEED, device="cpu")
    assert np.dot(first, cpu) > 0.98 * np.linalg.norm(first) * np.linalg.norm(cpu)
