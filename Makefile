# make lab · make test · make bench · make bench-compare · make bench-vhost · make fuzz; see README.md.

PYTHON ?= python3
BIN := .venv/bin
APT := python3 python3-venv iproute2 iputils-ping iperf3 qemu-system-x86 busybox-static dpdk-dev librte-net-virtio23 \
       librte-net-vhost23 etcd-server openssl libvirt-daemon libvirt-daemon-driver-qemu \
       libvirt-clients
SUDO := $(if $(filter 0,$(shell id -u)),,sudo)

# Engines that tests start in processes of their own are compiled from source again and again otherwise.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: lab lab-down lab-vxlan lab-vxlan-down lab-openstack lab-openstack-down test test-slow test-fused test-openstack lint bench \
        bench-compare bench-vhost bench-openstack fuzz clean

lab: .installed
	$(SUDO) $(BIN)/python -m weft.lab up

lab-down: .installed
	$(SUDO) $(BIN)/python -m weft.lab down

lab-vxlan: .installed
	$(SUDO) $(BIN)/python -m weft.lab vxlan-up

lab-vxlan-down: .installed
	$(SUDO) $(BIN)/python -m weft.lab vxlan-down

lab-openstack: .installed-openstack
	$(SUDO) .venv-openstack/bin/weft-openstack-lab up

lab-openstack-down: .installed-openstack
	$(SUDO) .venv-openstack/bin/weft-openstack-lab down

test: .installed lint
	$(SUDO) $(BIN)/python -m pytest -n 2 --dist loadfile --max-worker-restart 0

# What takes long, and a machine that does little else.
test-slow: .installed
	$(SUDO) $(BIN)/python -m pytest -m slow

# Each node that a packet passes is compiled together with the next, at once: docs/testing.md.
test-fused: .installed
	$(SUDO) env WEFT_FUSE=forced $(BIN)/python -m pytest -n 2 --dist loadfile --max-worker-restart 0 --ignore tests/hostile

# With a real Neutron, and the lab: some minutes, and a virtual environment of its own.
test-openstack: .installed-openstack
	$(SUDO) env WEFT_NEUTRON=$(CURDIR)/.venv-openstack .venv-openstack/bin/python -m pytest -o faulthandler_timeout=1800 tests/openstack

lint: .installed
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

bench: .installed
	$(BIN)/python -m bench

# Ours and a real VPP in turn: make bench-compare VPP=/path/to/vpp
VPP ?= vpp

bench-compare: .installed
	$(SUDO) $(BIN)/python -m bench.compare --vpp $(VPP)

bench-vhost: .installed .installed-vhost
	$(SUDO) $(BIN)/python -m bench.vhost

bench-openstack: .installed-openstack
	$(SUDO) .venv-openstack/bin/python -m bench.openstack

SECONDS ?= 600

fuzz: .installed
	$(SUDO) $(BIN)/python -m bench.fuzz --seconds $(SECONDS)

# What Debian and PyPI have to bring. Debian is asked only for what is not there.
.installed: pyproject.toml Makefile
	@missing=$$(dpkg-query -W -f '$${Status} $${Package}\n' $(APT) 2>/dev/null | grep -c '^install ok'); \
	if [ "$$missing" != "$(words $(APT))" ]; then \
	  echo "installing $(APT)"; $(SUDO) apt-get -qq update && $(SUDO) apt-get -qq install -y --no-install-recommends $(APT); fi
	@test -x $(BIN)/python || { echo "making a virtual environment in .venv"; $(PYTHON) -m venv .venv; }
	@echo "installing the Python packages that pyproject.toml names"
	@$(BIN)/pip install --quiet --disable-pip-version-check -e '.[test,bench]' -e examples/dscp-counter
	@touch .installed

# What vhost-user ports are compared with. Where Debian does not have it, the others are still measured.
.installed-vhost: Makefile
	@dpkg-query -W -f '$${Status}' openvswitch-switch-dpdk 2>/dev/null | grep -q '^install ok' || \
	{ echo "installing openvswitch-switch-dpdk"; $(SUDO) apt-get -qq update && \
	  $(SUDO) sh packaging/apt-quietly.sh openvswitch-switch-dpdk; } || echo "going on without openvswitch-switch-dpdk"
	@touch .installed-vhost

# The OpenStack lab's, apart: only that lab and its tests need them.
APT_OPENSTACK := python3 python3-venv iproute2 iputils-arping procps util-linux qemu-system-x86 busybox-static openssl \
                 curl etcd-server etcd-client mariadb-server-core mariadb-client-core rabbitmq-server dnsmasq-base dnsmasq-utils \
                 haproxy iptables conntrack

.installed-openstack: pyproject.toml Makefile
	@missing=$$(dpkg-query -W -f '$${Status} $${Package}\n' $(APT_OPENSTACK) 2>/dev/null | grep -c '^install ok'); \
	if [ "$$missing" != "$(words $(APT_OPENSTACK))" ]; then \
	  echo "installing $(APT_OPENSTACK)"; $(SUDO) apt-get -qq update && \
	  $(SUDO) sh packaging/apt-quietly.sh $(APT_OPENSTACK); fi
	@test -x .venv-openstack/bin/python || { echo "making a virtual environment in .venv-openstack"; \
	  $(PYTHON) -m venv .venv-openstack; }
	@echo "installing Neutron and the Python packages that pyproject.toml names, some minutes"
	@.venv-openstack/bin/pip install --quiet --disable-pip-version-check -e '.[test,openstack]'
	@touch .installed-openstack

clean:
	rm -rf .venv .venv-openstack .installed .installed-openstack .installed-vhost build dist src/*.egg-info
