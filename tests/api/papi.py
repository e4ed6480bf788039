"""What vpp_papi's callers write often, in short."""

from __future__ import annotations

from typing import Any

NONE = 0xFFFFFFFF
LABELS = [{"is_uniform": 0, "label": 0, "ttl": 0, "exp": 0}] * 16
NORMAL, LOCAL, DROP, UDP_ENCAP, UNREACH, PROHIBIT, DVR = 0, 1, 2, 3, 5, 6, 8


def path(next_hop: str | None = None, sw_if_index: int = NONE, **fields: Any) -> dict[str, Any]:
    """A path to a next hop, over an interface, or both."""
    version = "ip6" if next_hop and ":" in next_hop else "ip4"
    address = {version: next_hop} if next_hop else {"ip4": "0.0.0.0"}
    return {
        "sw_if_index": sw_if_index,
        "proto": int(version == "ip6"),
        "weight": 1,
        "nh": {"address": address},
        "n_labels": 0,
        "label_stack": LABELS,
    } | fields


def route(prefix: str, *paths: dict[str, Any], table_id: int = 0, **fields: Any) -> dict[str, Any]:
    """A route."""
    return {"table_id": table_id, "prefix": prefix, "n_paths": len(paths), "paths": list(paths)} | fields


def table(table_id: int, is_ip6: bool = False, name: str = "") -> dict[str, Any]:
    """A table."""
    return {"table_id": table_id, "is_ip6": is_ip6, "name": name}
