"""systems: what `--system` names."""

from __future__ import annotations

from importlib.util import find_spec

from headrace.core.errors import ConfigError
from headrace.evaluation.online import System

#: What can be run; `blind:NAME` needs no recordings.
NAMES = ("watch", "openai", "blind:NAME")
BLIND = "blind:"


def system(name: str, url: str = "", model: str = "") -> System:
    """The system of that name.

    Args:
        url, model: of `openai`.

    Raises:
        ConfigError: there is none, an option does not go with it, or an extra is missing.
    """
    if name not in NAMES:
        raise ConfigError(f"unknown system {name!r}; use {', '.join(NAMES)}")
    if name != "openai" and (url or model):
        raise ConfigError(f"--url and --model go with --system openai, not with {name}")
    if find_spec("av") is None or find_spec("cv2") is None:
        raise ConfigError("running a system needs the extra media; run: pip install 'headrace[media]'")
    if name == "watch":
        from headrace.apps.evaluate.watching import Watch

        return Watch()
    if not url or not model:
        raise ConfigError("--system openai needs --url and --model")
    from headrace.apps.evaluate.endpoint import Endpoint
    from headrace.apps.evaluate.remote import OpenAI

    return OpenAI(Endpoint(url, model))
