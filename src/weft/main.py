"""``weft-engine``: the engine as a process, with ``vpp``'s command line.

    weft-engine -c startup.conf
    weft-engine unix { nodaemon cli-listen /tmp/cli.sock } cpu { workers 2 }

Unless told ``nodaemon`` or ``interactive`` it goes to the background once it is ready; if it cannot start, the command
says why and fails.
"""

from __future__ import annotations

import gc
import sys

from weft.core import features
from weft.core.cli import CliError
from weft.core.compiler import CompileError
from weft.core.config import Config, ConfigError, Logging, Plugins, Unix
from weft.process import daemon, log
from weft.process.signals import Signals


def main() -> None:
    """Read the configuration, start, and serve until told to stop."""
    gc.disable()  # what a start makes stays: looking through it for garbage takes a tenth of the time
    try:
        config = Config.from_arguments(sys.argv[1:])
        unix = config[Unix]
        ready = (lambda: None) if unix.nodaemon or unix.interactive else daemon.detach()
        signals = Signals()
        log.begin(unix, config[Logging])
        features.choose(config[Plugins].wants)
        from weft.process.run import run  # which loads the features

        run(config, signals, ready)
    except (ConfigError, CliError, CompileError, OSError, MemoryError, ValueError) as error:
        log.failed(str(error) or type(error).__name__)


if __name__ == "__main__":
    main()
