"""Commands about the binary API."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from weft.core.api.calls import Calls
from weft.core.cli import command
from weft.features.memclnt.model import ApiTrace, below_tmp, table_lines
from weft.features.vlib.format import joined

if TYPE_CHECKING:
    from weft.core.engine import Engine


@command("api trace", "(on | off | free | nitems <nitems:u32>)", help="Keep the API's requests, or not; forget them")
def api_trace(
    engine: Engine, on: bool = False, off: bool = False, free: bool = False, nitems: int | None = None
) -> None:
    trace = engine[ApiTrace]
    if free:
        trace.kept.clear()
    elif nitems is not None:
        trace.resize(nitems)
    else:
        trace.set(on)


@command("api trace save", "<name:word>", help="Write the kept requests to the file /tmp/NAME")
def api_trace_save(engine: Engine, name: str) -> str:
    path = below_tmp(name)
    return f"API trace of {engine[ApiTrace].save(path)} requests saved to {path}"


@command("api trace dump", "[<name:word>]", help="Show the kept requests, or those in the file /tmp/NAME")
def api_trace_dump(engine: Engine, name: str | None = None) -> str:
    trace = engine[ApiTrace]
    records = list(trace.kept) if name is None else trace.load(below_tmp(name))
    return joined(
        f"{time.strftime('%H:%M:%S', time.localtime(each.time))} {each.client}: {trace.describe(each)}"
        for each in records
    )


@command("api trace replay", "<name:word>", help="Carry out the requests in the file /tmp/NAME")
def api_trace_replay(engine: Engine, name: str) -> str:
    trace = engine[ApiTrace]
    outcomes = trace.replay(trace.load(below_tmp(name)))
    return joined(f"{trace.describe(each)}: {how}" for each, how in outcomes)


@command("show api trace-status", help="Show whether requests are kept, and how many are")
def show_api_trace_status(engine: Engine) -> str:
    trace = engine[ApiTrace]
    return f"RX trace {'enabled' if trace.on else 'disabled'}: {len(trace.kept)} of {trace.kept.maxlen} requests kept\n"


@command("show api clients", help="Show who is connected to the API")
def show_api_clients(engine: Engine) -> str:
    clients = engine[Calls].clients
    if not clients:
        return "no API clients are connected\n"
    return joined([f"{'Name':<40}{'Index':>7}", *(f"{each.name:<40}{each.index:>7}" for each in clients.values())])


@command("show api message-table", "[verbose]", help="Show the API's messages and their numbers")
def show_api_message_table(engine: Engine, verbose: bool = False) -> str:
    return joined(table_lines(engine[Calls].table, verbose))


@command("show api plugin", help="Show the API's modules and where their messages begin")
def show_api_plugin(engine: Engine) -> str:
    table = engine[Calls].table
    rows = [f"{'Module':<24}{'Version':<10}{'First ID':>9}{'Messages':>10}"]
    for module in table.modules:
        rows.append(f"{module.name:<24}{module.version:<10}{table.first_of(module.name):>9}{len(module.messages):>10}")
    return joined(rows)
