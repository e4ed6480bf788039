"""The API trace, and what shows the API's state."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from weft.core.cli import CliError
from weft.features.memclnt import model

from .served import Served


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with Served(tmp_path_factory.mktemp("api") / "api.sock") as running:
        yield running


@pytest.fixture(autouse=True)
def traces(served: Served, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder for saved traces, and nothing kept."""
    monkeypatch.setattr(model, "TRACES", tmp_path)
    served.cli("api trace on\napi trace free")
    return tmp_path


def test_requests_are_kept_and_shown(served: Served, vpp: Any) -> None:
    vpp.api.create_loopback_instance(is_specified=True, user_instance=77)
    shown = served.cli("api trace dump")
    assert "test: create_loopback_instance(" in shown and "user_instance=77" in shown
    served.cli("api trace off\napi trace free")
    vpp.api.control_ping()
    assert served.cli("api trace dump").strip() == ""
    assert "disabled: 0 of" in served.cli("show api trace-status")


def test_only_so_many_are_kept(served: Served, vpp: Any) -> None:
    served.cli("api trace nitems 5")
    for _ in range(9):
        vpp.api.control_ping()
    assert len(served.cli("api trace dump").splitlines()) == 5
    served.cli("api trace nitems 1024")


def test_a_file_can_be_shown_and_carried_out_again(served: Served, vpp: Any, traces: Path) -> None:
    made = vpp.api.create_loopback_instance(is_specified=True, user_instance=78)
    vpp.api.sw_interface_dump(name_filter_valid=False)
    said = served.cli("api trace save mine")
    assert str(traces / "mine") in said
    lines = (traces / "mine").read_text().splitlines()
    assert [json.loads(line)["message"].rpartition("_")[0] for line in lines][-3:] == [
        "create_loopback_instance",
        "sw_interface_dump",
        "control_ping",
    ]
    assert "user_instance=78" in served.cli("api trace dump mine")
    again = served.cli("api trace replay mine")
    assert "user_instance=78): retval -31" in again, "it exists already"
    vpp.api.delete_loopback(sw_if_index=made.sw_if_index)
    again = served.cli("api trace replay mine")
    assert "user_instance=78): retval 0" in again
    assert "loop78" in served.cli("show interface")


@pytest.mark.parametrize("name", ["../x", "/etc/x", "a/b", ".hidden"])
def test_traces_stay_in_their_folder(served: Served, name: str) -> None:
    for command in ("save", "dump", "replay"):
        with pytest.raises(CliError, match="without"):
            served.cli(f"api trace {command} {name}")


def test_links_are_not_followed(served: Served, traces: Path) -> None:
    (traces / "victim").write_text("precious")
    (traces / "link").symlink_to(traces / "victim")
    with pytest.raises(CliError, match="cannot write"):
        served.cli("api trace save link")
    assert (traces / "victim").read_text() == "precious"


def test_files_that_are_no_traces(served: Served, traces: Path) -> None:
    (traces / "broken").write_text("{]")
    (traces / "other").write_text('{"a": 1}\n')
    (traces / "strange").write_text('{"time": 1, "client": "x", "message": "nothing_00000000", "data": "zz"}\n')
    for name in ("broken", "other"):
        with pytest.raises(CliError, match="is no API trace"):
            served.cli(f"api trace dump {name}")
    with pytest.raises(CliError, match="cannot read"):
        served.cli("api trace replay nowhere")
    assert "not known here" in served.cli("api trace replay strange")


def test_what_shows_the_api(served: Served, vpp: Any) -> None:
    assert "test" in served.cli("show api clients")
    table = served.cli("show api message-table verbose")
    assert "15    sockclnt_create " in table and "455fb9c4  request" in table
    assert "l2_patch_add_del" in table and "not implemented" in table
    modules = served.cli("show api plugin")
    assert "memclnt" in modules and "2.1.0" in modules
