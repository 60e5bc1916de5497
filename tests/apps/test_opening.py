"""Sources as they are asked for: names, files whose names look like one, and what cannot be opened."""

from __future__ import annotations

from pathlib import Path

import pytest

pytest.importorskip("av")

from headrace.apps.manifest import Given
from headrace.apps.opening import Opened, Wanted, expect_one, named, open_all
from headrace.core.errors import ConfigError, InputError
from tests.apps.watching import short, troubles


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("door=rtsp://10.0.0.7/live", Wanted("door", "rtsp://10.0.0.7/live")),
        ("front door = camera:0", Wanted("front door", " camera:0")),
        ("Tür 2=clip.mp4", Wanted("Tür 2", "clip.mp4")),
        ("a=b=c.mp4", Wanted("a", "b=c.mp4")),
        ("clip.mp4", Wanted("", "clip.mp4")),
        ("demo:", Wanted("", "demo:")),
        ("-", Wanted("", "-")),
        ("d=-", Wanted("d", "-")),
        ("http://host/clip.mp4?key=5", Wanted("", "http://host/clip.mp4?key=5")),
        ("folder/a=b.mp4", Wanted("", "folder/a=b.mp4")),
        ("a=http://host/clip.mp4?key=5", Wanted("a", "http://host/clip.mp4?key=5")),
        ("=clip.mp4", Wanted("", "=clip.mp4")),
        ("door=", Wanted("", "door=")),
    ],
)
def test_a_name_stands_before_the_address(
    text: str, wanted: Wanted, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert Wanted.of(text) == wanted


def test_a_file_that_is_called_like_a_named_address_is_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert Wanted.of("take=2.mp4") == Wanted("take", "2.mp4")
    Path("take=2.mp4").touch()
    assert Wanted.of("take=2.mp4") == Wanted("", "take=2.mp4")
    assert named([Wanted.of("take=2.mp4")]) == [Given("take=2.mp4", str(tmp_path / "take=2.mp4"))]
    assert Wanted.of("first=take=2.mp4") == Wanted("first", "take=2.mp4")


@pytest.mark.parametrize("text", ["..=x.mp4", " =x.mp4", "-=rtsp://user:secret@host/x"])
def test_a_name_without_a_letter_is_refused(text: str) -> None:
    with pytest.raises(ConfigError, match="the name before = needs a letter or digit") as raised:
        Wanted.of(text)
    assert "secret" not in str(raised.value)


def test_names_differ(tmp_path: Path) -> None:
    path = str(tmp_path / "x.mp4")
    wanted = [Wanted("", path), Wanted("", path), Wanted("door", "camera:0"), Wanted("", path), Wanted("", "demo:")]
    assert [given.name for given in named(wanted)] == [path, f"{path}#2", "door", f"{path}#3", "demo"]
    with pytest.raises(ConfigError, match="two sources are named 'door'; give each a name of its own"):
        named([*wanted, Wanted("door", "camera:1")])


def test_an_address_may_not_take_the_name_that_was_given() -> None:
    given = named([Wanted("demo", "camera:0"), Wanted("", "demo:")])
    assert [one.name for one in given] == ["demo", "demo#2"]


def test_what_is_noted_holds_no_secret(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("clip.mp4").touch()
    noted = named([Wanted("", "rtsp://user:secret@host/live"), Wanted("x", "clip.mp4"), Wanted("", "-")])
    assert "secret" not in repr(noted)
    assert [one.address for one in noted[1:]] == [str(tmp_path / "clip.mp4"), "-"]


def opened(*addresses: object, over: int | None = None) -> list[Opened]:
    wanted = [Wanted("", str(address)) for address in addresses]
    return open_all(wanted, named(wanted), lambda number: number == over)


def test_one_that_is_missing_is_a_fault_of_its_own(tmp_path: Path) -> None:
    found = opened(short()[0], tmp_path / "no.mp4", troubles()["one_pixel"], troubles()["no_frames"])
    for one in found:
        one.prime()
    assert [one.primed is not None for one in found] == [True, False, True, False]
    assert [type(one.fault) for one in found] == [type(None), InputError, type(None), InputError]
    assert "no such file" in str(found[1].fault)
    assert (found[0].info.width, found[1].info.width) == (640, 0)
    expect_one(found)
    for one in found:
        one.close()


def test_nothing_to_watch_is_the_first_fault(tmp_path: Path) -> None:
    found = opened(tmp_path / "first.mp4", tmp_path / "second.mp4")
    with pytest.raises(InputError, match=r"first\.mp4"):
        expect_one(found)


def test_one_that_has_ended_is_not_opened_again(tmp_path: Path) -> None:
    (one,) = opened(tmp_path / "gone since.mp4", over=0)
    one.prime()
    assert (one.source, one.primed, one.fault) == (None, None, None)
    expect_one([one])
