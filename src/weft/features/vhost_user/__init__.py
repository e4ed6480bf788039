"""vhost-user: virtual machines' network cards. A front end (QEMU, DPDK) shares its memory; its rings are read here."""

PLUGIN = "vhost"
