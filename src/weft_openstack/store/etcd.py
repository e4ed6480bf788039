"""A client for etcd v3: its gRPC service over whichever of the endpoints answers.

Calls that meet a member which is away, has no leader or has forgotten our token are made again with the next member or
a new token. A write whose answer was lost may have been done: callers compare before they write.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import grpc
import grpc.aio
from aetcd import rpc

log = logging.getLogger(__name__)

#: Pings find out that a peer is gone without a word. etcd refuses more than one in five seconds.
CHANNEL = (
    ("grpc.keepalive_time_ms", 10_000),
    ("grpc.keepalive_timeout_ms", 5_000),
    ("grpc.keepalive_permit_without_calls", 1),
    ("grpc.http2.max_pings_without_data", 0),
    ("grpc.initial_reconnect_backoff_ms", 200),
    ("grpc.max_reconnect_backoff_ms", 2_000),
    ("grpc.max_receive_message_length", 64 << 20),
    ("grpc.enable_http_proxy", 0),
)
PAGE = 1000  #: keys that are read at once
OPERATIONS = 100  #: in one transaction; etcd takes 128

Code = grpc.StatusCode
#: With these another member is asked.
_AWAY = {Code.UNAVAILABLE, Code.DEADLINE_EXCEEDED, Code.CANCELLED, Code.UNKNOWN, Code.INTERNAL}


class StoreError(Exception):
    """etcd refused something."""


class Unreachable(StoreError):
    """No endpoint answers."""


class Denied(StoreError):
    """The user may not do this, or is none."""


class Full(StoreError):
    """etcd has no space left (alarm NOSPACE)."""


class Compacted(StoreError):
    """The revision to begin at is no longer there."""


@dataclass(frozen=True)
class Tls:
    """Files: the authority that signed the servers' certificates, and our own certificate and key, if there is one."""

    ca: str | None = None
    cert: str | None = None
    key: str | None = None

    def credentials(self) -> grpc.ChannelCredentials:
        def read(name: str | None) -> bytes | None:
            return Path(name).read_bytes() if name else None

        return grpc.ssl_channel_credentials(read(self.ca), read(self.key), read(self.cert))


@dataclass(frozen=True)
class Settings:
    """How to reach etcd."""

    endpoints: tuple[str, ...] = ("127.0.0.1:2379",)
    tls: Tls | None = None
    user: str | None = None
    password: str | None = field(default=None, repr=False)
    timeout: float = 5.0  #: for one call to one member


@dataclass(frozen=True)
class Item:
    """A key with its value."""

    key: str
    value: bytes
    created: int  #: the revision in which it came
    modified: int  #: the revision in which it was last written
    lease: int
    made: dict[type, Any] = field(default_factory=dict, compare=False, repr=False)  #: what readers made of the value


@dataclass(frozen=True)
class Event:
    """A key that was written, or deleted if there is no item."""

    key: str
    item: Item | None


@dataclass(frozen=True)
class Put:
    key: str
    value: bytes
    lease: int = 0

    def message(self) -> Any:
        return rpc.RequestOp(request_put=rpc.PutRequest(key=self.key.encode(), value=self.value, lease=self.lease))


@dataclass(frozen=True)
class Delete:
    key: str
    below: bool = False  #: and all keys that begin with it

    def message(self) -> Any:
        end = end_of(self.key) if self.below else b""
        return rpc.RequestOp(request_delete_range=rpc.DeleteRangeRequest(key=self.key.encode(), range_end=end))


@dataclass(frozen=True)
class Unchanged:
    """A condition: the key was last written in this revision; 0: it is not there."""

    key: str
    modified: int

    def message(self) -> Any:
        return rpc.Compare(
            result=rpc.Compare.EQUAL, target=rpc.Compare.MOD, key=self.key.encode(), mod_revision=self.modified
        )


def end_of(prefix: str) -> bytes:
    """The first key behind all those that begin with a prefix."""
    raw = prefix.encode()
    return raw[:-1] + bytes([raw[-1] + 1])


