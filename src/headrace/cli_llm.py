"""The options of commands that answer questions: who words the answers, and search by meaning."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from headrace.core.errors import ConfigError

if TYPE_CHECKING:
    from headrace.config import Config
    from headrace.understanding.extractive import Answers

Llm = Annotated[
    str | None,
    typer.Option(help="Base URL of an OpenAI-compatible server that words the answers (key: $HEADRACE_LLM_KEY)."),
]
Meaning = Annotated[bool, typer.Option("--meaning", help="Search by meaning too (extra: meaning).")]


def choose_responder(url: str | None, config: Config) -> Answers | None:
    """Who words the answers, or None to quote.

    Evidence and the key go to that server, so a settings file that merely lies in the current folder, which
    another may have put there, cannot name it.
    """
    settings, origin = config.watch, config.sources.get("watch.llm")
    here = origin is not None and Path(origin) == Path.cwd() / "headrace.toml"
    if url is None and settings.llm and here and "HEADRACE_CONFIG" not in os.environ:
        raise ConfigError(
            "headrace.toml in this folder names an llm server; give it as --llm, or in your own settings file"
        )
    if not (url or settings.llm):
        return None
    from headrace.understanding.llm import Remote

    return Remote(url or settings.llm, settings.llm_model, settings.llm_timeout)
