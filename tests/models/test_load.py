"""Loading: by path, of what ships, and every way in which there is nothing to load."""

from __future__ import annotations

import json
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from headrace.core.errors import ConfigError, HeadraceError, InputError
from headrace.models.hf.load import load
from headrace.state import cache
from tests.models.families import FAMILIES, dense, ids, plain, relative

transformers = pytest.importorskip("transformers")


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small Llama in float32, without a tokenizer."""
    place = tmp_path_factory.mktemp("models") / "llama"
    FAMILIES["llama"].build(torch.float32).save_pretrained(place)
    return place


@pytest.fixture
def copy(saved: Path, tmp_path: Path) -> Path:
    """A copy of it to be spoilt."""
    place = tmp_path / "model"
    place.mkdir()
    for file in saved.iterdir():
        (place / file.name).write_bytes(file.read_bytes())
    return place


@pytest.fixture(autouse=True)
def _offline(monkeypatch: pytest.MonkeyPatch) -> None:
    """As `HF_HUB_OFFLINE=1`, which is read when the library is imported."""
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)


def fails(kind: type[HeadraceError], *args: Any, **options: Any) -> str:
    """The one line that loading ends with."""
    with pytest.raises(kind) as caught:
        load(*args, **options)
    message = str(caught.value)
    assert message
    assert "\n" not in message
    assert len(message) < 500
    return message


@pytest.mark.parametrize("as_text", [True, False])
def test_a_folder_is_loaded(saved: Path, as_text: bool) -> None:
    lm = load(str(saved) if as_text else saved, device="cpu")
    assert lm.tokenizer is None
    assert lm.opening == []
    assert lm.attached.dtype == torch.float32
    session = lm.session(dense(cache()))
    [found] = lm.read([(session, ids(40))])
    assert relative(found, plain(FAMILIES["llama"].build(torch.float32), torch.tensor(ids(40)))) < 1e-4


def test_an_encoder_decoder_is_loaded(tmp_path: Path) -> None:
    FAMILIES["moonshine"].build(torch.float32).save_pretrained(tmp_path)
    lm = load(tmp_path, device="cpu")
    sound, model = (
        torch.randn(8000, generator=torch.Generator().manual_seed(0)),
        FAMILIES["moonshine"].build(torch.float32),
    )
    encoded = lm.encode(sound)
    with torch.no_grad():
        assert relative(encoded, model.get_encoder()(sound[None]).last_hidden_state[0]) < 1e-4
    session = lm.session(dense(cache()), encoded=encoded)
    [found] = lm.read([(session, ids(10))])
    assert relative(found, plain(model, torch.tensor(ids(10)), encoded)) < 1e-4


@pytest.mark.parametrize("dtype", ["float64", "bfloat16", "float16", torch.float64])
def test_a_type_may_be_asked_for(saved: Path, dtype: Any) -> None:
    lm = load(saved, dtype=dtype, device="cpu")
    assert lm.attached.dtype == (getattr(torch, dtype) if isinstance(dtype, str) else dtype)
    session = lm.session()
    session.push(ids(30))
    assert len(list(session.say(max_tokens=3))) == 3


def test_int8_is_another_rounding_of_the_same_model(saved: Path) -> None:
    lm = load(saved, device="cpu", optimize=True)
    assert any("int8" in note for note in lm.report.notes)
    [found] = lm.read([(lm.session(dense(cache())), ids(40))])
    expected = plain(FAMILIES["llama"].build(torch.float32), torch.tensor(ids(40)))
    assert 1e-4 < relative(found, expected) < 0.2


def test_what_int8_saved_is_not_taken_for_what_float_saved(saved: Path) -> None:
    from headrace.core.errors import StateError

    full, short = load(saved, device="cpu"), load(saved, device="cpu", optimize=True)
    session = full.session()
    session.push(ids(9))
    with pytest.raises(StateError, match="another model"):
        short.restore(session.snapshot())


def test_the_model_that_ships_reads_text(tiny: Any) -> None:
    assert tiny.name == "zoo:tiny-llama"
    session = tiny.session()
    session.push("def main():\n")
    assert session.container.count == len(tiny.opening) + len(tiny.tokens("def main():\n"))
    assert tiny.opening == [tiny.tokenizer.bos_token_id]


# ── nothing to load ──────────────────────────────────────────────────────────────────────────────────────────────────


def test_what_does_not_ship_is_told_with_what_does() -> None:
    assert "zoo:tiny-llama" in fails(InputError, "zoo:no-such-model")
    assert "zoo:tiny-llama" in fails(InputError, "zoo:")
    fails(InputError, "zoo:../zoo/tiny-llama")


def test_a_place_that_is_not_there(tmp_path: Path) -> None:
    assert "nowhere" in fails(InputError, tmp_path / "nowhere")
    assert "nowhere" in fails(InputError, "./nowhere")
    fails(InputError, "")


def test_a_hub_id_without_a_hub() -> None:
    assert "no-such-owner/no-such-model" in fails(InputError, "no-such-owner/no-such-model")


def test_an_empty_folder(tmp_path: Path) -> None:
    assert "config.json" in fails(InputError, tmp_path)


def _cut(name: str, share: float) -> Callable[[Path], None]:
    def spoil(place: Path) -> None:
        data = (place / name).read_bytes()
        (place / name).write_bytes(data[: int(len(data) * share)])

    return spoil


def _config(**changes: Any) -> Callable[[Path], None]:
    def spoil(place: Path) -> None:
        given = json.loads((place / "config.json").read_text())
        (place / "config.json").write_text(json.dumps({**given, **changes}))

    return spoil


def _remove(name: str) -> Callable[[Path], None]:
    return lambda place: (place / name).unlink()


def _foreign(place: Path) -> None:
    (place / "model.safetensors").write_bytes(b"no tensors at all" * 100)


def _tokenizer(place: Path) -> None:
    (place / "tokenizer.json").write_text("{}")


SPOILT = {
    "weights cut in the middle": _cut("model.safetensors", 0.5),
    "weights cut in the header": _cut("model.safetensors", 0.001),
    "weights empty": _cut("model.safetensors", 0),
    "weights foreign": _foreign,
    "weights missing": _remove("model.safetensors"),
    "config cut": _cut("config.json", 0.5),
    "config empty": _cut("config.json", 0),
    "config of no model": _config(model_type="no-such-model", architectures=None),
    "config of another shape": _config(hidden_size=32, head_dim=None),
    "config of an image model": _config(model_type="vit"),
    "tokenizer damaged": _tokenizer,
}


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("case", SPOILT)
def test_damaged_files_end_in_one_line(copy: Path, case: str) -> None:
    SPOILT[case](copy)
    assert str(copy) in fails(InputError, copy, device="cpu")


def test_missing_tensors_are_not_made_up(copy: Path) -> None:
    """transformers draws what is not in the file at random, and only warns."""
    from safetensors.torch import load_file, save_file

    tensors = load_file(copy / "model.safetensors")
    del tensors["model.layers.1.mlp.down_proj.weight"]
    save_file(tensors, copy / "model.safetensors", metadata={"format": "pt"})
    assert "down_proj" in fails(InputError, copy, device="cpu")


def test_more_layers_in_the_config_than_in_the_file_are_not_made_up(copy: Path) -> None:
    _config(num_hidden_layers=3)(copy)
    fails(InputError, copy, device="cpu")


class Bomb:
    """Writes a file when it is unpickled."""

    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self) -> Any:
        return Path.write_text, (self.mark, "executed")


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("how", ["pickle", "torch"])
def test_a_pickle_is_never_run(copy: Path, tmp_path: Path, how: str) -> None:
    (copy / "model.safetensors").unlink()
    place, bomb = copy / "pytorch_model.bin", Bomb(tmp_path / "mark")
    if how == "pickle":
        place.write_bytes(pickle.dumps({"model.embed_tokens.weight": bomb}))
    else:
        torch.save({"model.embed_tokens.weight": bomb}, place)
    fails(InputError, copy, device="cpu")
    assert not bomb.mark.exists()


def test_code_that_comes_with_a_checkpoint_is_never_run(copy: Path, tmp_path: Path) -> None:
    mark = tmp_path / "mark"
    _config(
        model_type="own", architectures=["Own"], auto_map={"AutoConfig": "own.Own", "AutoModelForCausalLM": "own.Own"}
    )(copy)
    (copy / "own.py").write_text(f"open({str(mark)!r}, 'w').write('executed')\nclass Own: pass\n")
    fails(InputError, copy, device="cpu")
    assert not mark.exists()


@pytest.mark.parametrize(
    ("options", "names"),
    [
        ({"dtype": "float99"}, "float99"),
        ({"dtype": "int8"}, "int8"),
        ({"dtype": "nn"}, "nn"),
        ({"dtype": ""}, "dtype"),
        ({"dtype": 16}, "16"),
        ({"dtype": torch.int64}, "int64"),
        ({"dtype": "float8_e4m3fn"}, "float8"),
        ({"dtype": "complex64"}, "complex64"),
        ({"device": "warp"}, "warp"),
        ({"device": ""}, "device"),
        ({"device": "meta"}, "meta"),
        ({"device": "cuda:99"}, "cuda:99"),
    ],
)
def test_types_and_devices_that_are_none(saved: Path, options: Any, names: str) -> None:
    assert names in fails(ConfigError, saved, **options)


def test_without_a_tokenizer_ids_go_in_and_come_out(saved: Path) -> None:
    session = load(saved, device="cpu").session()
    with pytest.raises(ConfigError, match="tokenizer"):
        session.push("text")
    session.push(ids(9))
    assert [token.text for token in session.say(max_tokens=2)] == ["", ""]


def test_a_model_without_its_library(monkeypatch: pytest.MonkeyPatch, saved: Path) -> None:
    import sys

    monkeypatch.setitem(sys.modules, "transformers", None)
    assert "headrace[hf]" in fails(ConfigError, saved)


def test_loading_is_silent(saved: Path, capfd: pytest.CaptureFixture[str]) -> None:
    load(saved, device="cpu")
    heard = capfd.readouterr()
    assert heard.out + heard.err == ""
