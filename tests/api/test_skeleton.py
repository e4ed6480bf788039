from __future__ import annotations

from typing import Any

from .served import Served


def test_loopback(served: Served, vpp: Any) -> None:
    made = vpp.api.create_loopback()
    assert made.retval == 0
    events = []
    vpp.register_event_callback(lambda name, event: events.append((name, event)))
    assert vpp.api.want_interface_events(enable_disable=1, pid=77).retval == 0
    assert vpp.api.sw_interface_set_flags(sw_if_index=made.sw_if_index, flags=1).retval == 0
    assert vpp.api.sw_interface_set_flags(sw_if_index=99, flags=1).retval == -2
    found = vpp.api.sw_interface_dump()
    assert [(each.interface_name, int(each.flags)) for each in found] == [("local0", 0), ("loop0", 3)]
    print(found[1])
    print(events)
    print(vpp.api.show_version() if hasattr(vpp.api, "show_version") else None)
