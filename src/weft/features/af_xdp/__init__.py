"""AF_XDP: ports on Linux interfaces whose frames the kernel writes straight into packet buffers."""

PLUGIN = "af_xdp"
