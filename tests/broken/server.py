"""The command line in one process of its own for many calls: `python -m tests.broken.server`.

Reads one JSON list of words a line; answers with one JSON line {code, out, err, peak}. What is written to the file
descriptors 1 and 2 while a call runs, by Python or by C, is what the call printed; `peak` is how many bytes the
process held at most, beyond what it held before, 0 where that cannot be told.
"""

from __future__ import annotations

import json
import os
import resource
import sys
import tempfile
import traceback
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import IO

from headrace.cli import main


def call(words: Sequence[str], out: IO[bytes], err: IO[bytes]) -> int:
    """Run the command with `out` and `err` as its descriptors 1 and 2; returns the exit code, 1 for a traceback."""
    for number, file in ((1, out), (2, err)):
        os.dup2(file.fileno(), number)
    try:
        main(words)
    except SystemExit as end:
        return int(end.code or 0)
    except BaseException:
        traceback.print_exc()
    finally:
        for stream in (sys.stdout, sys.stderr):
            with suppress(OSError):
                stream.flush()
    return 1


def held(which: str) -> int:
    """Bytes in memory: now (VmRSS), or at most since `forget` (VmHWM)."""
    with suppress(OSError), Path("/proc/self/status").open() as status:
        return next(1024 * int(line.split()[1]) for line in status if line.startswith(which))
    return 0


def forget() -> None:
    """Begin a new maximum."""
    with suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5")


def serve(most: int) -> None:
    """Answer until the input ends.

    Args:
        most: bytes of address space that this process may take, so that nothing harms the machine.
    """
    resource.setrlimit(resource.RLIMIT_AS, (most, most))
    answers = os.fdopen(os.dup(1), "w")
    for line in sys.stdin:
        forget()
        before = held("VmRSS")
        with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
            code = call(json.loads(line), out, err)
            said = []
            for file in (out, err):
                file.seek(0)
                said.append(file.read().decode(errors="replace"))
        peak = held("VmHWM") - before
        answers.write(json.dumps({"code": code, "out": said[0], "err": said[1], "peak": peak}) + "\n")
        answers.flush()


if __name__ == "__main__":
    serve(int(sys.argv[1]))
