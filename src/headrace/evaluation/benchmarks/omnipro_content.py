"""omnipro_content: what OmniPro's nine tasks want to be said, and whether it was."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from headrace.core.item import Emission
from headrace.evaluation.benchmark import Judge, text_of
from headrace.evaluation.benchmarks.files import Entry
from headrace.evaluation.metrics.matching import Right, judged
from headrace.evaluation.truth import Event

#: Alerts, where time alone counts.
TIMED = ("instant_event_alert", "semantic_condition_alert")
#: Running counts.
COUNTED = ("cumulative_counting", "dedup_counting")
#: Free texts.
FREE = ("event_narration", "sequential_step_instruction")
GROUNDING, SNAPSHOT, STATE = "explicit_target_grounding", "snapshot_counting", "realtime_state_monitor"
KINDS = (*TIMED, GROUNDING, SNAPSHOT, *COUNTED, STATE, *FREE)

_ROWS, _COLUMNS = ("top", "center", "bottom"), ("left", "center", "right")
#: The nine places of a picture; the middle one is "center".
PLACES = tuple("center" if row == column == "center" else f"{row}-{column}" for row in _ROWS for column in _COLUMNS)

_NAMED = re.compile(r"position\s*:\s*([\w-]+)")
_CLOCK = re.compile(r"\b\d{1,2}:\d{2}(?::\d{2})?\b")
_WHOLE = re.compile(r"-?\d{1,9}")


def content_of(entry: Entry) -> dict[str, Any]:
    """The content of an event: "text", and "position", "count", "state", "before" where the task has them."""
    content: dict[str, Any] = {"text": entry.text("response", entry.text("event_description", ""))}
    if "position" in entry:
        content["position"] = entry.text("position").strip().lower()
    if "count" in entry:
        content["count"] = entry.whole("count")
    if "state_to" in entry or "state" in entry:
        content["state"] = _state(entry.text("state_to", entry.text("state", "")))
    if "state_from" in entry:
        content["before"] = _state(entry.text("state_from"))
    return content


def said_of(event: Event) -> str:
    """The text that says an event's content as briefly as the task allows."""
    content = event.content
    for field in ("position", "count", "state"):
        if field in content:
            return str(content[field])
    return str(content["text"]) or "now"


def right_for(kind: str, events: Sequence[Event], request: str, judge: Judge | None) -> Right:
    """What decides on an emission that was paired with an event.

    - alerts: always right. Places: the same of the nine. Snapshot counts: the event's count. Running counts: the count
      of the last event that had come when it was said, which need not be the one it is paired with. States: the same
      name. Free texts: by the judge; without one never right.
    """
    if kind in FREE:
        return judged(judge, request) if judge is not None else lambda *_: False
    rules: Mapping[str, Right] = {
        GROUNDING: lambda one, event: place(text_of(one)) == event.content.get("position", ""),
        SNAPSHOT: lambda one, event: count(text_of(one)) == event.content.get("count", ""),
        STATE: lambda one, event: _state(text_of(one)) == event.content.get("state"),
    }
    counted: Callable[[Emission, Event], bool] = lambda one, _: count(text_of(one)) == _so_far(events, one.t_emit)  # noqa: E731
    return counted if kind in COUNTED else rules.get(kind, lambda *_: True)


def place(text: str) -> str | None:
    """The place that a text names: the one behind "position:", else the longest name of a place that occurs in it."""
    lowered = text.lower()
    named = _NAMED.search(lowered)
    if named and named[1] in PLACES:
        return named[1]
    return next((one for one in sorted(PLACES, key=len, reverse=True) if one in lowered), None)


def count(text: str) -> int | None:
    """The first whole number of a text, times of day left out."""
    found = _WHOLE.search(_CLOCK.sub(" ", text))
    return int(found[0]) if found else None


def state_is(text: str, state: str) -> bool:
    """Whether a text is a state's name, quotes and case aside."""
    return _state(text) == _state(state)


def _so_far(events: Sequence[Event], t: int) -> int | str:
    """The count of the last event up to t; "", which is no count, before the first."""
    counts = [event.content["count"] for event in events if event.start <= t and "count" in event.content]
    return counts[-1] if counts else ""


def _state(text: str) -> str:
    return text.strip().strip("'\"").lower()
