# make lab · make test · make bench · make fuzz; see README.md.

PYTHON ?= python3
BIN := .venv/bin
APT := python3 python3-venv iproute2 iputils-ping iperf3 qemu-system-x86 busybox-static dpdk-dev librte-net-virtio23 \
       librte-net-vhost23 etcd-server openssl
SUDO := $(if $(filter 0,$(shell id -u)),,sudo)

# Engines that tests start in processes of their own are compiled from source again and again otherwise.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: lab lab-down test lint bench fuzz clean

lab: .installed
	$(SUDO) $(BIN)/python -m weft.lab up

lab-down: .installed
	$(SUDO) $(BIN)/python -m weft.lab down

test: .installed lint
	$(SUDO) $(BIN)/python -m pytest -n 2 --dist loadfile

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

clean:
	rm -rf .venv .installed build dist src/*.egg-info
