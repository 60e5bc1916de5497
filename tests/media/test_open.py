from __future__ import annotations

import os
import shutil
import sys
import wave

import pytest

from headrace.core.errors import ConfigError, InputError
from headrace.core.source import Source
from headrace.media import open_source, probe
from headrace.media.address import redact
from tests.media.helpers import clip


def message(url, **options) -> str:
    with pytest.raises(InputError) as caught:
        list(open_source(url, **options).items())
    text = str(caught.value)
    assert "\n" not in text
    return text


def test_probe_and_source_agree(tmp_path):
    path = clip(tmp_path / "a.mp4", seconds=2)
    info = probe(path)
    assert (info.kind, info.width, info.height, info.fps, info.codec) == ("file", 64, 48, 25.0, "h264")
    assert info.duration == 2_000_000_000
    assert not info.live
    source = open_source(path)
    assert isinstance(source, Source)
    assert source.info == info
    assert source.can_wait
    assert source.blocking
    source.close()


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("empty.mp4", b"", "is empty"),
        ("notes.txt", b"these are notes\nnot a film\n" * 9, "not a video"),
        ("art.ans", b"\x1b[1;31mhello\x1b[0m\r\n" * 60, "text file"),
        ("notes.mp4", b"these are notes\n" * 9, "not a video"),
        ("noise.mkv", bytes(range(256)) * 40, "not a video"),
    ],
)
def test_files_that_are_no_video(tmp_path, capfd, name, content, says):
    path = tmp_path / name
    path.write_bytes(content)
    text = message(path)
    assert says in text
    assert str(path) in text
    assert capfd.readouterr() == ("", "")


def test_missing_and_truncated_and_silent_files(tmp_path, capfd):
    assert "no such file" in message(tmp_path / "nowhere.mp4")
    path = clip(tmp_path / "a.mp4")
    cut = tmp_path / "cut.mp4"
    cut.write_bytes(path.read_bytes()[:-1500])
    assert "cut short" in message(cut)
    with wave.open(str(tmp_path / "a.wav"), "wb") as sound:
        sound.setparams((1, 2, 8000, 0, "NONE", ""))
        sound.writeframes(bytes(16000))
    assert "no video (only audio)" in message(tmp_path / "a.wav")
    assert capfd.readouterr() == ("", "")


def test_a_file_whose_every_packet_is_damaged_is_an_error(tmp_path, capfd):
    path = clip(tmp_path / "a.mkv", codec="mpeg2video")
    data = bytearray(path.read_bytes())
    start = data.index(b"\x1f\x43\xb6\x75") + 40
    data[start:] = bytes(len(data) - start)
    path.write_bytes(data)
    assert "frame" in message(path)
    assert capfd.readouterr() == ("", "")


def test_folders_cameras_and_addresses(tmp_path):
    assert "without images" in message(tmp_path)
    assert "/dev/video97" in message("camera:97")
    assert "by its number" in message("camera:front")
    assert "scheme" in message("gopher://host/x")
    assert "no host" in message("rtsp:///x")
    assert "empty" in message("")


def test_an_unreadable_file(tmp_path, monkeypatch):
    path = clip(tmp_path / "a.mp4")
    monkeypatch.setattr(os, "access", lambda *_: False)  # root may read everything
    assert "permission" in message(path)


@pytest.mark.parametrize("scheme", ["rtsp", "http", "rtmp"])
def test_credentials_are_never_printed(scheme, capfd, caplog):
    text = message(f"{scheme}://admin:s3cret@127.0.0.1:1/live?token=t0ken")
    assert "127.0.0.1:1" in text
    everything = text + caplog.text + "".join(capfd.readouterr())
    assert not any(secret in everything for secret in ("s3cret", "admin", "t0ken"))


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("rtsp://u:p@host/x", "rtsp://***@host/x"),
        ("rtsp://u:p@ss/w@host/x", "rtsp://***@host/x"),
        ("https://host/x?sig=1#f", "https://host/x"),
        ("http://host:80/a/b", "http://host:80/a/b"),
        ("http://u:pa?ss@host/x", "http://***@host/x"),
        ("http://u:pa#ss@host/x?q=1", "http://***@host/x"),
        ("http://u:p;w@[::1]:80/x", "http://***@[::1]:80/x"),
        ("rtsp:u:p@h/x", "rtsp:***@h/x"),
        ("rtsp:/u:p@h/x", "rtsp:/***@h/x"),
        ("u:p@h/x", "***@h/x"),
        ("http://host/x;token=abc", "http://host/x"),
        ("http://host/x?token=a@bc", "http://***"),
        ("http://host?token=a@bc", "http://***"),
        ("http://u:p@host/x;token=a@bc", "http://***"),
        ("http://host/access_token=abc/x.m3u8", "http://host/access_token=***/x.m3u8"),
        ("rtmp://host/live/k3y", "rtmp://host/live/***"),
        ("rtmps://u:p@host/app/instance/k3y/?a=b", "rtmps://***@host/app/instance/***"),
        ("rtmp://host/live/k3y live=1 token=abc", "rtmp://host/live/***"),
        ("rtmp://host/k3y", "rtmp://host/***"),
        ("rtmp://host", "rtmp://host"),
        ("http://host/a\nb", "http://host/a?b"),
    ],
)
def test_redact(url, shown):
    assert redact(url) == shown


def test_odd_names_are_files(tmp_path):
    path = clip(tmp_path / "a.mp4")
    for name in ("12:30 %03d.mp4", "é ü.mp4", "-.mp4"):
        shutil.copy(path, tmp_path / name)
        assert probe(tmp_path / name).codec == "h264"
    assert probe(f"file://{path}").codec == "h264"


def test_options_that_do_not_fit(tmp_path):
    path = clip(tmp_path / "a.mp4")
    with pytest.raises(ConfigError, match="positive"):
        open_source(path, every=0)
    with pytest.raises(InputError, match="only once"):
        probe("-")


def test_nothing_heavy_is_imported_before_it_is_needed():
    import subprocess

    code = "import sys, headrace.media; assert not {'av', 'cv2', 'torch'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True, env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)})


@pytest.mark.parametrize("url", ["http://[bad/x", "rtsp:u:s3cret@h/x", "u:s3cret@h/x", "http://u:s3cret@[bad/x"])
def test_mistyped_urls(url):
    text = message(url)
    assert "s3cret" not in text
    assert "scheme" in text or "malformed" in text


def test_an_address_longer_than_any_path():
    assert "refused" in message("http://127.0.0.1:1/x?signature=" + "s" * 9000)


def test_no_workers(tmp_path):
    with pytest.raises(ConfigError, match="at least 1"):
        open_source(clip(tmp_path / "a.mp4"), workers=0)
