"""The client and the mirror, against a real etcd that goes away, forgets, refuses and fills up."""

from __future__ import annotations

import asyncio
import subprocess
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import pytest
from tests.openstack.relay import Relay
from tests.openstack.waiting import eventually

from weft_openstack.lab.certificates import Authority
from weft_openstack.lab.process import free_port
from weft_openstack.lab.services import EtcdServer
from weft_openstack.store import keys, roles
from weft_openstack.store.etcd import (
    Compacted,
    Delete,
    Denied,
    Etcd,
    Full,
    Put,
    Settings,
    Tls,
    Unchanged,
    Unreachable,
)
from weft_openstack.store.lease import Lease
from weft_openstack.store.mirror import Mirror


def run(settings: Settings, program: Callable[[Etcd], Coroutine[Any, Any, None]]) -> None:
    """Run a program with a connection."""

    async def connected() -> None:
        async with Etcd(settings) as etcd:
            await asyncio.wait_for(program(etcd), 60)

    asyncio.run(connected())


def test_transactions_hold_or_do_nothing(store: Settings, prefix: str) -> None:
    async def program(etcd: Etcd) -> None:
        first = await etcd.transact([Unchanged(prefix + "a", 0)], [Put(prefix + "a", b"1"), Put(prefix + "b", b"1")])
        assert first
        assert not await etcd.transact([Unchanged(prefix + "a", 0)], [Put(prefix + "a", b"2")])
        assert not await etcd.transact(
            [Unchanged(prefix + "a", first), Unchanged(prefix + "b", first - 1)], [Delete(prefix, below=True)]
        )
        item = await etcd.get(prefix + "a")
        assert item and (item.value, item.created, item.modified) == (b"1", first, first)
        second = await etcd.transact([Unchanged(prefix + "a", first)], [Delete(prefix, below=True)])
        assert second == first + 1
        assert await etcd.below(prefix) == ([], second)

    run(store, program)


def test_reads_many_keys_at_once(store: Settings, prefix: str) -> None:
    async def program(etcd: Etcd) -> None:
        names = [f"{prefix}{number}" for number in range(250)]
        for name in names[::2]:
            await etcd.put(name, name.encode())
        found = await etcd.get_all(names)
        assert {key: item.value for key, item in found.items()} == {name: name.encode() for name in names[::2]}
        assert found[names[2]] == await etcd.get(names[2])
        assert await etcd.get_all([]) == {}

    run(store, program)


def test_reads_more_than_one_page_in_one_revision(store: Settings, prefix: str) -> None:
    async def program(etcd: Etcd) -> None:
        names = [f"{prefix}{number:05}" for number in range(2345)]
        for start in range(0, len(names), 100):
            await etcd.transact((), [Put(name, b"x") for name in names[start : start + 100]])
        items, revision = await etcd.below(prefix)
        assert [item.key for item in items] == names
        assert revision == max(item.modified for item in items)

    run(store, program)


def test_a_watch_tells_all_from_a_revision_on(store: Settings, prefix: str) -> None:
    async def program(etcd: Etcd) -> None:
        await etcd.put(prefix + "before", b"")
        first = await etcd.put(prefix + "a", b"1")
        await etcd.put(prefix + "a", b"2")
        await etcd.put(prefix[:-1] + "0", b"not below it")
        await etcd.delete(prefix + "a")
        told: list[tuple[str, bytes | None]] = []
        async for events in etcd.watch(prefix, first):
            told += [(event.key, event.item.value if event.item else None) for event in events]
            if len(told) == 3:
                break
        assert told == [(prefix + "a", b"1"), (prefix + "a", b"2"), (prefix + "a", None)]

    run(store, program)


def test_a_watch_of_what_is_compacted_says_so(store: Settings, prefix: str) -> None:
    async def program(etcd: Etcd) -> None:
        first = await etcd.put(prefix + "a", b"1")
        await etcd.compact(await etcd.put(prefix + "a", b"2"))
        with pytest.raises(Compacted):
            async for _ in etcd.watch(prefix, first):
                pass

    run(store, program)


