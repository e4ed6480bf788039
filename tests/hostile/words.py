"""Words for command lines.

None of them names a file that exists, or that could be written to, beyond the current directory.
"""

from __future__ import annotations

from .network import mac


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.split())


NUMBERS = _words(f"""
    0 1 2 3 4 5 7 13 50 64 255 256 4094 4095 65535 65536 16777216 4294967295 4294967296 18446744073709551615
    18446744073709551616 {"9" * 400} -1 0x10 1.5 1e9 1e999 nan 7-9
""")
ADDRESSES = _words("""
    10.1.0.9 10.1.0.77 192.168.2.5 0.0.0.0 255.255.255.255 224.0.0.1 127.0.0.1 10.1.0.256 2001:db8::1 :: ff02::1
    fe80::1%eth0 10.1.0.0/24 10.9.0.0/16 0.0.0.0/0 10.77.0.0/16 10.1.0.1/32 10.0.0.0/33 ::/0 2001:db8::/129
""")
MACS = _words(f"""
    {mac(0x77)} 00:00:00:00:00:00 ff:ff:ff:ff:ff:ff 01:00:5e:00:00:01 0200.0000.0078 02:00:00:00:00 02:00:00:00:00:gg
""")
NAMES = _words("""
    pg0 pg1 pg3 pg0.2 pg0.13 loop0 loop1 local0 nosuch0 pg0.9999 stream any on up x all default new.name
""")
MARKS = _words('- ? "" " { } [ | # . <interface> %s%n $(id) /nonexistent/file')
STRANGE = ("x" * 64, "y" * 3000, "é", "名前", "\u202epg0", "\U0001f980", "\udc80", "a\0b", "\x1b[2J", '"two words"')
#: Packet descriptions and other things in braces.
BLOCKS = (
    "{ hex 0x0200000000010200000000020800 }",
    "{ IP4: 1.2.3 -> 4.5.6 UDP: 10.1.0.9 -> 10.2.0.9 UDP: 1 - 9 -> 2 incrementing 30 }",
    "{ IP4: 1.2.3 -> 4.5.6 ICMP: 10.1.0.9 -> 10.1.0.1 ICMP echo_request incrementing 99 }",
    "{ IP4: 1.2.3 -> 4.5.6 UDP: 0.0.0.0 - 255.255.255.255 -> 0.0.0.0 + 255.255.255.255 }",
    "{ incrementing 99999999999 }",
    "{ hex 0x0 }",
    "{ hex xyz }",
    "{ IP4: }",
    "{ { } }",
    "{ }",
)

#: What may be offered for any value: for most it is wrong, for some it is right, for others it is at their bounds.
PROBES = (*NUMBERS, *ADDRESSES, *MACS, *NAMES, *MARKS, *STRANGE, *BLOCKS)
#: What fits the network, so that lines get somewhere.
LIKELY = frozenset(_words("1 2 4 5 64 10.1.0.9 10.9.0.0/16 10.77.0.0/16 pg1 pg3 pg0.2 loop1 stream on ethernet-input"))
#: Of each kind one, for every value of every command.
WRONG = (*_words('x nosuch0 -1 0 4294967295 99999999999999999999 é ""'), "", "y" * 3000, "\udc80", "a\0b", "{ x }")
#: What a letter may become.
LETTERS = "ab09.:-{}\"' \t#?é\0\x7f\u2028\U0001f980"
