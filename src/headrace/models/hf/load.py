"""Load: a model by path, by hub id, or of those that ship."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from importlib.resources import files
from pathlib import Path
from typing import Any

import torch

from headrace.core.errors import ConfigError, HeadraceError, InputError
from headrace.models.hf.fingerprint import fingerprint
from headrace.models.hf.int8 import int8_linear
from headrace.models.hf.lm import LM

#: How models that ship are addressed.
ZOO = "zoo:"


def load(
    path_or_id: str | Path,
    *,
    dtype: str | torch.dtype | None = None,
    device: str | torch.device | None = None,
    optimize: bool = False,
) -> LM:
    """Load a model of transformers and attach it.

    Weights are read as safetensors, or with `weights_only`; code that comes with a checkpoint is never run. Loading
    ends with a self-check (see `Attached`).

    Args:
        path_or_id: a folder, a hub id, or "zoo:NAME" for a model that ships (`zoo:tiny-llama`).
        dtype: of weights and entries, such as "bfloat16"; None: the checkpoint's on CUDA, float32 on the CPU. Snapshots
            are taken up under the dtype that they were made with.
        device: None: "cuda" if there is one, else "cpu".
        optimize: int8 linear layers (see `int8`): less memory, another rounding.

    Raises:
        InputError: there is no such model, or its files are damaged.
        ConfigError: dtype or device are unknown, or transformers is not installed.
        Unstreamable: the model cannot run as a stream.
    """
    try:
        from transformers import AutoConfig, AutoTokenizer
    except ImportError:
        raise ConfigError("language models need transformers: pip install 'headrace[hf]'") from None
    name = str(path_or_id)
    place = _zoo(name.removeprefix(ZOO)) if name.startswith(ZOO) else _place(name)
    where = _device(device)
    try:
        config = AutoConfig.from_pretrained(place, trust_remote_code=False)
        with _no_progress_bar():
            model, found = _class_of(config).from_pretrained(
                place,
                dtype=_dtype(dtype, where),
                trust_remote_code=False,
                attn_implementation="eager",
                output_loading_info=True,
            )
        missing = sorted(found["missing_keys"]) + sorted(map(str, found["mismatched_keys"]))
        if missing:
            raise InputError(f"{name} is not whole: {len(missing)} tensors are missing, such as {missing[0]}")
        tokenizer = AutoTokenizer.from_pretrained(place, trust_remote_code=False) if _has_tokenizer(place) else None
    except InputError as error:
        raise InputError(f"{name}: {error}") from None
    except HeadraceError:
        raise
    except (OSError, ValueError, KeyError, RuntimeError, ImportError, TypeError) as error:
        raise InputError(f"{name} cannot be loaded: {_line(error)}") from error
    except Exception as error:  # safetensors and tokenizers raise classes of their own
        raise InputError(f"{name} is damaged: {_line(error)}") from error
    lm = LM(model.eval().to(where), tokenizer, name)
    if optimize:
        lm.report.notes.append(f"{int8_linear(model)} linear layers in int8")
        lm.fingerprint = fingerprint(model)
    return lm


def _zoo(name: str) -> str:
    shipped = files("headrace").joinpath("zoo")
    names = sorted(entry.name for entry in shipped.iterdir() if entry.joinpath("config.json").is_file())
    if name not in names:
        raise InputError(f"{ZOO}{name} does not ship; there are {', '.join(ZOO + n for n in names)}")
    return str(shipped.joinpath(name))


def _place(name: str) -> str:
    """A folder that is there, or a hub id, which has one slash at most."""
    folder = Path(name).expanduser()
    if name and folder.is_dir():
        return str(folder)
    if not name or folder.exists() or name.startswith(("/", ".", "~")) or name.count("/") > 1:
        raise InputError(f"{name!r} is no folder with a model; give one, a hub id (owner/name) or {ZOO}NAME")
    return name


def _class_of(config: Any) -> Any:
    """The automatic class that a config's architecture belongs to."""
    from transformers import AutoModelForCausalLM, AutoModelForSeq2SeqLM, AutoModelForSpeechSeq2Seq

    classes = (AutoModelForCausalLM, AutoModelForSpeechSeq2Seq, AutoModelForSeq2SeqLM)
    for auto in classes[1:] if config.is_encoder_decoder else classes:
        if type(config) in auto._model_mapping:
            return auto
    raise InputError(f"a model of type {config.model_type!r} is no language model that headrace can attach")


@contextmanager
def _no_progress_bar() -> Iterator[None]:
    """transformers draws a bar for every load; ours are short, or the caller shows its own."""
    from transformers.utils import logging

    shown = logging.is_progress_bar_enabled()
    logging.disable_progress_bar()
    try:
        yield
    finally:
        if shown:
            logging.enable_progress_bar()


def _has_tokenizer(place: str) -> bool:
    folder = Path(place)
    return not folder.is_dir() or any(folder.glob("token*"))


def _device(device: str | torch.device | None) -> torch.device:
    if device is None:
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        found = torch.empty(0, device=device).device
        if found.type == "meta":
            raise RuntimeError("it holds no numbers")
        return found
    except (RuntimeError, AssertionError) as error:
        raise ConfigError(f"device {str(device)!r} is not there: {_line(error)}") from None


def _dtype(dtype: str | torch.dtype | None, device: torch.device) -> Any:
    if dtype is None:
        return "auto" if device.type == "cuda" else torch.float32
    found = getattr(torch, dtype, None) if isinstance(dtype, str) else dtype
    if found not in (torch.float32, torch.bfloat16, torch.float16, torch.float64):
        raise ConfigError(f"dtype {str(dtype)!r} is unknown; use float32, bfloat16, float16 or float64")
    return found


def _line(error: Exception) -> str:
    return next((line.strip() for line in str(error).splitlines() if line.strip()), type(error).__name__)
