"""Messages of vlib, vpe and feature."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from typing import Any

import pytest

from .served import Served

NO_SUCH_NODE, NO_SUCH_NODE2, UNIMPLEMENTED, CLI_ERROR = -63, -64, -9, -156


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with Served(tmp_path_factory.mktemp("api") / "api.sock") as running:
        yield running


def test_a_command(vpp: Any) -> None:
    reply = vpp.api.cli_inband(cmd="loopback create instance 40")
    assert (reply.retval, reply.reply.strip()) == (0, "loop40")
    assert "loop40" in vpp.api.cli_inband(cmd="show interface").reply


@pytest.mark.parametrize("command", ["no such command", "loopback create instance 40", "exec /no/such/file"])
def test_a_command_that_fails(vpp: Any, command: str) -> None:
    vpp.api.cli_inband(cmd="loopback create instance 40")
    assert vpp.api.cli_inband(cmd=command).retval == CLI_ERROR


def test_nodes(vpp: Any, served: Served) -> None:
    found = vpp.api.get_node_index(node_name="ethernet-input")
    assert found.retval == 0
    assert f"index {found.node_index}" in served.cli("show node ethernet-input")
    missing = vpp.api.get_node_index(node_name="nothing")
    assert (missing.retval, missing.node_index) == (NO_SUCH_NODE, 0xFFFFFFFF)
    way = vpp.api.get_next_index(node_name="ethernet-input", next_name="l2-input")
    assert way.retval == 0
    assert vpp.api.add_node_next(node_name="ethernet-input", next_name="l2-input").next_index == way.next_index
    assert vpp.api.add_node_next(node_name="ethernet-input", next_name="pg-input").retval == UNIMPLEMENTED
    assert vpp.api.get_next_index(node_name="nothing", next_name="l2-input").retval == NO_SUCH_NODE
    assert vpp.api.get_next_index(node_name="l2-input", next_name="nothing").retval == NO_SUCH_NODE2


def test_threads(vpp: Any) -> None:
    (main,) = vpp.api.show_threads().thread_data
    assert (main.id, main.type) == (0, "")
    assert main.cpu_id < (os.cpu_count() or 1)


def test_floats(vpp: Any) -> None:
    assert vpp.api.get_f64_endian_value(f64_one=1.0).f64_one_result == 1.0
    assert vpp.api.get_f64_endian_value(f64_one=2.0).retval != 0
    assert vpp.api.get_f64_increment_by_one(f64_value=41.5).f64_value == 42.5


def test_what_there_is_for_shared_memory_alone(vpp: Any) -> None:
    assert vpp.api.cli(cmd_in_shmem=0x1234).retval == UNIMPLEMENTED
    assert vpp.api.get_node_graph().retval == UNIMPLEMENTED


def test_version_and_time(vpp: Any) -> None:
    version = vpp.api.show_version()
    assert version.program == "vpe" and version.version.startswith("26.06")
    before = time.time()
    said = vpp.api.show_vpe_system_time(_no_type_conversion=True).vpe_system_time
    assert before <= said <= time.time()


def test_the_log(vpp: Any, served: Served) -> None:
    served.run(lambda lab: lab.engine.log.warning("the sky is %s", "blue"))
    messages = [each for each in vpp.api.log_dump(_no_type_conversion=True) if each.message == "the sky is blue"]
    assert [(int(each.level), each.msg_class) for each in messages] == [(4, "engine")]
    after = messages[0].timestamp + 0.001
    later = vpp.api.log_dump(start_timestamp=after, _no_type_conversion=True)
    assert "the sky is blue" not in [each.message for each in later]


def test_features(vpp: Any) -> None:
    index = vpp.api.create_loopback().sw_if_index
    what = {"sw_if_index": index, "arc_name": "device-input", "feature_name": "pcap-trace-rx"}
    assert not vpp.api.feature_is_enabled(**what).is_enabled
    assert vpp.api.feature_enable_disable(enable=True, **what).retval == 0
    assert vpp.api.feature_is_enabled(**what).is_enabled
    assert vpp.api.feature_enable_disable(enable=False, **what).retval == 0
    assert not vpp.api.feature_is_enabled(**what).is_enabled
    assert vpp.api.feature_enable_disable(enable=True, **(what | {"sw_if_index": 99})).retval == -2
    assert vpp.api.feature_enable_disable(enable=True, **(what | {"arc_name": "nothing"})).retval == -7
    assert vpp.api.feature_enable_disable(enable=True, **(what | {"feature_name": "nothing"})).retval == -8
