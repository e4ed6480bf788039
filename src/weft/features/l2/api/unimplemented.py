"""Messages of what layer 2 does not have."""

from __future__ import annotations

from typing import TYPE_CHECKING

from weft.core.api import u16, u32
from weft.core.api.ethernet_types import MacAddress
from weft.core.api.interface_types import InterfaceIndex
from weft.features.l2.api.module import ALL, api

if TYPE_CHECKING:
    from weft.core.engine import Engine


@api.unimplemented("l2_interface_pbb_tag_rewrite", 0x38E802A8)
def l2_interface_pbb_tag_rewrite(
    engine: Engine,
    sw_if_index: InterfaceIndex,
    vtr_op: u32,
    outer_tag: u16,
    b_dmac: MacAddress,
    b_smac: MacAddress,
    b_vlanid: u16,
    i_sid: u32,
) -> None:
    """Provider backbone bridges (802.1ah)."""


@api.unimplemented("l2_patch_add_del", 0xA1F6A6F3)
def l2_patch_add_del(
    engine: Engine, *, rx_sw_if_index: InterfaceIndex, tx_sw_if_index: InterfaceIndex, is_add: bool = True
) -> None:
    """A cross-connect that looks at nothing; ``sw_interface_set_l2_xconnect`` does the same."""


@api.unimplemented("l2_interface_efp_filter", 0x5501ADEE)
def l2_interface_efp_filter(engine: Engine, *, sw_if_index: InterfaceIndex, enable_disable: bool = True) -> None:
    """Drop packets that leave by a sub-interface and have other tags than its own."""


@api.unimplemented("sw_interface_set_vpath", 0xAE6CFCFB)
def sw_interface_set_vpath(engine: Engine, *, sw_if_index: InterfaceIndex, enable: bool = ALL) -> None:  # type: ignore[assignment]
    """VPath, a protocol of other makers' virtual switches."""
