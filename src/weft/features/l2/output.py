"""l2-output: out by a port, if its split-horizon group allows, with its tags."""

from __future__ import annotations

from weft.core.buffer import Buffer
from weft.core.graph import MAX_INTERFACES
from weft.core.memory import reckoned
from weft.core.node import Nexts, Per, node
from weft.core.runtime import NodeRuntime
from weft.features.l2.errors import OutputError
from weft.features.l2.layout import SELECTIVE, L2Meta, Port, ports
from weft.features.l2.pipeline import first_output_feature
from weft.features.l2.rewrite import rewrite_tags
from weft.features.l2.trace import trace_output


class OutputNext(Nexts):
    DROP = "error-drop"


@node("l2-output", next=OutputNext, trace=trace_output, counts=OutputError.L2OUTPUT, per=Per.TX)
def l2_output(rt: NodeRuntime, pkt: Buffer) -> int:
    """Most ports ask for nothing. Else: the split-horizon check, the tags as the port wants them, and then its own
    features, if it has any.
    """
    # Cut to size: whoever sends packets here may have left it at "no interface".
    port = Port(reckoned(ports[pkt.tx_sw_if_index & (MAX_INTERFACES - 1)].address))
    output = port.output_node
    if output == 0:
        return pkt.fail(OutputError.MAPPING_DROP, OutputNext.DROP)
    if port.flags & SELECTIVE == 0:
        return output
    shg = port.shg
    if shg != 0 and shg == L2Meta(pkt.opaque).context.shg:
        return pkt.fail(OutputError.SHG_DROP, OutputNext.DROP)
    rewrite = port.output_rewrite
    if rewrite.pop + rewrite.push != 0 and rewrite_tags(pkt, rewrite) == 0:
        return pkt.fail(OutputError.VTR_DROP, OutputNext.DROP)
    features = port.output_features
    if features != 0:
        L2Meta(pkt.opaque).features = features
        return first_output_feature(features)
    return output
