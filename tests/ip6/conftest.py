"""A router for the tests of IPv6."""

from __future__ import annotations

import pytest
from tests.conftest import Lab
from tests.ip6.net import Net, network


@pytest.fixture
def net(lab: Lab) -> Net:
    return network(lab)
