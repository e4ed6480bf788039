"""``weft-api``: the binary API's description, as the files that VPP's clients read and as a page for people."""

from __future__ import annotations

import json
from pathlib import Path

import click

from weft.core import features
from weft.core.api.describe import describe
from weft.core.api.module import MODULES, Module, Service


@click.group()
def main() -> None:
    """Describe the binary API."""
    features.load()


@main.command("json")
@click.argument("folder", type=click.Path(file_okay=False, path_type=Path))
def write_json(folder: Path) -> None:
    """Write FOLDER/NAME.api.json for each module, as VPP installs them in /usr/share/vpp/api."""
    write_files(folder)
    click.echo(f"{len(MODULES)} modules written to {folder}")


def write_files(folder: Path) -> None:
    """A file for each module."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, module in sorted(MODULES.items()):
        (folder / f"{name}.api.json").write_text(json.dumps(describe(module), indent=4) + "\n")


@main.command("page")
def write_page() -> None:
    """Print which messages there are, in Markdown."""
    click.echo(page(), nl=False)


def page() -> str:
    """All modules' requests: what each is for, and whether it is implemented."""
    modules = [MODULES[name] for name in sorted(MODULES) if MODULES[name].services]
    done = sum(service.implemented for module in modules for service in module.services.values())
    every = sum(len(module.services) for module in modules)
    lines = [
        "# Messages of the binary API",
        "",
        "This page is made from the declarations: `weft-api page > docs/api-messages.md`.",
        "",
        f"Of {every} requests in {len(modules)} modules, {done} are implemented. The others are in the message table"
        " and answer `VNET_API_ERROR_UNIMPLEMENTED` (-9); a dump among them is empty.",
    ]
    for module in modules:
        lines += ["", *_section(module)]
    return "\n".join(lines) + "\n"


def _section(module: Module) -> list[str]:
    services = module.services.values()
    lines = [f"## {module.name} {module.version}", ""]
    if module.about:
        lines += [f"{module.about}.", ""]
    lines += ["| request | answer | what for |", "|---|---|---|"]
    lines += [_row(service) for service in services if service.implemented]
    missing = [service.request.name for service in services if not service.implemented]
    if missing:
        lines += ["", "Not implemented: " + ", ".join(f"`{name}`" for name in missing) + "."]
    return lines


def _row(service: Service) -> str:
    answers = [service.details, service.reply, *service.events]
    plain = f"{service.request.name}_reply"
    named = ", ".join(f"`{each.name}`" for each in answers if each is not None and each.name != plain)
    summary = service.request.doc.splitlines()[0] if service.request.doc else ""
    return f"| `{service.request.name}` | {named} | {summary} |"


if __name__ == "__main__":
    main()
