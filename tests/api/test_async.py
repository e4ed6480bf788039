"""vpp_papi's asynchronous client."""

from __future__ import annotations

import asyncio

from vpp_papi.vpp_papi_async import VPPApiClient

from .served import Served


def test_many_calls_at_once(served: Served) -> None:
    """Requests whose replies come in their order, a dump among them."""

    async def program() -> None:
        vpp = VPPApiClient(server_address=str(served.path))
        assert await vpp.connect("async", asyncio.Queue()) == 0
        made = await asyncio.gather(*[vpp.api.create_loopback() for _ in range(50)])
        assert [each.sw_if_index for each in made] == list(range(1, 51))
        up = [vpp.api.sw_interface_set_flags(sw_if_index=each.sw_if_index, flags=1) for each in made]
        assert {each.retval for each in await asyncio.gather(*up)} == {0}
        end, details = await vpp.api.sw_interface_dump()
        assert type(end).__name__ == "control_ping_reply"
        assert [int(each.flags) for each in details] == [0, *[3] * 50]
        refused = await vpp.api.delete_loopback(sw_if_index=0)
        assert refused.retval == -2
        await vpp.disconnect()

    asyncio.run(asyncio.wait_for(program(), 60))
