"""SileroVad: how likely each 32 ms of sound is to be speech, by a small trained network.

Nothing is fetched at run time: the weights are the file `silero_vad_16k.safetensors` of the package `silero-vad`
(Silero Team, https://github.com/snakers4/silero-vad, MIT), read without importing the package, whose import
changes the threads of torch. The network: frames of 512 samples after 64 of context, a Fourier basis as a
convolution (256 samples, hop 128), magnitudes, four convolutions with ReLU, one LSTM cell, one sigmoid.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Self

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn
from torch.nn import functional

from headrace.core.errors import ConfigError, InputError
from headrace.core.stateful import Snapshot
from headrace.media.activity import FRAME
from headrace.media.heard import RATE

#: Samples of a frame that the one before it ended with.
CONTEXT = 64
WINDOW, HOP, BINS, HIDDEN = 256, 128, 129, 128
#: Frames that a whole file puts through the convolutions at once.
BATCH = 1024


@dataclass(slots=True)
class VadState:
    """What the network remembers of B streams; rows may be of any age, a row of zeros is a stream's beginning.

    Attributes:
        context: float32 [B, 64], the last samples of the frame before.
        hidden, cell: float32 [B, 128].
    """

    context: Tensor
    hidden: Tensor
    cell: Tensor

    @classmethod
    def start(cls, streams: int = 1) -> Self:
        """The state of streams that have not begun."""
        return cls(torch.zeros(streams, CONTEXT), torch.zeros(streams, HIDDEN), torch.zeros(streams, HIDDEN))


@contextmanager
def _one_thread() -> Iterator[None]:
    """A frame is too small to share out: two threads take ten times as long as one, and more on a busy machine."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)


class SileroVad(nn.Module):
    """The network for 16 kHz; it keeps no state, so one serves any number of streams at once.

    Args:
        weights: a safetensors file; None takes that of the package `silero-vad`.

    Raises:
        ConfigError: the package is missing, or the file is not that of this network.
    """

    def __init__(self, weights: Path | None = None) -> None:
        super().__init__()
        self.stft_conv = nn.Conv1d(1, 2 * BINS, WINDOW, stride=HOP, bias=False)
        self.conv1 = nn.Conv1d(BINS, 128, 3, padding=1)
        self.conv2 = nn.Conv1d(128, 64, 3, stride=2, padding=1)
        self.conv3 = nn.Conv1d(64, 64, 3, stride=2, padding=1)
        self.conv4 = nn.Conv1d(64, 128, 3, padding=1)
        self.lstm_cell = nn.LSTMCell(128, HIDDEN)
        self.final_conv = nn.Conv1d(HIDDEN, 1, 1)
        self._load(weights or packaged_weights())
        self.eval().requires_grad_(False)

    @_one_thread()
    @torch.no_grad()
    def step(self, frames: Tensor, state: VadState) -> tuple[Tensor, VadState]:
        """The next frame of each of B streams.

        Args:
            frames: float32 [B, 512], -1 to 1.
            state: what the step before gave; it is not changed.

        Returns:
            Probabilities of speech, float32 [B], and the state after the frames. No row depends on another.

        Raises:
            InputError: the frames are not [B, 512], or of another B than the state.
        """
        if frames.ndim != 2 or frames.shape[1] != FRAME or frames.shape[0] != state.context.shape[0]:
            raise InputError(
                f"voice activity: frames of shape {list(frames.shape)} for {state.context.shape[0]} streams; "
                f"give one frame of {FRAME} samples at {RATE} Hz to each"
            )
        features = self._features(torch.cat([state.context, frames], dim=1))
        hidden, cell = self.lstm_cell(features, (state.hidden, state.cell))
        return self._judge(hidden), VadState(frames[:, -CONTEXT:].clone(), hidden, cell)

    @_one_thread()
    @torch.no_grad()
    def probabilities(self, samples: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        """Of a whole recording: float32 [n // 512] of float32 [n]; samples after the last whole frame are left out."""
        count = len(samples) // FRAME
        sound = torch.from_numpy(np.concatenate([np.zeros(CONTEXT, np.float32), samples[: count * FRAME]]))
        state, found = VadState.start(), [torch.zeros(0)]
        if count:
            for frames in sound.unfold(0, CONTEXT + FRAME, FRAME).split(BATCH):
                for features in self._features(frames).split(1):
                    state.hidden, state.cell = self.lstm_cell(features, (state.hidden, state.cell))
                    found.append(self._judge(state.hidden))
        return torch.cat(found).numpy()

    def _features(self, frames: Tensor) -> Tensor:
        """Float32 [B, 128] of frames with their context [B, 576]."""
        padded = functional.pad(frames[:, None], (0, CONTEXT), "reflect")
        real, imaginary = self.stft_conv(padded).split(BINS, dim=1)
        x = torch.sqrt(real.square() + imaginary.square())
        for layer in (self.conv1, self.conv2, self.conv3, self.conv4):
            x = functional.relu(layer(x))
        return x[..., 0]

    def _judge(self, hidden: Tensor) -> Tensor:
        return torch.sigmoid(self.final_conv(functional.relu(hidden)[..., None]))[:, 0, 0]

    def _load(self, path: Path) -> None:
        from safetensors import SafetensorError
        from safetensors.torch import load_file

        try:
            self.load_state_dict(load_file(str(path)))
        except (OSError, SafetensorError, RuntimeError) as error:
            reason = " ".join(str(error).split())[:200]
            raise ConfigError(f"{path} does not hold the 16 kHz silero-vad ({reason}); reinstall silero-vad") from error


class VadStream:
    """One stream through a shared network, a frame at a time; Stateful."""

    def __init__(self, network: SileroVad) -> None:
        self._network = network
        self.reset()

    def reset(self) -> None:
        self._state = VadState.start()

    def hear(self, frame: npt.NDArray[np.float32]) -> float:
        """Probability of speech in the next frame, float32 [512]."""
        found, self._state = self._network.step(torch.from_numpy(frame)[None], self._state)
        return float(found[0])

    # -- Stateful -----------------------------------------------------------------------------

    def snapshot(self) -> Snapshot:
        state = self._state
        named = {"context": state.context, "hidden": state.hidden, "cell": state.cell}
        return Snapshot("vad-stream", {}, {name: tensor.numpy().copy() for name, tensor in named.items()})

    def restore(self, snapshot: Snapshot) -> None:
        arrays = snapshot.expect("vad-stream").arrays
        self._state = VadState(*(torch.from_numpy(arrays[name].copy()) for name in ("context", "hidden", "cell")))

    def fork(self) -> Self:
        other = type(self)(self._network)
        other._state = self._state  # its tensors are never changed
        return other

    def nbytes(self) -> int:
        return 4 * (CONTEXT + 2 * HIDDEN)

    def max_bytes(self) -> int:
        return self.nbytes()


def packaged_weights() -> Path:
    """The weights that the package `silero-vad` brings; ConfigError if it is not installed."""
    spec = find_spec("silero_vad")
    folders = list(spec.submodule_search_locations or ()) if spec else []
    path = Path(folders[0], "data", "silero_vad_16k.safetensors") if folders else None
    if path is None or not path.is_file():
        raise ConfigError("hearing speech needs the audio extra: pip install 'headrace[audio]'")
    return path
