"""A router for the tests of paths and adjacencies."""

from __future__ import annotations

import pytest
from tests.conftest import Lab
from tests.ip4.net import Net, network


@pytest.fixture
def net(lab: Lab) -> Net:
    """Four ports."""
    return network(lab, 4)
