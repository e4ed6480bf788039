"""Commands of layer 2."""

from weft.features.l2 import cli_domain, cli_fib, cli_port

__all__ = ["cli_domain", "cli_fib", "cli_port"]
