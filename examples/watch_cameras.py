"""Watch several streams in one run, and act on an alert as soon as it is on the disk.

python examples/watch_cameras.py demo:
python examples/watch_cameras.py gate=rtsp://camera-1/live yard=rtsp://camera-2/live
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import headrace
from headrace.apps.watch import Options


def act(emission: headrace.Emission) -> None:
    """Called for each emission, in order, once it is safe."""
    if emission.kind == "alert":
        at = emission.start / headrace.SECOND
        print(f"ALERT at {at:.1f} s of {emission.source}: {emission.content['text']}")


with tempfile.TemporaryDirectory() as folder:
    options = Options(when=["gate 3 is open"], ask=["what is the level?"], out=Path(folder) / "out", budget=1 << 20)
    result = headrace.watch(sys.argv[1:] or ["demo:"], options, publish=act)
    print(result.answers[0].text)
    print(f"{len(result.text)} lines, {len(result.events)} events, {result.run.state_bytes} bytes remembered")
