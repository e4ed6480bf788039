# make lab · make test · make bench · make fuzz; see README.md.

PYTHON ?= python3
BIN := .venv/bin
APT := python3 python3-venv iproute2 iputils-ping iperf3 qemu-system-x86 busybox-static dpdk-dev librte-net-virtio23 \
       librte-net-vhost23 etcd-server openssl libvirt-daemon libvirt-daemon-driver-qemu \
       libvirt-clients
SUDO := $(if $(filter 0,$(shell id -u)),,sudo)

# Engines that tests start in processes of their own are compiled from source again and again otherwise.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: lab lab-down lab-vxlan lab-vxlan-down lab-openstack test test-openstack lint bench fuzz clean

lab: .installed
	$(SUDO) $(BIN)/python -m weft.lab up

lab-down: .installed
	$(SUDO) $(BIN)/python -m weft.lab down

lab-vxlan: .installed
	$(SUDO) $(BIN)/python -m weft.lab vxlan-up

lab-vxlan-down: .installed
	$(SUDO) $(BIN)/python -m weft.lab vxlan-down

lab-openstack: .installed .installed-openstack
	$(SUDO) $(BIN)/python -m weft_openstack.lab

test: .installed lint
	$(SUDO) $(BIN)/python -m pytest -n 2 --dist loadfile

# The driver inside a real Neutron: some minutes, and a virtual environment of its own.
test-openstack: .installed .installed-openstack
	$(SUDO) env WEFT_NEUTRON=$(CURDIR)/.venv-openstack $(BIN)/python -m pytest tests/openstack

lint: .installed
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

bench: .installed
	$(BIN)/python -m bench

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
	@$(BIN)/pip install --quiet --disable-pip-version-check -e '.[test]' -e examples/dscp-counter
	@touch .installed

APT_OPENSTACK := mariadb-server rabbitmq-server dnsmasq-base haproxy iptables ebtables ipset conntrack keepalived \
                 iputils-arping gcc python3-dev

.installed-openstack: .installed pyproject.toml Makefile
	@$(SUDO) apt-get -qq update && $(SUDO) apt-get -qq install -y --no-install-recommends $(APT_OPENSTACK)
	@test -x .venv-openstack/bin/python || $(PYTHON) -m venv .venv-openstack
	@echo "installing Neutron in .venv-openstack"
	@.venv-openstack/bin/pip install --quiet --disable-pip-version-check -e '.[neutron]' pymysql uwsgi
	@touch .installed-openstack

clean:
	rm -rf .venv .venv-openstack .installed .installed-openstack build dist src/*.egg-info
