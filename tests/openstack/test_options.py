"""The options of ``[ml2_vpp]``, by networking-vpp's names: what they mean, and what is said of those that cannot be."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from oslo_config import cfg

from weft_openstack import options
from weft_openstack.store.etcd import Tls

PLAIN = "etcd_insecure_explicit_disable_https = true\n"


def group(folder: Path, text: str) -> Any:
    """The group, from a file with some lines in it."""
    path = folder / "weft.conf"
    path.write_text("[ml2_vpp]\n" + text)
    conf = cfg.ConfigOpts()
    found = options.register(conf, options.STORE, options.DRIVER, options.AGENT)
    conf(["--config-file", str(path)])
    return found


@pytest.mark.parametrize(
    ("text", "endpoints"),
    [
        ("", ("127.0.0.1:2379",)),
        ("etcd_host = a, b:1000,10.0.0.1\netcd_port = 4001\n", ("a:4001", "b:1000", "10.0.0.1:4001")),
        ("etcd_host = 2001:db8::1,[2001:db8::2],[2001:db8::3]:99\n",
         ("[2001:db8::1]:2379", "[2001:db8::2]:2379", "[2001:db8::3]:99")),
    ],
)  # fmt: skip
def test_members_of_etcd(tmp_path: Path, text: str, endpoints: tuple[str, ...]) -> None:
    assert options.settings(group(tmp_path, PLAIN + text)).endpoints == endpoints


def test_etcd_is_spoken_to_by_tls_unless_that_is_turned_off(tmp_path: Path) -> None:
    for name in ("ca", "cert", "key"):
        (tmp_path / name).touch()
    assert options.settings(group(tmp_path, "")).tls == Tls()  # whose servers the machine's own authorities vouch for
    files = "".join(f"etcd_{option} = {tmp_path}/{name}\n" for option, name in
                    (("ca_cert", "ca"), ("cert", "cert"), ("key", "key")))  # fmt: skip
    user = "etcd_user = u\netcd_pass = secret\n"
    found = options.settings(group(tmp_path, files + user))
    assert found.tls == Tls(f"{tmp_path}/ca", f"{tmp_path}/cert", f"{tmp_path}/key")
    assert (found.user, found.password) == ("u", "secret") and "secret" not in repr(found)
    assert options.settings(group(tmp_path, PLAIN)).tls is None


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("etcd_cert = /dev/null\n", "etcd_cert and etcd_key: one needs the other"),
        ("etcd_ca_cert = /none\n", "etcd_ca_cert: /none cannot be read"),
        (PLAIN + "etcd_ca_cert = /dev/null\n", "etcd_ca_cert and etcd_cert mean nothing"),
        (PLAIN + "etcd_host = ,\n", "etcd_host names no member"),
    ],
)
def test_ways_to_etcd_that_cannot_be(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(options.Misconfigured, match=said):
        options.settings(group(tmp_path, text))


def test_a_prefix_has_a_slash_at_both_ends(tmp_path: Path) -> None:
    assert options.prefix(group(tmp_path, "etcd_prefix = /cloud/weft/\n")) == "/cloud/weft/"
    for wrong in ("weft/", "/weft", "/"):
        with pytest.raises(options.Misconfigured, match="has no slash at both ends, as /weft/ has"):
            options.prefix(group(tmp_path, f"etcd_prefix = {wrong}\n"))


def test_physical_networks_are_named_once_each(tmp_path: Path) -> None:
    found = options.physnets(group(tmp_path, "physnets = one:eth0, two:TenGigabitEthernet4/0/0\n"))
    assert found == {"one": "eth0", "two": "TenGigabitEthernet4/0/0"}
    assert options.physnets(group(tmp_path, "")) == {}
    for wrong, said in (
        ("one", "'one' is no PHYSNET:INTERFACE"),
        ("one:", "'one:' is no PHYSNET:INTERFACE"),
        ("one:a,one:b", "one is named twice"),
        ("one:a,two:a", "a is named twice"),
    ):
        with pytest.raises(options.Misconfigured, match=said):
            options.physnets(group(tmp_path, f"physnets = {wrong}\n"))


def test_what_networking_vpp_had_and_the_page_of_those_who_come_from_it(tmp_path: Path) -> None:
    """Each of its options is one of ours or in the page's table of those that are gone."""
    theirs = (
        "agents", "physnets", "etcd_host", "etcd_port", "etcd_user", "etcd_pass", "etcd_ca_cert", "vhost_user_dir",
        "etcd_insecure_explicit_disable_https", "mac_age", "network_types", "gpe_locators", "gpe_src_cidr",
        "jwt_signing", "enable_vpp_restart", "l3_hosts", "enable_l3_ha", "vxlan_src_addr", "vxlan_bcast_addr",
        "vxlan_vrf", "qemu_user", "qemu_group", "tap_wait_time", "vpp_cmd_queue_len",
    )  # fmt: skip
    page = (Path(__file__).parents[2] / "docs" / "openstack.md").read_text()
    gone = page.partition("### From networking-vpp")[2].partition("\n## ")[0]
    ours = {option.name for part in (options.STORE, options.DRIVER, options.AGENT) for option in part}
    assert [name for name in theirs if name not in ours and f"`{name}`" not in gone] == []
    listed = page.partition("| option of `[ml2_vpp]` |")[2].partition("\n\n")[0]
    assert [name for name in ours if f"`{name}`" not in listed] == []
    assert group(tmp_path, "")["etcd_insecure_explicit_disable_https"] is False
