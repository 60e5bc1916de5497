"""Stats: what a source has done so far."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(slots=True)
class Stats:
    """Counters of one source; read them at any time, from any thread.

    Attributes:
        frames: frames handed over.
        skipped: frames decoded but not handed over, because `every` did not ask for them.
        bad_pts: time stamps that were missing, repeated, backwards or absurd, and were mended.
        decode_errors: packets, pictures and stretches of sound that were damaged; they were skipped or concealed.
        reconnects: times a lost live stream came back.
        samples: samples of sound handed over.
        sound_jumps: times the sound's stamps left its count of samples by more than 100 ms, either way.
        ended_early: seconds by which a file ended before the time it claims, 0 if it did not.
    """

    frames: int = 0
    skipped: int = 0
    bad_pts: int = 0
    decode_errors: int = 0
    reconnects: int = 0
    samples: int = 0
    sound_jumps: int = 0
    ended_early: float = 0.0
