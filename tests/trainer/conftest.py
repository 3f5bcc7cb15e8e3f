"""One small project (digits, 2,410 parameters) and one shard of it, shared by the trainer's tests."""

import pytest
from sample_projects import described

from market.description import Description
from trainer import data


@pytest.fixture(scope="session")
def digits() -> Description:
    return described()


@pytest.fixture(scope="session")
def shard(digits: Description) -> data.Dataset:
    return data.load("sklearn:digits?part=3&parts=10&alpha=0.5&seed=0", digits)
