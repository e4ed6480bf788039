"""Features that a configuration leaves out; the message table in a file."""

from __future__ import annotations

import os
import signal
from pathlib import Path

from .conftest import Start
from .engine import stanzas

#: Other features have other addresses without these, and so need machine code of their own: not for a test.
INTERPRETED = {"WEFT_INTERPRET": "1"}


def test_a_plugin_that_is_disabled_is_not_there(start: Start, tmp_path: Path) -> None:
    """Neither its commands, nor its messages, nor its nodes; what others need stays, and the log says so."""
    switches = "plugin ping_plugin.so { disable } plugin vhost { disable } plugin l2 { disable }"
    kept = Path(f"/tmp/weft-test-table-{os.getpid()}")
    kept.unlink(missing_ok=True)
    more = f"plugins {{ {switches} }} api-trace {{ on save-api-table {kept.name} }}"
    engine = start(*stanzas(tmp_path, more=more), environment=INTERPRETED).wait_until_ready()
    try:
        plugins = engine.show("show plugins")
        assert "Left out by the startup configuration: ping, vhost\n" in plugins
        assert ". ping" not in plugins and ". l2 " in plugins and ". host_interface " in plugins
        assert "unknown input" in engine.show("ping 10.0.0.1")
        assert "unknown input" in engine.show("create vhost-user socket /tmp/x")
        assert "unknown node" in engine.show("show node vhost-user-input")
        table = kept.read_text()
        assert table == engine.show("show api message-table").replace("\r", "")
        assert " sw_interface_dump " in table and "want_ping_finished_events" not in table
    finally:
        kept.unlink(missing_ok=True)
    log = engine.log.read_text()
    assert "left out: ping, vhost\n" in log and "the engine is not without them: l2\n" in log
    assert engine.end(signal.SIGTERM) == 0


def test_all_plugins_but_some(start: Start, tmp_path: Path) -> None:
    more = "plugins { plugin default { disable } plugin ping_plugin.so { enable } }"
    engine = start(*stanzas(tmp_path, more=more), environment=INTERPRETED).wait_until_ready()
    plugins = engine.show("show plugins")
    assert ". ping " in plugins and ". ip4 " in plugins and ". host_interface" not in plugins
    assert "af_packet" in plugins.partition("Left out")[2] and "vhost" in plugins.partition("Left out")[2]
    assert engine.end(signal.SIGTERM) == 0
