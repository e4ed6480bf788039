"""``python -m weft_openstack.agent``: the agent."""

from weft_openstack.agent.command import main

main()
