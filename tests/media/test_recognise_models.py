"""Speech recognisers of transformers: tiny ones with random weights, saved here and loaded as real ones are."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from headrace.core.errors import ConfigError, InputError
from headrace.media.recognise import recogniser

torch = pytest.importorskip("torch")
transformers = pytest.importorskip("transformers", reason="needs the hf extra")

RATE = 16_000
LETTERS = ["<pad>", "<s>", "</s>", "<unk>", "|", *"abcdefghij"]


def saved_letters(folder: Path, model: str = "Wav2Vec2ForCTC") -> Path:
    """A Wav2Vec2 of a few thousand weights."""
    torch.manual_seed(7)
    config = transformers.Wav2Vec2Config(
        vocab_size=len(LETTERS),
        hidden_size=16,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=16,
        conv_dim=(8, 8),
        conv_stride=(10, 16),
        conv_kernel=(20, 16),
        num_feat_extract_layers=2,
        num_conv_pos_embeddings=8,
        num_conv_pos_embedding_groups=2,
        pad_token_id=0,
    )
    getattr(transformers, model)(config).save_pretrained(folder)
    (folder / "vocab.json").write_text(json.dumps({letter: i for i, letter in enumerate(LETTERS)}))
    tokenizer = transformers.Wav2Vec2CTCTokenizer(str(folder / "vocab.json"))
    extractor = transformers.Wav2Vec2FeatureExtractor(sampling_rate=RATE)
    transformers.Wav2Vec2Processor(extractor, tokenizer).save_pretrained(folder)
    return folder


def word_tokenizer() -> Any:
    """A tokenizer that writes token 5 as "word5"."""
    from tokenizers import Tokenizer
    from tokenizers.models import WordLevel
    from tokenizers.pre_tokenizers import Whitespace

    words = {"<pad>": 0, "<s>": 1, "</s>": 2, **{f"word{i}": i for i in range(3, 64)}}
    inner = Tokenizer(WordLevel(words, unk_token="<pad>"))
    inner.pre_tokenizer = Whitespace()
    return transformers.PreTrainedTokenizerFast(
        tokenizer_object=inner, pad_token="<pad>", bos_token="<s>", eos_token="</s>"
    )


def saved_moonshine(folder: Path) -> Path:
    torch.manual_seed(7)
    config = transformers.MoonshineConfig(
        vocab_size=64,
        hidden_size=16,
        intermediate_size=16,
        encoder_num_hidden_layers=1,
        decoder_num_hidden_layers=1,
        encoder_num_attention_heads=2,
        decoder_num_attention_heads=2,
        tie_word_embeddings=False,
    )
    transformers.MoonshineForConditionalGeneration(config).save_pretrained(folder)
    word_tokenizer().save_pretrained(folder)
    transformers.Wav2Vec2FeatureExtractor(sampling_rate=RATE).save_pretrained(folder)
    return folder


def saved_whisper(folder: Path) -> Path:
    torch.manual_seed(7)
    config = transformers.WhisperConfig(
        vocab_size=64,
        num_mel_bins=8,
        d_model=16,
        encoder_layers=1,
        decoder_layers=1,
        encoder_attention_heads=2,
        decoder_attention_heads=2,
        encoder_ffn_dim=16,
        decoder_ffn_dim=16,
        max_source_positions=150,
        max_target_positions=40,
        pad_token_id=0,
        bos_token_id=1,
        eos_token_id=2,
        decoder_start_token_id=1,
        suppress_tokens=[],
        begin_suppress_tokens=[2],
    )
    transformers.WhisperForConditionalGeneration(config).save_pretrained(folder)
    word_tokenizer().save_pretrained(folder)
    transformers.WhisperFeatureExtractor(feature_size=8, chunk_length=3).save_pretrained(folder)
    return folder


def saved_timed_whisper(folder: Path) -> Path:
    """A Whisper that writes when each segment begins and ends, with the tokens of the published ones."""
    from tokenizers.pre_tokenizers import ByteLevel

    torch.manual_seed(3)
    marks = [
        "endoftext",
        "startoftranscript",
        "en",
        "translate",
        "transcribe",
        "startoflm",
        "startofprev",
        "nospeech",
        "notimestamps",
    ]
    special = [f"<|{mark}|>" for mark in marks]
    vocabulary = {token: i for i, token in enumerate([*sorted(ByteLevel.alphabet()), *special])}
    end, start, _, translate, transcribe, *_, plain = (vocabulary[mark] for mark in special)
    tokenizer = transformers.WhisperTokenizer(
        vocab=vocabulary, merges=[], unk_token=special[0], bos_token=special[0], eos_token=special[0]
    )
    tokenizer.add_special_tokens({"additional_special_tokens": special[1:]})
    tokenizer.add_tokens([f"<|{0.02 * i:.2f}|>" for i in range(1501)])
    tokenizer.save_pretrained(folder)
    config = transformers.WhisperConfig(
        vocab_size=len(tokenizer),
        num_mel_bins=8,
        d_model=16,
        encoder_layers=1,
        decoder_layers=1,
        encoder_attention_heads=2,
        decoder_attention_heads=2,
        encoder_ffn_dim=16,
        decoder_ffn_dim=16,
        max_target_positions=64,
        pad_token_id=end,
        bos_token_id=end,
        eos_token_id=end,
        decoder_start_token_id=start,
        suppress_tokens=None,
        begin_suppress_tokens=None,
    )
    transformers.WhisperForConditionalGeneration(config).save_pretrained(folder)
    told = {
        "bos_token_id": end,
        "eos_token_id": end,
        "pad_token_id": end,
        "decoder_start_token_id": start,
        "no_timestamps_token_id": plain,
        "is_multilingual": True,
        "lang_to_id": {"<|en|>": vocabulary["<|en|>"]},
        "task_to_id": {"transcribe": transcribe, "translate": translate},
        "max_initial_timestamp_index": 50,
        "prev_sot_token_id": vocabulary["<|startofprev|>"],
    }
    (folder / "generation_config.json").write_text(json.dumps(told))
    transformers.WhisperFeatureExtractor(feature_size=8).save_pretrained(folder)
    return folder


MODELS = {
    "wav2vec2": saved_letters,
    "moonshine": saved_moonshine,
    "whisper": saved_whisper,
    "timed whisper": saved_timed_whisper,
}


@pytest.fixture(scope="module", params=MODELS)
def folder(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return MODELS[request.param](tmp_path_factory.mktemp("model") / "small")


def noise(seconds: float, rate: int = RATE) -> np.ndarray:
    return np.random.default_rng(3).normal(0, 0.1, int(seconds * rate)).astype(np.float32)


def test_a_folder_is_loaded_and_transcribes(folder: Path, capfd: pytest.CaptureFixture[str]) -> None:
    by = recogniser(f"transformers:{folder}")
    assert by.name == "transformers:small"
    phrases = by.transcribe(noise(2.0), RATE)
    assert phrases
    for phrase in phrases:
        assert phrase.text == " ".join(phrase.text.split()) != ""
        assert 0 <= phrase.start_s <= phrase.end_s <= 2.0
        assert 0 < phrase.score <= 1
    assert by.transcribe(noise(1.0), RATE) is not phrases
    assert by.transcribe(noise(2.0), RATE) == phrases
    assert capfd.readouterr() == ("", "")


def test_segments_have_the_times_that_whisper_wrote(tmp_path: Path) -> None:
    """A model with random weights has spans of any length; those within the stretch are kept and cut to it."""
    phrases = recogniser(f"transformers:{saved_timed_whisper(tmp_path)}").transcribe(noise(25.0), RATE)
    assert phrases
    assert all(0 <= phrase.start_s <= phrase.end_s <= 25.0 for phrase in phrases)
    assert any(phrase.start_s > 0 or phrase.end_s < 25.0 for phrase in phrases)


def test_other_rates_and_edges(folder: Path) -> None:
    by = recogniser(f"transformers:{folder}")
    assert by.transcribe(noise(0.0), RATE) == []
    assert by.transcribe(noise(0.01), RATE) == []
    for phrase in by.transcribe(noise(1.0, 44_100), 44_100):
        assert phrase.end_s <= 1.001


def test_a_long_stretch_is_taken_piece_by_piece(tmp_path: Path) -> None:
    by = recogniser(f"transformers:{saved_letters(tmp_path)}")
    phrases = by.transcribe(noise(61.0), RATE)
    assert [int(phrase.start_s // 30) for phrase in phrases] == [0, 1, 2]


def test_the_letters_are_those_of_the_model(tmp_path: Path) -> None:
    """Against the model called directly, with greedy CTC written out."""
    by = recogniser(f"transformers:{saved_letters(tmp_path)}")
    samples = noise(1.5)
    model = transformers.Wav2Vec2ForCTC.from_pretrained(tmp_path).eval()
    heard = (samples - samples.mean()) / np.sqrt(samples.var() + 1e-7)
    with torch.no_grad():
        ids = model(torch.from_numpy(heard)[None]).logits[0].argmax(-1).tolist()
    kept = [i for before, i in zip([None, *ids], ids, strict=False) if i != before and i != 0]
    text = "".join(LETTERS[i] for i in kept if i > 3).replace("|", " ")
    assert [phrase.text for phrase in by.transcribe(samples, RATE)] == [" ".join(text.split())]


def test_what_is_no_speech_recogniser_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such folder"):
        recogniser(f"transformers:{tmp_path / 'none'}")
    (tmp_path / "empty").mkdir()
    with pytest.raises(ConfigError, match="configuration cannot be loaded"):
        recogniser(f"transformers:{tmp_path / 'empty'}")
    text = transformers.BertConfig(
        vocab_size=8, hidden_size=8, num_hidden_layers=1, num_attention_heads=1, intermediate_size=8
    )
    transformers.BertModel(text).save_pretrained(tmp_path / "bert")
    with pytest.raises(ConfigError, match="BertModel is no speech recogniser"):
        recogniser(f"transformers:{tmp_path / 'bert'}")
    headless = saved_letters(tmp_path / "headless", "Wav2Vec2Model")
    with pytest.raises(ConfigError, match="lacks the weights lm_head"):
        recogniser(f"transformers:{headless}")


def test_parts_that_are_missing_are_named_in_one_line(tmp_path: Path) -> None:
    path = saved_letters(tmp_path)
    weights = (path / "model.safetensors").read_bytes()
    (path / "model.safetensors").write_bytes(weights[:1000])
    with pytest.raises(ConfigError, match="weights cannot be loaded") as refused:
        recogniser(f"transformers:{path}")
    assert "\n" not in str(refused.value)
    (path / "model.safetensors").write_bytes(weights)
    for name in ("processor_config.json", "preprocessor_config.json"):
        (path / name).unlink(missing_ok=True)
    with pytest.raises(ConfigError, match="feature extractor cannot be loaded"):
        recogniser(f"transformers:{path}")
