"""Settings: what is read, what is refused, and that what is printed reads back."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headrace.config import Config, find_config, format_size, load_config, parse_size, parse_speed
from headrace.core.errors import ConfigError


def write(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "headrace.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_a_file_changes_what_it_names_and_nothing_else(tmp_path: Path) -> None:
    path = write(tmp_path, '[watch]\nbudget = "64 MiB"\nspeed = 2\n')
    config = load_config(path)
    assert (config.watch.budget, config.watch.speed) == (64 << 20, "2")
    assert config.watch.disk == Config().watch.disk
    assert config.recipes == Config().recipes
    assert dict(config.sources) == {"watch.budget": str(path), "watch.speed": str(path)}


def test_what_is_printed_reads_back(tmp_path: Path) -> None:
    config = load_config(write(tmp_path, "[watch]\nllm = 'http://127.0.0.1:8080/v1'\nllm_timeout = 2\n"))
    text = config.to_toml()
    assert "llm_timeout = 2.0  # from: " in text
    assert text.count("# from: default") == len(tomllib.loads(text)["watch"]) + len(tomllib.loads(text)["recipes"]) - 2
    again = load_config(write(tmp_path, text))
    assert (again.watch, again.recipes) == (config.watch, config.recipes)


def test_what_is_kept_and_heard_reads_back(tmp_path: Path) -> None:
    path = write(tmp_path, "[watch]\nkeep = ['text=30d', 'speech=0']\nasr = 'lm:C:\\words.txt'\nsave_every = 2\n")
    config = load_config(path)
    assert (config.watch.keep, config.watch.asr) == (("text=30d", "speech=0"), "lm:C:\\words.txt")
    assert config.watch.save_every == 2.0
    assert load_config(write(tmp_path, config.to_toml())).watch == config.watch
    assert (Config().watch.keep, Config().watch.asr) == ((), "")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[wotch]\n", "wotch: unknown section; did you mean watch?"),
        ("seed = 1\n", "seed: unknown section; known: watch, recipes"),
        ("[watch]\nbugdet = 1\n", "watch.bugdet: unknown key; did you mean budget?"),
        ('[watch]\nbudget = "lots"\n', "watch.budget: 'lots' is not allowed; use bytes"),
        ("[watch]\nbudget = true\n", "watch.budget: True is not allowed"),
        ("[watch]\nbudget = 0\n", "watch.budget: 0 is not allowed"),
        ("[watch]\nout = 3\n", "watch.out: 3 is not allowed; use a path"),
        ("[watch]\nspeed = 'warp'\n", "watch.speed: 'warp' is not allowed"),
        ("[watch]\nspeed = nan\n", "watch.speed: nan is not allowed"),
        ("[watch]\nllm_timeout = inf\n", "watch.llm_timeout: inf is not allowed"),
        ("[watch]\nasr = 3\n", "watch.asr: 3 is not allowed; use a text"),
        ("[watch]\nkeep = 'text=1h'\n", "watch.keep: 'text=1h' is not allowed; use a list of texts KIND=AGE"),
        ("[watch]\nkeep = ['text=1h', 2]\n", "watch.keep: ['text=1h', 2] is not allowed"),
        ("[watch]\nsave_every = 0\n", "watch.save_every: 0 is not allowed; use seconds above 0"),
        ("[recipes]\nseed = -1\n", "recipes.seed: -1 is not allowed"),
        ("[watch\n", "is not TOML"),
    ],
)
def test_a_wrong_file_is_named_in_one_line(tmp_path: Path, text: str, message: str) -> None:
    path = write(tmp_path, text)
    with pytest.raises(ConfigError) as caught:
        load_config(path)
    assert str(caught.value).startswith(f"{path}: ")
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_where_a_file_is_looked_for(tmp_path: Path) -> None:
    home, here = tmp_path / "home", tmp_path / "here"
    (home / "headrace").mkdir(parents=True)
    here.mkdir()
    environ = {"XDG_CONFIG_HOME": str(home)}
    assert find_config(environ, here) is None
    of_home, of_folder = home / "headrace" / "headrace.toml", here / "headrace.toml"
    of_home.touch()
    assert find_config(environ, here) == of_home
    of_folder.touch()
    assert find_config(environ, here) == of_folder
    named = tmp_path / "absent.toml"
    assert find_config({**environ, "HEADRACE_CONFIG": str(named)}, here) == named
    with pytest.raises(ConfigError, match="cannot be read"):
        load_config(named)


@given(st.integers(1, 1 << 50))
def test_sizes_read_back(size: int) -> None:
    assert parse_size(format_size(size)) == parse_size(size) == parse_size(str(size)) == size


@pytest.mark.parametrize(
    ("text", "size"), [("1.5GB", 1_500_000_000), ("64 kib", 65_536), ("10 bytes", 10), (" 2MB ", 2_000_000)]
)
def test_sizes_as_people_write_them(text: str, size: int) -> None:
    assert parse_size(text) == size


@pytest.mark.parametrize("wrong", ["", "-1", "MiB", "1 XB", "0.2", 1.5, None])
def test_what_is_no_size(wrong: object) -> None:
    with pytest.raises(ValueError):
        parse_size(wrong)


@pytest.mark.parametrize(("value", "speed"), [("max", "max"), ("realtime", "realtime"), (2, "2"), ("0.5", "0.5")])
def test_speeds(value: object, speed: str) -> None:
    assert parse_speed(value) == speed
