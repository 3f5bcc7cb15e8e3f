"""One small project (digits, 2,410 parameters) and one shard of it, shared by the trainer's tests."""

from dataclasses import replace

import numpy as np
import pytest
from sample_projects import described

from market.description import Description
from market.initial import initial_model
from trainer import data
from trainer.producers import Context


@pytest.fixture(scope="session")
def digits() -> Description:
    return described()


@pytest.fixture(scope="session")
def shard(digits: Description) -> data.Dataset:
    return data.load("sklearn:digits?part=3&parts=10&alpha=0.5&seed=0", digits)


@pytest.fixture
def first(digits: Description, shard: data.Dataset) -> Context:
    """What a producer sees in round 1, when nobody has revealed anything."""
    return Context(1, 3, bytes(range(32)), initial_model(digits), shard, digits)


@pytest.fixture
def later(first: Context, digits: Description) -> Context:
    """The same in round 2: six files and a delta are public."""
    random = np.random.default_rng(5)
    peers = {seat: random.integers(-500, 500, digits.d_pad).astype(np.int16) for seat in range(6)}
    delta = random.integers(-300, 300, digits.d_pad).astype(np.int16)
    return replace(first, round=2, last_delta=delta, peers=peers)