def test_a_mirror_is_true_after_etcd_was_away_and_compacted(own_etcd: EtcdServer) -> None:
    """The mirror's connection is cut by a relay, so that etcd changes and compacts while the mirror hears nothing."""

    async def program() -> None:
        relay = Relay(own_etcd.port)
        await relay.open()
        mirrored, direct = Etcd(Settings((relay.endpoint,), timeout=1)), Etcd(Settings((own_etcd.endpoint,)))
        await direct.transact((), [Put("/m/stays", b"1"), Put("/m/goes", b"1"), Put("/m/changes", b"1")])
        heard: list[set[str]] = []
        mirror = Mirror(mirrored, "/m/", heard.append)
        task = asyncio.create_task(mirror.run())
        await asyncio.wait_for(mirror.complete.wait(), 10)
        assert heard == [{"stays", "goes", "changes"}]
        await relay.cut()
        await eventually(lambda: mirror.problem)
        await direct.transact((), [Delete("/m/goes"), Put("/m/changes", b"2"), Put("/m/comes", b"1")])
        await direct.compact(await direct.put("/m/comes", b"2"))
        assert {path: item.value for path, item in mirror.items.items()} == {
            "stays": b"1", "goes": b"1", "changes": b"1"
        }  # fmt: skip
        await relay.open()
        await eventually(lambda: len(heard) == 2)
        assert heard[1] == {"goes", "changes", "comes"}
        assert {path: item.value for path, item in mirror.items.items()} == {
            "stays": b"1", "changes": b"2", "comes": b"2"
        }  # fmt: skip
        await direct.put("/m/stays", b"2")
        await eventually(lambda: len(heard) == 3)
        assert heard[2] == {"stays"} and mirror.items["stays"].value == b"2"
        task.cancel()
        await relay.cut()
        await mirrored.close()
        await direct.close()

    asyncio.run(asyncio.wait_for(program(), 60))


def test_another_endpoint_is_asked_when_one_is_away(store: Settings, prefix: str) -> None:
    dead = f"127.0.0.1:{free_port()}"

    async def program(etcd: Etcd) -> None:
        await etcd.put(prefix + "a", b"1")
        item = await etcd.get(prefix + "a")
        assert item and item.value == b"1"

    run(Settings((dead, *store.endpoints), timeout=2), program)

    async def refused(etcd: Etcd) -> None:
        with pytest.raises(Unreachable):
            await etcd.get(prefix)

    run(Settings((dead,), timeout=1), refused)


def test_a_key_goes_with_its_lease_and_a_lost_lease_is_replaced(store: Settings, prefix: str) -> None:
    async def program(etcd: Etcd) -> None:
        lost = asyncio.Event()
        lease = Lease(etcd, lost.set, seconds=3)
        first = await lease.hold()
        await etcd.put(prefix + "a", b"1", first)
        task = asyncio.create_task(lease.run())
        await asyncio.sleep(5)  # longer than it lives by itself
        assert await etcd.get(prefix + "a") and not lost.is_set()
        await etcd.revoke(first)
        assert await etcd.get(prefix + "a") is None
        await asyncio.wait_for(lost.wait(), 5)
        assert lease.id != first and await etcd.refresh(lease.id) == 3
        task.cancel()
        assert await lease.hold(lease.id) == lease.id
        await etcd.revoke(lease.id)
        assert await etcd.refresh(lease.id) == 0

    run(store, program)


def test_a_full_disk_is_told_as_such(tmp_path: Path) -> None:
    """etcd raises its alarm NOSPACE; reading goes on."""
    server = EtcdServer(tmp_path, arguments=("--quota-backend-bytes", str(1 << 20)))
    server.process.start()

    async def program(etcd: Etcd) -> None:
        await etcd.put("/a", b"1")
        with pytest.raises(Full):
            for number in range(100):
                await etcd.put(f"/{number}", bytes(100_000))
        item = await etcd.get("/a")
        assert item and item.value == b"1"

    try:
        run(Settings((server.endpoint,)), program)
    finally:
        server.process.stop()


