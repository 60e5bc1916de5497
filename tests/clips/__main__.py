"""python -m tests.clips OUT.mp4 --seed 1 [--kind lecture | --regimes calm,fade --size 1280x720]"""

from __future__ import annotations

import argparse
import sys

from headrace.core.errors import HeadraceError
from tests.clips import ALL, KINDS, Clip, Recording, clip, recording, write


def main() -> None:
    """Write one clip and its truth."""
    parser = argparse.ArgumentParser(prog="python -m tests.clips", description="Write a test clip and its truth.")
    parser.add_argument("path", metavar="OUT.mp4")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--regimes", default=",".join(ALL), help="comma-separated, out of: " + ", ".join(ALL))
    parser.add_argument("--kind", help="a recording instead, out of: " + ", ".join(KINDS))
    parser.add_argument("--size", default="1280x720", type=size, metavar="WxH")
    parser.add_argument("--fps", type=int, default=30)
    options = parser.parse_args()
    try:
        made: Clip | Recording
        if options.kind:
            made = recording(options.kind, options.seed)
        else:
            made = clip(options.seed, options.regimes.split(","), size=options.size, fps=options.fps)
        truth = write(made, options.path)
    except HeadraceError as error:
        sys.exit(f"{parser.prog}: {error}")
    slides = len(truth.segments)
    print(f"{options.path}: {truth.duration:g} s, {slides} slides, {len(truth.lines)} lines")


def size(text: str) -> tuple[int, int]:
    """Width and height out of "1280x720"; both even, as yuv420p needs."""
    width, _, height = text.partition("x")
    if not (width.isdigit() and height.isdigit()) or int(width) % 2 or int(height) % 2 or not int(width):
        raise argparse.ArgumentTypeError(f"{text!r} is no size; give an even width and height such as 1280x720")
    return int(width), int(height)


if __name__ == "__main__":
    main()