class Etcd:
    """A connection. Use it in one event loop."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self._channels: list[grpc.aio.Channel] = []
        self._at = 0
        self._token: str | None = None
        self._login = asyncio.Lock()

    async def close(self) -> None:
        channels, self._channels = self._channels, []
        for channel in channels:
            with suppress(Exception):
                await channel.close()

    async def __aenter__(self) -> Etcd:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    # reading

    async def get(self, key: str) -> Item | None:
        """One key's item."""
        answer = await self._call(rpc.KVStub, "Range", rpc.RangeRequest(key=key.encode()))
        return _item(answer.kvs[0]) if answer.kvs else None

    async def get_all(self, keys: Sequence[str]) -> dict[str, Item]:
        """The items of some keys, by key; those that are not there are left out."""
        found: dict[str, Item] = {}
        for start in range(0, len(keys), OPERATIONS):
            part = keys[start : start + OPERATIONS]
            reads = [rpc.RequestOp(request_range=rpc.RangeRequest(key=key.encode())) for key in part]
            answer = await self._call(rpc.KVStub, "Txn", rpc.TxnRequest(success=reads))
            items = [_item(kv) for each in answer.responses for kv in each.response_range.kvs]
            found |= {item.key: item for item in items}
        return found

    async def below(self, prefix: str) -> tuple[list[Item], int]:
        """All items whose keys begin with a prefix, as they were together in one revision; that revision."""
        found: list[Item] = []
        start, revision = prefix.encode(), 0
        while True:
            request = rpc.RangeRequest(key=start, range_end=end_of(prefix), limit=PAGE, revision=revision)
            answer = await self._call(rpc.KVStub, "Range", request)
            revision = revision or answer.header.revision
            found += map(_item, answer.kvs)
            if not answer.more:
                return found, revision
            start = answer.kvs[-1].key + b"\0"

    # writing

    async def transact(self, conditions: Sequence[Unchanged], operations: Sequence[Put | Delete]) -> int:
        """Do all operations if all conditions hold. The revision made, or 0 if they do not hold."""
        request = rpc.TxnRequest(
            compare=[each.message() for each in conditions], success=[each.message() for each in operations]
        )
        answer = await self._call(rpc.KVStub, "Txn", request)
        return int(answer.header.revision) if answer.succeeded else 0

    async def put(self, key: str, value: bytes, lease: int = 0) -> int:
        """Write a key, whatever is there."""
        return await self.transact((), [Put(key, value, lease)])

    async def delete(self, key: str, below: bool = False) -> int:
        """Delete a key, or all that begin with it."""
        return await self.transact((), [Delete(key, below)])

    # leases

    async def grant(self, seconds: int) -> int:
        """A new lease's number."""
        return int((await self._call(rpc.LeaseStub, "LeaseGrant", rpc.LeaseGrantRequest(TTL=seconds))).ID)

    async def refresh(self, lease: int) -> int:
        """Keep a lease; the seconds that it now has, 0 if it is gone."""

        async def once(stub: Any, **how: Any) -> Any:
            call = stub.LeaseKeepAlive(iter([rpc.LeaseKeepAliveRequest(ID=lease)]), **how)
            async for answer in call:
                return answer
            raise Unreachable("the stream that keeps the lease ended")

        answer = await self._with(rpc.LeaseStub, once)
        return int(answer.TTL)

    async def revoke(self, lease: int) -> None:
        """End a lease: its keys go."""
        await self._call(rpc.LeaseStub, "LeaseRevoke", rpc.LeaseRevokeRequest(ID=lease))

    # watching

    async def watch(self, prefix: str, revision: int) -> AsyncIterator[list[Event]]:
        """What happens to keys that begin with a prefix, from a revision on. Begins with an empty list once the watch
        stands. Raises Compacted, or another StoreError when the connection is lost: read and begin again then."""
        create = rpc.WatchCreateRequest(
            key=prefix.encode(), range_end=end_of(prefix), start_revision=revision, progress_notify=True
        )
        endless: asyncio.Event = asyncio.Event()

        async def requests() -> AsyncIterator[Any]:
            yield rpc.WatchRequest(create_request=create)
            await endless.wait()

        at, call = self._at, None
        try:
            await self._authenticate()
            # A member that has lost its leader ends the stream rather than be silent.
            call = rpc.WatchStub(self._channel()).Watch(requests(), metadata=(*self._metadata(), ("hasleader", "true")))
            async for answer in call:
                if answer.compact_revision:
                    raise Compacted(f"revision {revision} is compacted; the oldest is {answer.compact_revision}")
                if answer.canceled:
                    raise _error(answer.cancel_reason)
                yield [_event(each) for each in answer.events]
            raise Unreachable("the watch ended")
        except grpc.aio.AioRpcError as error:
            self._failed(error, at)
            raise _translated(error) from None
        finally:
            endless.set()
            if call is not None:
                call.cancel()

    # administration

    async def administer(self, call: str, request: Any) -> Any:
        """A call of etcd's Auth service."""
        return await self._call(rpc.AuthStub, call, request)

    async def compact(self, revision: int) -> None:
        await self._call(rpc.KVStub, "Compact", rpc.CompactionRequest(revision=revision, physical=True))

    async def leads(self) -> bool:
        """Whether the member that answers leads its cluster."""
        status = await self._call(rpc.MaintenanceStub, "Status", rpc.StatusRequest())
        return bool(status.leader == status.header.member_id)

    # the connection

    def _channel(self) -> grpc.aio.Channel:
        if not self._channels:
            tls = self.settings.tls.credentials() if self.settings.tls else None
            for endpoint in self.settings.endpoints:
                target = endpoint.split("://")[-1]
                self._channels.append(
                    grpc.aio.secure_channel(target, tls, options=CHANNEL)
                    if tls
                    else grpc.aio.insecure_channel(target, options=CHANNEL)
                )
        return self._channels[self._at % len(self._channels)]

    def _metadata(self) -> tuple[tuple[str, str], ...]:
        return (("token", self._token),) if self._token else ()

    def _failed(self, error: grpc.aio.AioRpcError, at: int) -> None:
        """Go on to the next member, or forget the token, as the error says."""
        if _is_stale(error):
            self._token = None
        elif error.code() in _AWAY and at == self._at:
            self._at = (self._at + 1) % len(self.settings.endpoints)

    async def _call(self, stub: Any, name: str, request: Any) -> Any:
        return await self._with(stub, lambda made, **how: getattr(made, name)(request, **how))

    async def _with(self, stub: Any, action: Any) -> Any:
        """Carry out an action with a stub; again with each other member while members are away."""
        last: grpc.aio.AioRpcError | None = None
        for _ in range(len(self.settings.endpoints) + 1):
            at = self._at
            try:
                await self._authenticate()
                return await action(stub(self._channel()), metadata=self._metadata(), timeout=self.settings.timeout)
            except grpc.aio.AioRpcError as error:
                last = error
                self._failed(error, at)
                if not _is_stale(error) and error.code() not in _AWAY:
                    break
        assert last is not None
        raise _translated(last) from None

    async def _authenticate(self) -> None:
        if self._token or not self.settings.user:
            return
        async with self._login:
            if self._token:
                return
            request = rpc.AuthenticateRequest(name=self.settings.user, password=self.settings.password or "")
            answer = await rpc.AuthStub(self._channel()).Authenticate(request, timeout=self.settings.timeout)
            self._token = answer.token


def _is_stale(error: grpc.aio.AioRpcError) -> bool:
    """Whether a new token mends it."""
    text = error.details() or ""
    return "invalid auth token" in text or "auth store is old" in text


def _translated(error: grpc.aio.AioRpcError) -> StoreError:
    text = (error.details() or str(error.code())).removeprefix("etcdserver: ")
    if error.code() in _AWAY:
        return Unreachable(text)
    return _error(text)


def _error(text: str) -> StoreError:
    if "space exceeded" in text:
        return Full(text)
    if "compacted" in text:
        return Compacted(text)
    if "permission denied" in text or "authentication failed" in text or "user name is empty" in text:
        return Denied(text)
    return StoreError(text)


def _item(kv: Any) -> Item:
    return Item(kv.key.decode(errors="replace"), kv.value, kv.create_revision, kv.mod_revision, kv.lease)


def _event(event: Any) -> Event:
    key = event.kv.key.decode(errors="replace")
    return Event(key, _item(event.kv) if event.type == rpc.Event.PUT else None)
