"""The speech network: a stream equals the file, rows do not meet, and what is missing is said."""

import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from headrace.core.errors import ConfigError, InputError
from headrace.media import vad
from headrace.media.activity import FRAME
from headrace.media.framer import Framer
from headrace.media.heard import RATE
from headrace.media.vad import SileroVad, VadState, VadStream
from tests.media.narration import SPEAKS, Samples, music, noise, say, scene

needs_weights = pytest.mark.skipif(find_spec("silero_vad") is None, reason="needs silero-vad")
needs_speech = pytest.mark.skipif(not SPEAKS, reason="needs espeak-ng")


@pytest.fixture(scope="module")
def network() -> SileroVad:
    return SileroVad()


def by_chunks(network: SileroVad, samples: Samples, seed: int) -> np.ndarray:
    random, framer, stream = np.random.default_rng(seed), Framer(FRAME, RATE), VadStream(network)
    at, found = 0, []
    while at < len(samples):
        size = int(random.choice([1, 7, 160, 511, 512, 513, 1600, 5000]))
        found += [stream.hear(frame) for _, frame in framer.cut(0, samples[at : at + size])]
        at += size
    return np.array(found, np.float32)


@needs_weights
@pytest.mark.parametrize("seed", [1, 2])
def test_a_stream_equals_the_whole_file(network: SileroVad, seed: int) -> None:
    samples = scene(4.0, seed)
    whole = network.probabilities(samples)
    assert whole.shape == (len(samples) // FRAME,)
    assert whole.std() > 0.05  # there is something to compare
    np.testing.assert_allclose(by_chunks(network, samples, seed), whole, atol=1e-5)


@needs_weights
def test_many_streams_in_one_call_equal_each_alone(network: SileroVad) -> None:
    sounds = torch.from_numpy(np.stack([scene(1.0, seed) for seed in range(32)])).unfold(1, FRAME, FRAME)
    alone = [VadState.start() for _ in range(32)]
    for row in range(32):  # each has its own age
        for step in range(row % 7):
            _, alone[row] = network.step(sounds[row : row + 1, step], alone[row])
    together = VadState(*(torch.cat([getattr(s, n) for s in alone]) for n in ("context", "hidden", "cell")))
    for step in range(10, 20):
        found, together = network.step(sounds[:, step], together)
        for row in range(32):
            one, alone[row] = network.step(sounds[row : row + 1, step], alone[row])
            assert abs(float(one) - float(found[row])) < 1e-5


@needs_weights
def test_a_row_that_is_reset_or_not_a_number_leaves_the_others(network: SileroVad) -> None:
    sounds = torch.from_numpy(np.stack([scene(1.0, seed) for seed in range(32)])).unfold(1, FRAME, FRAME)

    def run(spoil: bool) -> torch.Tensor:
        state, found = VadState.start(32), []
        for step in range(20):
            frames = sounds[:, step].clone()
            if spoil and step == 5:
                frames[3] = float("nan")
                for tensor in (state.context, state.hidden, state.cell):
                    tensor[9] = 0.0
            one, state = network.step(frames, state)
            found.append(one)
        return torch.stack(found)

    clean, spoilt = run(False), run(True)
    others = [row for row in range(32) if row not in (3, 9)]
    assert torch.equal(clean[:, others], spoilt[:, others])
    assert torch.isnan(spoilt[5:, 3]).all()
    assert not torch.equal(clean[:, 9], spoilt[:, 9])


@needs_weights
def test_a_step_leaves_the_state_it_was_given(network: SileroVad) -> None:
    state = VadState.start()
    network.step(torch.from_numpy(scene(0.1)[None, :FRAME]), state)
    assert not state.context.any()
    assert not state.hidden.any()
    assert not state.cell.any()


@needs_weights
@needs_speech
def test_speech_is_told_from_noise_and_music(network: SileroVad) -> None:
    speech = network.probabilities(say("the kettle in the kitchen is boiling over"))
    assert np.mean(speech > 0.5) > 0.8
    for other in (
        noise(3 * RATE, 1),
        noise(3 * RATE, 2, pink=True),
        music(3 * RATE, 3),
        np.zeros(3 * RATE, np.float32),
    ):
        assert np.mean(network.probabilities(other * np.float32(0.05)) > 0.5) < 0.1


@needs_weights
def test_a_frame_takes_one_thread_and_leaves_the_setting(network: SileroVad) -> None:
    threads, seen = torch.get_num_threads(), []
    hook = network.conv1.register_forward_hook(lambda *_: seen.append(torch.get_num_threads()))
    try:
        torch.set_num_threads(2)
        network.step(torch.zeros(1, FRAME), VadState.start())
        network.probabilities(np.zeros(FRAME, np.float32))
        assert (seen, torch.get_num_threads()) == ([1, 1], 2)
    finally:
        torch.set_num_threads(threads)
        hook.remove()


@needs_weights
def test_sound_shorter_than_a_frame_has_no_probability(network: SileroVad) -> None:
    assert network.probabilities(np.zeros(FRAME - 1, np.float32)).shape == (0,)


@needs_weights
@pytest.mark.parametrize("shape", [(FRAME,), (1, FRAME + 1), (2, FRAME)])
def test_frames_of_another_shape_are_refused(network: SileroVad, shape: tuple[int, ...]) -> None:
    with pytest.raises(InputError, match=r"voice activity: frames of shape .* for 1 streams"):
        network.step(torch.zeros(shape), VadState.start())


@needs_weights
def test_the_package_is_not_imported_and_torch_only_to_listen() -> None:
    code = (
        "import sys; from headrace.media.listen import Listen; assert 'torch' not in sys.modules;"
        "Listen(); assert 'silero_vad' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_a_missing_package_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(vad, "find_spec", lambda name: None)
    with pytest.raises(ConfigError, match=r"pip install 'headrace\[audio\]'"):
        SileroVad()


def test_a_file_of_other_weights_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "other.safetensors"
    save_file({"conv1.weight": torch.zeros(1)}, str(path))
    with pytest.raises(ConfigError, match="does not hold the 16 kHz silero-vad") as caught:
        SileroVad(path)
    assert "\n" not in str(caught.value)
    with pytest.raises(ConfigError, match="does not hold"):
        SileroVad(tmp_path / "absent.safetensors")
