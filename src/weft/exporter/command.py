"""``weft-exporter``: options, and the process."""

from __future__ import annotations

import asyncio
import logging
import signal
import sys

import click
from prometheus_client.exposition import generate_latest

from weft.exporter.metrics import wanted
from weft.exporter.scrape import Forwarder, Settings, registry
from weft.exporter.server import Exporter

log = logging.getLogger("weft.exporter")

#: All, without what grows with the routes.
DEFAULT_PATTERNS = ("(?!/net/)",)
DEFAULT_SOCKET = "/run/vpp/stats.sock"
DEFAULT_LISTEN = ":9482"


def address(text: str) -> tuple[str | None, int]:
    """Of ``host:port``, ``[host]:port`` or ``:port``, which is on all addresses. Raises ValueError."""
    host, colon, port = text.rpartition(":")
    if not colon or not port.isdecimal() or int(port) > 65535:
        raise ValueError(f"`{text}' is no address to listen on, such as 127.0.0.1:9482 or :9482")
    return host.strip("[]") or None, int(port)


@click.command()
@click.argument("patterns", nargs=-1)
@click.option(
    "--socket", default=DEFAULT_SOCKET, envvar="WEFT_STATS_SOCKET", show_default=True, help="The statistics socket."
)
@click.option("--listen", default=DEFAULT_LISTEN, show_default=True, help="Where to serve, host:port or :port.")
@click.option("--sum-threads", is_flag=True, help="One number for all threads, without the label `thread'.")
@click.option("--zero-errors", is_flag=True, help="Errors too that have never occurred.")
@click.option(
    "--max-age",
    default=1.0,
    show_default=True,
    type=click.FloatRange(0, 3600),
    help="Seconds for which one look at the forwarder serves all who ask.",
)
@click.option(
    "--timeout", default=5.0, show_default=True, type=click.FloatRange(0.1, 60), help="Seconds for one look at it."
)
@click.option(
    "--max-clients", default=32, show_default=True, type=click.IntRange(1, 1024), help="Requests at the same time."
)
@click.option("--print", "once", is_flag=True, help="Print the metrics once, and serve nobody.")
def main(
    patterns: tuple[str, ...],
    socket: str,
    listen: str,
    sum_threads: bool,
    zero_errors: bool,
    max_age: float,
    timeout: float,
    max_clients: int,
    once: bool,
) -> None:
    """Serve the statistics of a forwarder, Weft or VPP, to Prometheus.

    PATTERNS are regular expressions: entries of the statistics segment that begin so are served. Without any, all are
    but those of routes and adjacencies (/net/).
    """
    try:
        host, port = address(listen)
        settings = Settings(socket, wanted(patterns or DEFAULT_PATTERNS), sum_threads, zero_errors, timeout, max_age)
    except ValueError as error:
        raise click.UsageError(str(error)) from None
    logging.basicConfig(format="%(levelname)s %(name)s: %(message)s", level=logging.INFO)
    forwarder = Forwarder(settings)
    if once:
        click.echo(generate_latest(registry(forwarder)).decode(), nl=False)
        sys.exit(0 if forwarder.up else 1)
    try:
        asyncio.run(serve(forwarder, max_clients, host, port))
    except OSError as error:
        sys.exit(f"weft-exporter: cannot listen on {listen}: {error.strerror or error}")


async def serve(forwarder: Forwarder, max_clients: int, host: str | None, port: int) -> None:
    """Serve until SIGTERM or SIGINT. Raises OSError."""
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    exporter = Exporter(forwarder, max_clients)
    port = await exporter.start(host, port)
    log.info("the statistics of %s are at http://%s:%d/metrics", forwarder.settings.socket, host or "[::]", port)
    await stop.wait()
    await exporter.stop()


if __name__ == "__main__":
    main()
