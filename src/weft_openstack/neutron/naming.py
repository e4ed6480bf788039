"""What Neutron calls us."""

AGENT_TYPE = "Weft agent"
DRIVER = "vpp"  #: among its mechanism drivers
