"""What describes the API: files for clients, a page for people."""

from __future__ import annotations

from pathlib import Path

from click.testing import CliRunner
from vpp_papi import VPPApiClient

from weft.apifiles import main, page

from .served import Served

DOCS = Path(__file__).parents[2] / "docs"


def test_the_page_is_current() -> None:
    assert (DOCS / "api-messages.md").read_text() == page(), "run: weft-api page > docs/api-messages.md"


def test_a_client_that_reads_files(served: Served, tmp_path: Path) -> None:
    done = CliRunner().invoke(main, ["json", str(tmp_path / "api")])
    assert done.exit_code == 0
    client = VPPApiClient(apidir=str(tmp_path / "api"), server_address=str(served.path))
    client.connect("files")
    made = client.api.create_loopback_instance(is_specified=True, user_instance=7, mac_address="02:00:00:00:00:07")
    (found,) = client.api.sw_interface_dump(sw_if_index=made.sw_if_index)
    assert (found.interface_name, str(found.l2_address)) == ("loop7", "02:00:00:00:00:07")
    client.disconnect()
