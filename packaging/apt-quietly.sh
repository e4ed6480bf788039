#!/bin/sh
# apt-quietly.sh PACKAGE...: install Debian packages without starting the services in them, which Debian would do.
set -e
policy=/usr/sbin/policy-rc.d  # what invoke-rc.d asks: 101 is "no" (Debian Policy 9.3.3.1)
if [ ! -e $policy ]; then
    trap 'rm -f $policy' EXIT
    trap 'exit 1' INT TERM
    printf '#!/bin/sh\nexit 101\n' > $policy
    chmod 755 $policy
fi
apt-get -qq install -y --no-install-recommends "$@"
