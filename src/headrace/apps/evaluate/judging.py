"""judging: the judge that `--judge` names."""

from __future__ import annotations

from headrace.apps.evaluate.endpoint import Endpoint
from headrace.core.errors import ConfigError
from headrace.evaluation.judges import Exact, Meaning, Model, Remembered, TokenF1

#: What `--judge` takes besides the address of a model.
NAMES = ("exact", "f1", "meaning")


def judge(spec: str | None, model: str = "") -> Remembered | None:
    """The judge, None for none.

    Args:
        spec: "exact", "f1", "meaning", or the address of an OpenAI-compatible model.
        model: its name there.

    Raises:
        ConfigError: there is no such judge, its extra is missing, or the address cannot be used.
    """
    if spec is None:
        if model:
            raise ConfigError("--judge-model names the model of an address; give that as --judge")
        return None
    if spec in NAMES and model:
        raise ConfigError(f"--judge-model goes with the address of a model, not with --judge {spec}")
    if spec == "exact":
        return Remembered(Exact())
    if spec == "f1":
        return Remembered(TokenF1())
    if spec == "meaning":
        from headrace.understanding.meaning import MiniLM

        return Remembered(Meaning(MiniLM(), "MiniLM cosine"))
    if "://" not in spec:
        raise ConfigError(f"unknown judge {spec!r}; use {', '.join(NAMES)} or http(s)://host:port of a model")
    if not model:
        raise ConfigError("a judge behind an address needs --judge-model, the model's name there")
    return Remembered(Model(Endpoint(spec, model, max_tokens=16).complete, model))