def test_roles_let_an_agent_write_only_of_itself(own_etcd: EtcdServer) -> None:
    passwords: dict[str, str | None] = {
        roles.DRIVER: "d", roles.READER: "r", roles.agent("h1"): "1", roles.agent("h2"): "2"
    }  # fmt: skip

    async def program() -> None:
        async with Etcd(Settings((own_etcd.endpoint,))) as etcd:
            for _ in range(2):  # again: nothing happens
                await roles.set_up(etcd, "/weft/", ("h1", "h2"), passwords)
            await roles.enable(etcd, "root")
        with pytest.raises(Denied):
            async with Etcd(Settings((own_etcd.endpoint,))) as nobody:
                await nobody.get("/weft/vteps/h1")
        with pytest.raises(Denied):
            async with Etcd(Settings((own_etcd.endpoint,), user=roles.agent("h1"), password="2")) as wrong:
                await wrong.get("/weft/vteps/h1")
        async with Etcd(Settings((own_etcd.endpoint,), user=roles.DRIVER, password="d")) as driver:
            await driver.put("/weft/" + keys.port("h1", "p"), b"")
            with pytest.raises(Denied):
                await driver.put("/other/", b"")
        async with Etcd(Settings((own_etcd.endpoint,), user=roles.agent("h1"), password="1")) as agent:
            await agent.put("/weft/" + keys.agent("h1"), b"")
            await agent.put("/weft/" + keys.endpoint("h1"), b"")
            items, _ = await agent.below("/weft/" + keys.host_ports("h1"))
            assert len(items) == 1
            await agent.below("/weft/" + keys.ENDPOINTS)
            await agent.below("/weft/" + keys.locations("n"))
            for path in (keys.agent("h2"), keys.endpoint("h2"), keys.port("h1", "p"), keys.location("n", "p")):
                with pytest.raises(Denied):
                    await agent.put("/weft/" + path, b"")
            with pytest.raises(Denied):
                await agent.below("/weft/" + keys.host_ports("h2"))
            with pytest.raises(Denied):
                async for _ in agent.watch("/weft/" + keys.host_ports("h2"), 1):
                    pass
        async with Etcd(Settings((own_etcd.endpoint,), user="root", password="root")) as root:
            await roles.set_up(root, "/weft/", ("h1", "h2", "h3"), passwords | {roles.agent("h3"): "3"})
        async with Etcd(Settings((own_etcd.endpoint,), user=roles.agent("h3"), password="3")) as third:
            await third.put("/weft/" + keys.agent("h3"), b"")

    asyncio.run(asyncio.wait_for(program(), 60))


def test_tls_with_client_certificates(tmp_path: Path) -> None:
    authority, stranger = Authority(tmp_path / "ca"), Authority(tmp_path / "stranger")
    server = EtcdServer(tmp_path, tls=authority.server("127.0.0.1"))
    server.process.start()
    cert, key = authority.client("weft-driver")

    async def allowed(etcd: Etcd) -> None:
        await etcd.put("/a", b"1")

    async def refused(etcd: Etcd) -> None:
        with pytest.raises(Unreachable):
            await etcd.put("/a", b"1")

    try:
        run(Settings((server.endpoint,), Tls(authority.file, cert, key)), allowed)
        run(Settings((server.endpoint,), Tls(authority.file, *stranger.client("weft-driver")), timeout=1), refused)
        run(Settings((server.endpoint,), Tls(stranger.file, cert, key), timeout=1), refused)
        run(Settings((server.endpoint,), Tls(authority.file), timeout=1), refused)
        run(Settings((server.endpoint,), timeout=1), refused)
    finally:
        server.process.stop()


def test_the_command_sets_roles_up(own_etcd: EtcdServer, tmp_path: Path) -> None:
    """weft-neutron roles, as an operator runs it; each user's password is in a file that only he can read."""
    import sys

    conf = tmp_path / "weft.conf"
    conf.write_text(f"[ml2_vpp]\netcd_host = {own_etcd.endpoint}\netcd_insecure_explicit_disable_https = true\n")
    command = (sys.executable, "-c", "from weft_openstack.neutron.command import main; main()")
    arguments = ("--config-file", str(conf), "roles", "--passwords", str(tmp_path / "passwords"), "--enable", "h1")
    subprocess.run((*command, *arguments), check=True, timeout=60)
    files = {path.name: path for path in (tmp_path / "passwords").iterdir()}
    assert files.keys() == {"root", roles.DRIVER, roles.READER, roles.agent("h1")}
    assert {path.stat().st_mode & 0o777 for path in files.values()} == {0o600}

    async def program(etcd: Etcd) -> None:
        await etcd.put("/weft/" + keys.agent("h1"), b"")

    run(Settings((own_etcd.endpoint,), user=roles.agent("h1"), password=files[roles.agent("h1")].read_text()), program)
