"""`headrace doctor` and `headrace config`."""

from __future__ import annotations

from typing import Annotated

import typer

Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command("doctor")(doctor)
    app.command("config")(config)


def doctor(as_json: Json = False) -> None:
    """Show versions, devices and optional parts, and the command that brings what is absent.

    Examples:

      headrace doctor

      headrace doctor --json
    """
    from headrace.cli_output import print_json, print_table
    from headrace.doctor import examine

    report = examine()
    if as_json:
        print_json(report.to_json())
        return
    rows = [("headrace", report.headrace, ""), ("python", report.python, report.platform)]
    rows += [(name, found or "absent", "") for name, found in report.packages.items()]
    rows += [("cores", str(report.cpus), ""), ("devices", ", ".join(report.devices) or "none", "")]
    for part in report.parts:
        versions = ", ".join(f"{name} {found or 'absent'}" for name, found in part.versions.items())
        advice = part.use if part.present else f"{part.use}: {part.install}"
        rows.append((f"part {part.name}", versions, advice))
    print_table(("what", "found", "note"), rows)


def config(as_json: Json = False) -> None:
    """Print the settings in force as TOML, with what each means and where it came from.

    Examples:

      headrace config

      headrace config > night.toml

      HEADRACE_CONFIG=night.toml headrace config --json
    """
    from headrace.cli_output import print_json
    from headrace.config import find_config, load_config

    path = find_config()
    settings = load_config(path)
    if as_json:
        file = None if path is None else str(path)
        print_json({"file": file, "settings": settings.settings(), "from": dict(settings.sources)})
    else:
        typer.echo(settings.to_toml(), nl=False)
