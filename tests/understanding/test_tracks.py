"""Lines of text over time: one track a line, whatever reading does to it."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import pytest

from headrace.core.item import MS, SECOND
from headrace.understanding.blockadmission import BlockAdmission, Box
from headrace.understanding.observation import Observation
from headrace.understanding.reader import ReadLine
from headrace.understanding.sameline import normalise
from headrace.understanding.tracks import LONGEST_TEXT, REMEMBERED, LineTracks
from tests.understanding.pictures import RATE, frame, page

HERE: Box = (32, 32, 288, 64)
BELOW: Box = (32, 112, 288, 144)


class Screen:
    """A still camera of which a test says what it shows: blocks that enter or move."""

    def __init__(self, size: tuple[int, int] = (320, 192)) -> None:
        self.frame, self.tick = frame(page(size=size)), -1
        self.shape = (size[1] // 16, size[0] // 16)
        self.version = np.full(self.shape, -1, np.int32)

    @property
    def pts(self) -> int:
        return self.tick * SECOND // RATE

    def show(self, *entered: Box, moving: Iterable[Box] = (), ticks: int = 1) -> BlockAdmission:
        """Let `ticks` frames pass; blocks of these boxes enter in the last one."""
        self.tick += ticks
        unstable, admitted = np.zeros(self.shape, bool), np.zeros(self.shape, bool)
        for mask, boxes in ((admitted, entered), (unstable, moving)):
            for x0, y0, x1, y1 in boxes:
                mask[y0 // 16 : -(-y1 // 16), x0 // 16 : -(-x1 // 16)] = True
        self.version = np.where(admitted, np.int32(self.tick), self.version).astype(np.int32)
        texture = np.full(self.shape, 50, np.float32)
        return BlockAdmission(
            admitted=admitted, tick=self.tick, frame=self.frame, unstable=unstable, jumped=admitted, texture=texture,
            version=self.version,
        )  # fmt: skip


class Watch:
    """Tracks on a screen."""

    def __init__(self) -> None:
        self.screen, self.tracks = Screen(), LineTracks()
        self.ended: list[Observation] = []
        self.told: list[Observation] = []

    def see(self, *entered: Box, moving: Iterable[Box] = (), ticks: int = 1) -> BlockAdmission:
        admission = self.screen.show(*entered, moving=moving, ticks=ticks)
        self.ended += list(self.tracks.look(self.screen.pts, admission))
        self.told += list(self.tracks.ripe(self.screen.pts))
        return admission

    def read(self, text: str, box: Box = HERE, score: float = 0.95, ticks: int = 1) -> tuple[Observation, bool]:
        """The box enters anew, and this is read in it."""
        admission = self.see(box, ticks=ticks)
        read = self.tracks.read(self.screen.pts, admission, "camera", ReadLine(text, score, box))
        assert read is not None
        return read

    @property
    def lines(self) -> list[Observation]:
        return [track.observation for track in self.tracks._tracks]


def test_a_line_lasts_as_long_as_it_stands() -> None:
    watch = Watch()
    line, new = watch.read("Sluice gate 3 is open")
    assert new
    assert (line.kind, line.source, line.box, line.weight) == ("text", "camera", HERE, 1)
    for _ in range(30):
        watch.see()
    assert line.last - line.first == 30 * SECOND // RATE
    assert watch.ended == []
    watch.see(HERE)  # something else stands there now
    watch.see(ticks=RATE + 1)
    assert watch.ended == [line]
    assert line.last - line.first == 30 * SECOND // RATE
    watch.see(ticks=60)
    assert watch.ended == [line], "a line ends once"


def test_what_moves_over_a_line_for_a_moment_does_not_end_it() -> None:
    watch = Watch()
    line, _ = watch.read("Sluice gate 3 is open")
    watch.see(moving=[HERE])
    watch.see(moving=[HERE])
    watch.see()
    assert watch.ended == []
    assert line.last == watch.screen.pts


@pytest.mark.parametrize(
    "again", ["Sluice gate 3 is open", "Sluicegate3 is open", "SLUICE GATE 3 IS OPEN!", "Slujce gate 3 is 0pen"]
)
def test_the_same_words_are_the_same_line(again: str) -> None:
    watch = Watch()
    first, _ = watch.read("Sluice gate 3 is open")
    score = 0.95 if again[-1] != "n" or "0" not in again else 0.7  # a misread digit is an unsure reading
    second, new = watch.read(again, score=score, ticks=3)
    assert not new
    assert second is first
    assert len(watch.lines) == 1


def test_the_surer_reading_of_a_line_is_kept() -> None:
    watch = Watch()
    line, _ = watch.read("Slujce gate is open", score=0.8)
    watch.read("Sluice gate is open", score=0.97, ticks=3)
    assert (line.text, line.score) == ("Sluice gate is open", 0.97)
    watch.read("Sluice gate is opem", score=0.9, ticks=3)
    assert line.text == "Sluice gate is open"


def test_a_counter_gives_a_line_for_each_value() -> None:
    watch = Watch()
    made = [watch.read(f"Turbine level 4.{digit} metres", ticks=12) for digit in range(8)]
    assert all(new for _, new in made)
    assert len({line.id for line, _ in made}) == 8
    assert [line.text[-8] for line in watch.ended] == [str(digit) for digit in range(len(watch.ended))]
    assert len(watch.ended) >= 7


def test_a_value_that_comes_back_is_the_same_line_again() -> None:
    watch = Watch()
    first, _ = watch.read("Level 4.1 metres")
    watch.read("Level 4.2 metres", ticks=12)
    again, new = watch.read("Level 4.1 metres", ticks=12)
    assert (again is first, new, first.weight) == (True, False, 2)


def test_after_ten_minutes_it_is_another_line() -> None:
    watch = Watch()
    first, _ = watch.read("Good morning")
    watch.see(HERE, ticks=6)
    watch.see(ticks=12)
    second, new = watch.read("Good morning", ticks=601 * RATE)
    assert new
    assert second.id != first.id


CUT: Box = (200, 32, 320, 64)


def test_a_line_that_comes_into_the_frame_is_one_line() -> None:
    watch = Watch()
    first, _ = watch.read("Harbour con", box=CUT)
    line, new = watch.read("Harbour control ro", box=(120, 32, 320, 64), ticks=6)
    assert (line is first, new) == (True, False)
    line, new = watch.read("Harbour control room", box=(60, 32, 280, 64), ticks=6)
    assert (line is first, new) == (True, False)
    assert line.text == "Harbour control room"


def test_a_line_that_leaves_the_frame_keeps_its_whole_text() -> None:
    watch = Watch()
    line, _ = watch.read("Harbour control room")
    for part, box in (("rbour control room", (0, 32, 220, 64)), ("ntrol room", (0, 32, 120, 64))):
        again, new = watch.read(part, box=box, ticks=6)
        assert (again is line, new) == (True, False)
    assert line.text == "Harbour control room"


def test_cut_letters_may_be_misread() -> None:
    watch = Watch()
    line, _ = watch.read("Harbour control room")
    again, new = watch.read("l1our control room", box=(0, 32, 220, 64), ticks=6)
    assert (again is line, new, line.text) == (True, False, "Harbour control room")


def test_a_word_read_apart_belongs_to_the_line_that_still_stands_beside_it() -> None:
    watch = Watch()
    line, _ = watch.read("Harbour control room")
    again, new = watch.read("control", box=(128, 32, 192, 64), ticks=2 * RATE)
    assert (again is line, new, line.text) == (True, False, "Harbour control room")


def test_what_was_read_in_transition_is_replaced() -> None:
    watch = Watch()
    line, _ = watch.read("Lock keeper Harbour")
    again, new = watch.read("Lock keeper", ticks=4)
    assert (again is line, new, line.text) == (True, False, "Lock keeper")
    assert len(watch.lines) == 1


def test_what_is_left_of_a_line_is_a_line_only_if_it_stands_for_long() -> None:
    watch = Watch()
    watch.read("Lock keeper on duty")
    for _ in range(20):
        watch.see()
    for seconds, told in ((4, []), (7, ["Lock keeper"])):
        if not told:
            admission = watch.see(HERE)
            read = watch.tracks.read(watch.screen.pts, admission, "camera", ReadLine("Lock keeper", 0.95, HERE))
            assert read is None
        for _ in range(seconds * RATE):
            watch.see()
        assert [line.text for line in watch.told] == told


def test_what_is_read_amid_movement_is_told_once_it_stood() -> None:
    watch = Watch()
    admission = watch.see(HERE)
    assert watch.tracks.read(watch.screen.pts, admission, "camera", ReadLine("Seen", 0.9, HERE), hasty=True) is None
    watch.see(moving=[HERE])
    assert watch.told == []
    watch.see(ticks=RATE)
    assert [line.text for line in watch.told] == ["Seen"]


def test_a_running_clock_is_one_line() -> None:
    watch = Watch()
    line, _ = watch.read("CAM 2 12:00:58", ticks=RATE)
    for value in ("12:00:59", "12:01:00", "12:01:04"):
        again, new = watch.read(f"CAM 2 {value}", ticks=RATE if value != "12:01:04" else 4 * RATE)
        assert (again is line, new) == (True, False)
    assert line.text == "CAM 2 12:00:58 … 12:01:04"
    _, new = watch.read("CAM 2 17:20:00", ticks=2 * RATE)
    assert new, "another time is no tick of this clock"
    assert watch.lines[0].text == "CAM 2 12:00:58 … 12:01:04"


def test_a_clock_that_never_holds_still_is_told_all_the_same() -> None:
    watch = Watch()
    made = []
    for second in range(4):
        admission = watch.see(HERE, ticks=RATE)
        line = ReadLine(f"2025-06-09 12:00:0{second}", 0.9, HERE)
        read = watch.tracks.read(watch.screen.pts, admission, "camera", line, hasty=True)
        made.append(read and read[1])
    assert made == [None, True, False, False]
    date = watch.tracks.read(watch.screen.pts, watch.see(HERE), "camera", ReadLine("2025-06-09", 0.9, HERE))
    assert date is None, "a part of it is no value of it"
    assert watch.lines[0].text == "2025-06-09 12:00:00 … 12:00:03"


def test_values_that_tick_become_one_line_and_slower_ones_do_not() -> None:
    watch = Watch()
    ticking = [watch.read(f"{value} litres a second", ticks=RATE)[1] for value in range(40, 48)]
    assert ticking == [True] * 3 + [False] * 5
    assert watch.lines[-1].text == "42 litres a second … 47 litres a second"
    slow = Watch()
    assert all(slow.read(f"{value} litres a second", ticks=2 * RATE)[1] for value in range(40, 48))


def test_text_that_gives_way_to_nothing_is_over() -> None:
    """Its box has more blocks than its letters, and those about them never change."""
    watch = Watch()
    thin: Box = (32, 16, 288, 80)
    texture = np.zeros(watch.screen.shape, np.float32)
    texture[2, 2:18] = 60
    admission = watch.see((32, 32, 288, 48))
    admission.texture = texture
    read = watch.tracks.read(watch.screen.pts, admission, "camera", ReadLine("Sluice gate", 0.95, thin))
    assert read is not None
    for tick in range(2 * RATE):
        admission = watch.screen.show(*[(32, 32, 288, 48)] * (tick == 0))
        admission.texture = np.zeros_like(texture)
        watch.ended += list(watch.tracks.look(watch.screen.pts, admission))
    assert watch.ended == [read[0]]
    assert read[0].last == read[0].first


def test_a_line_that_is_typed_is_one_row_whatever_its_caret_looked_like() -> None:
    watch = Watch()
    line, _ = watch.read("Every sketch in the tower ha|", box=(32, 32, 240, 64))
    again, new = watch.read("Every sketch in the tower has a roof", ticks=6)
    assert (again is line, new, line.text) == (True, False, "Every sketch in the tower has a roof")


def test_a_prompt_that_came_back_begins_another_line() -> None:
    watch = Watch()
    prompt, _ = watch.read("keeper@lock:~$")
    watch.see(HERE)
    watch.see(ticks=2 * RATE)
    again, _ = watch.read("keeper@lock:~$")
    assert again is prompt
    typed, new = watch.read("keeper@lock:~$ list harbour", ticks=3)
    assert new
    assert (typed.text, prompt.text) == ("keeper@lock:~$ list harbour", "keeper@lock:~$")


def test_the_same_words_in_another_row_as_part_of_a_line_are_new() -> None:
    watch = Watch()
    watch.read("Harbour control room")
    _, new = watch.read("control", box=BELOW)
    assert new


@pytest.mark.parametrize("text", ["", "-", "a", "ab", "!?", "7", " . "])
def test_what_is_no_text_is_no_line(text: str) -> None:
    watch = Watch()
    admission = watch.see(HERE)
    assert watch.tracks.read(0, admission, "camera", ReadLine(text, 0.99, HERE)) is None


@pytest.mark.parametrize("text", ["42", "Q4", "the", "5%7"])
def test_short_values_are_lines(text: str) -> None:
    assert Watch().read(text)[1]


def test_lines_of_one_frame_have_names_of_their_own() -> None:
    watch = Watch()
    admission = watch.see(HERE, BELOW)
    names = set()
    for text, box in (("Upper line", HERE), ("Lower words", BELOW)):
        read = watch.tracks.read(watch.screen.pts, admission, "camera", ReadLine(text, 0.9, box))
        assert read is not None
        names.add(read[0].id)
    assert len(names) == 2
    other = LineTracks().read(watch.screen.pts, admission, "door", ReadLine("Upper line", 0.9, HERE))
    assert other is not None
    assert other[0].id not in names


def test_a_new_line_ends_what_stood_on_its_place() -> None:
    """Even if so few blocks changed that the old one would still seem to stand."""
    watch = Watch()
    old, _ = watch.read("Mercury falls to 720")
    admission = watch.see((240, 32, 288, 64))
    read = watch.tracks.read(watch.screen.pts, admission, "camera", ReadLine("Barley rises to 903", 0.95, HERE))
    assert read is not None
    assert read[1]
    last = old.last
    watch.see(ticks=RATE + 1)
    assert watch.ended == [old]
    assert old.last == last


def test_a_line_first_seen_after_a_boundary_belongs_to_the_new_event() -> None:
    watch = Watch()
    before, _ = watch.read("Before", ticks=6)
    after, _ = watch.read("After it", box=BELOW, ticks=6)
    before.segment = after.segment = "old"
    assert list(watch.tracks.enter(after.first - MS, "new")) == [after]
    assert (before.segment, after.segment) == ("old", "new")
    assert list(watch.tracks.enter(after.first - MS, "new")) == []


def test_what_stands_at_the_end_is_told() -> None:
    watch = Watch()
    gone, _ = watch.read("Gone by then")
    watch.see(HERE)
    watch.see(ticks=RATE + 1)
    stays, _ = watch.read("Stays", box=BELOW)
    assert list(watch.tracks.end()) == [stays]
    assert watch.ended == [gone]


def test_tracks_and_texts_are_bounded() -> None:
    watch = Watch()
    for number in range(REMEMBERED + 40):
        line, _ = watch.read(f"{number} " + chr(ord("a") + number % 26) * 40, ticks=6)
    assert len(watch.lines) == REMEMBERED
    line, _ = watch.read("word " * 1000)
    assert len(line.text) == LONGEST_TEXT
    assert watch.tracks.nbytes() <= watch.tracks.max_bytes()


def test_letters_and_digits_are_what_counts() -> None:
    assert normalise(" Sluice-Gate_3: 4.21 m! ") == "sluicegate3421m"
    assert normalise("Öffnung №5") == "öffnung5" or normalise("Öffnung №5").startswith("öffnung")
