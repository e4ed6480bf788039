"""Capture files: what scapy writes is read, what we write scapy reads, and what is broken is said clearly."""

from __future__ import annotations

import os
import struct
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scapy.packet import Raw
from scapy.utils import EDecimal, PcapReader, PcapWriter, rdpcap, wrpcap

from weft.features.pcap.file import Packet, PcapError, Writer, read, write

FILE = struct.Struct("<IHHiIII")
HEADER = FILE.pack(0xA1B2C3D4, 2, 4, 0, 0, 65535, 1)
PACKETS = [bytes([n % 256]) * n for n in (1, 14, 60, 1500, 9000)]


@pytest.mark.parametrize("endianness", ["<", ">"])
@pytest.mark.parametrize("nano", [False, True])
def test_what_scapy_writes_is_read(tmp_path: Path, endianness: str, nano: bool) -> None:
    path = tmp_path / "a.pcap"
    with PcapWriter(str(path), linktype=1, endianness=endianness, nano=nano) as writer:
        for number, data in enumerate(PACKETS):
            packet = Raw(data)
            packet.time = EDecimal(f"{1_700_000_000 + number}.{123456789 if nano else 123456000:09}")
            writer.write(packet)
    found = read(path)
    assert [packet.data for packet in found] == PACKETS
    assert [packet.length for packet in found] == list(map(len, PACKETS))
    fraction = 123_456_789 if nano else 123_456_000
    assert [packet.time for packet in found] == [(1_700_000_000 + n) * 10**9 + fraction for n in range(len(PACKETS))]


@pytest.mark.parametrize("nanoseconds", [False, True])
def test_scapy_reads_what_is_written(tmp_path: Path, nanoseconds: bool) -> None:
    path = tmp_path / "a.pcap"
    when = 1_700_000_000 * 10**9 + 123_456_789
    assert write(path, [Packet(data, len(data) + 5, when) for data in PACKETS], nanoseconds=nanoseconds) == 5
    with PcapReader(str(path)) as reader:
        found = list(reader)
    assert [bytes(packet) for packet in found] == PACKETS
    assert [packet.wirelen for packet in found] == [len(data) + 5 for data in PACKETS]
    assert {int(packet.time) for packet in found} == {1_700_000_000}
    fraction = 0.123456789 if nanoseconds else 0.123456
    assert all(abs(float(packet.time) % 1 - fraction) < 1e-6 for packet in found)


@pytest.mark.parametrize("link", [1, 12, 101, 228, 229])
def test_packets_of_ip_are_read_too(tmp_path: Path, link: int) -> None:
    path = tmp_path / "a.pcap"
    path.write_bytes(FILE.pack(0xA1B2C3D4, 2, 4, 0, 0, 65535, link) + struct.pack("<IIII", 0, 0, 2, 2) + b"ab")
    assert [packet.data for packet in read(path)] == [b"ab"]


@given(st.lists(st.tuples(st.binary(max_size=300), st.integers(0, 2**32 * 10**9 - 1)), max_size=20), st.booleans())
def test_there_and_back(tmp_path_factory: pytest.TempPathFactory, packets: list[tuple[bytes, int]], fine: bool) -> None:
    path = tmp_path_factory.mktemp("pcap") / "a.pcap"
    unit = 1 if fine else 1000
    written = [Packet(data, len(data), when // unit * unit) for data, when in packets]
    write(path, written, nanoseconds=fine)
    assert read(path) == written


def test_a_file_without_packets(tmp_path: Path) -> None:
    path = tmp_path / "a.pcap"
    write(path, [])
    assert read(path) == []
    assert len(rdpcap(str(path))) == 0


BROKEN = {
    "empty": (b"", "does not begin with the format's magic number"),
    "text": (b"hello, world, this is no capture", "magic number"),
    "pcapng": (b"\x0a\x0d\x0d\x0a" + bytes(60), "pcapng.*editcap"),
    "cut header": (HEADER[:20], "too short for its header"),
    "version": (FILE.pack(0xA1B2C3D4, 3, 0, 0, 0, 65535, 1), r"version 3\.0"),
    "link type": (FILE.pack(0xA1B2C3D4, 2, 4, 0, 0, 65535, 105), "link type 105"),
    "cut packet header": (HEADER + bytes(15), "within the header of packet 1"),
    "cut packet": (HEADER + struct.pack("<IIII", 0, 0, 10, 10) + bytes(9), "within packet 1, which has 10 bytes"),
    "huge packet": (HEADER + struct.pack("<IIII", 0, 0, 0xFFFFFFFF, 10) + bytes(9), "packet 1 says .* 4294967295"),
    "second packet": (
        HEADER + struct.pack("<IIII", 0, 0, 1, 1) + b"a" + struct.pack("<IIII", 0, 0, 5, 5),
        "within packet 2",
    ),
}


@pytest.mark.parametrize("what", BROKEN)
def test_broken_files(tmp_path: Path, what: str) -> None:
    content, expected = BROKEN[what]
    path = tmp_path / "broken.pcap"
    path.write_bytes(content)
    with pytest.raises(PcapError, match=expected) as raised:
        read(path)
    assert str(path) in str(raised.value)
    assert "\n" not in str(raised.value)


@given(st.integers(0, 200), st.integers(0, 255))
def test_any_damage_is_an_error_or_harmless(
    tmp_path_factory: pytest.TempPathFactory, position: int, value: int
) -> None:
    path = tmp_path_factory.mktemp("pcap") / "a.pcap"
    wrpcap(str(path), [])
    write(path, [Packet(bytes(20), 20), Packet(bytes(30), 30)])
    content = bytearray(path.read_bytes())
    content[position % len(content)] = value
    path.write_bytes(content[: len(content) - position % 3])
    try:
        assert len(read(path)) <= (len(content) - 24) // 16  # no more than there is room for headers
    except PcapError as error:
        assert str(path) in str(error)


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(PcapError, match="No such file"):
        read(tmp_path / "missing.pcap")
    with pytest.raises(PcapError, match="Is a directory"):
        read(tmp_path)


class TestWriting:
    def test_a_link_is_not_followed(self, tmp_path: Path) -> None:
        target = tmp_path / "precious"
        target.write_text("do not overwrite")
        link = tmp_path / "a.pcap"
        link.symlink_to(target)
        with pytest.raises(PcapError, match="symbolic link, which is not followed"):
            Writer(link)
        assert target.read_text() == "do not overwrite"

    def test_a_folder_that_is_not_there(self, tmp_path: Path) -> None:
        with pytest.raises(PcapError, match="No such file"):
            Writer(tmp_path / "nowhere" / "a.pcap")

    def test_only_the_owner_may_read(self, tmp_path: Path) -> None:
        writer = Writer(tmp_path / "a.pcap")
        writer.close()
        assert (tmp_path / "a.pcap").stat().st_mode & 0o777 == 0o600

    @pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs /dev/full")
    def test_a_full_disk(self) -> None:
        writer = Writer("/dev/full")
        with pytest.raises(PcapError, match="No space left"):
            writer.write(Packet(bytes(9000), 9000) for _ in range(100))
        with pytest.raises(PcapError, match="No space left"):
            writer.close()
