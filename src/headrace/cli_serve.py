"""`headrace serve`."""

from __future__ import annotations

import os
import sys
from importlib.util import find_spec
from ipaddress import ip_address
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from headrace.cli_output import print_json_line, printable, warn
from headrace.core.errors import ConfigError

if TYPE_CHECKING:
    import socket

    from headrace.engine.spec import Spec
    from headrace.server.keys import Keys
    from headrace.server.settings import Settings

#: What serving needs of the extra `server`.
NEEDS = ("fastapi", "uvicorn", "prometheus_client", "websockets")


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("serve")(serve)


def serve(
    model: Annotated[str, typer.Argument(metavar="MODEL", help="A folder, a hub id, or one that ships: zoo:NAME.")],
    host: Annotated[str, typer.Option(help="Address to listen at; this machine alone unless told.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="0 for any that is free.")] = 8000,
    workers: Annotated[
        int | None, typer.Option(min=1, max=1024, help="Processes that run sessions; default one a core, or one GPU.")
    ] = None,
    state: Annotated[
        Path | None, typer.Option(metavar="FOLDER", help="Durable sessions are kept there and outlive a crash.")
    ] = None,
    api_key: Annotated[
        Path | None, typer.Option(metavar="FILE", help="One API key a line; else those of $HEADRACE_API_KEYS.")
    ] = None,
    scheduler: Annotated[
        str, typer.Option(help="Which work runs next: split-fuse, least-slack, edf, fair, fcfs, density, …")
    ] = "split-fuse",
    max_sessions: Annotated[int, typer.Option(min=1, help="Sessions that are taken, all keys together.")] = 1024,
    budget: Annotated[
        int, typer.Option(min=0, help="Tokens that a session keeps at most unless it says; 0: the model's default.")
    ] = 0,
    device: Annotated[str | None, typer.Option(help="cpu, cuda, cuda:1; default cuda if there is one.")] = None,
    dtype: Annotated[str | None, typer.Option(help="float32, bfloat16; default the checkpoint's on CUDA.")] = None,
    int8: Annotated[
        bool, typer.Option("--int8", help="int8 linear layers: quicker on a CPU, another rounding.")
    ] = False,
    drain: Annotated[float, typer.Option(min=0.001, help="Seconds for replies under way when it is stopped.")] = 10.0,
    name: Annotated[str, typer.Option(help="Name under which the model is offered; default its own.")] = "",
    as_json: Annotated[bool, typer.Option("--json", help="Print one line of JSON when it is ready.")] = False,
) -> None:
    """Serve a language model over HTTP: OpenAI's chat and completions, and live sessions that never end.

    It listens on this machine alone unless --host says otherwise. Ctrl-C or SIGTERM lets replies end for --drain seconds;
    a second one ends them at once.

    Examples:

      headrace serve zoo:tiny-llama

      headrace serve Qwen/Qwen3-0.6B --workers 4 --state sessions

      headrace serve ./model --host 0.0.0.0 --api-key keys.txt

      curl 127.0.0.1:8000/v1/chat/completions -H 'content-type: application/json' -d '{"messages": [{"role": "user", "content": "hello"}]}'
    """  # noqa: E501
    lacking = [module for module in NEEDS if find_spec(module) is None]
    if lacking:
        raise ConfigError(f"serving needs {', '.join(lacking)}; run: pip install 'headrace[server,hf]'")
    from headrace.engine.schedulers.registry import scheduler_of
    from headrace.engine.spec import Spec
    from headrace.server.keys import load_keys
    from headrace.server.run import bind
    from headrace.server.settings import Settings

    if state is not None and state.exists() and not state.is_dir():
        raise ConfigError(f"{state} is no folder; give another --state")
    keys = load_keys(api_key, os.environ.get("HEADRACE_API_KEYS"))
    settings = Settings(model=name, folder=str(state or ""), budget=budget, drain=drain)
    count = _workers(device) if workers is None else workers
    spec = Spec(
        model, dtype=dtype, device=device, optimize=int8, scheduler=scheduler, sessions=max_sessions,
        folder=str(state / "engine") if state else None,
    )  # fmt: skip
    scheduler_of(scheduler)
    with bind(host, port) as listener:
        if not keys.wanted and not loopback(host):
            warn(f"{host} is open to others and no API key is wanted; give --api-key FILE")
        if state is not None:
            state.mkdir(mode=0o700, parents=True, exist_ok=True)
        _serve(spec, count, settings, keys, listener, as_json)


def _serve(
    spec: Spec, workers: int, settings: Settings, keys: Keys, listener: socket.socket, as_json: bool
) -> None:  # fmt: skip
    import asyncio
    import logging

    from headrace.engine.pool import start
    from headrace.server.run import address, run

    url = address(listener)
    logging.basicConfig(level=logging.WARNING, format="headrace: %(levelname)s: %(message)s")

    async def main() -> None:
        pool = await start(spec, workers)

        def ready() -> None:
            offered = settings.model or str(pool.model["name"])
            if as_json:
                print_json_line(
                    {"type": "ready", "url": url, "model": offered, "workers": workers, "pid": os.getpid()}
                )  # fmt: skip
            else:
                by = f"{workers} worker{'s' * (workers > 1)}"
                typer.echo(f"{printable(offered)} is served at {url}/v1 by {by}; Ctrl-C stops it")
                sys.stdout.flush()

        await run(pool, settings, keys, listener, ready)

    asyncio.run(main())


def _workers(device: str | None) -> int:
    """One for each core that this process may use; where there are GPUs to use, one for each of these."""
    gpus = len(list(Path("/dev").glob("nvidia[0-9]*")))
    if device in (None, "cuda") and gpus:
        return gpus
    if device not in (None, "cpu"):
        return 1
    affinity = getattr(os, "sched_getaffinity", None)
    return len(affinity(0)) if affinity else os.cpu_count() or 1


def loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
