"""A router for the tests of IPv4."""

from __future__ import annotations

import pytest
from tests.conftest import Lab
from tests.ip4.net import Net, network


@pytest.fixture
def net(lab: Lab) -> Net:
    return network(lab)
