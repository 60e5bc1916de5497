"""omnipro_probe: OmniPro's probes: asked shortly before an event and shortly after it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from headrace.core.item import Emission
from headrace.evaluation.benchmark import Emitted, Stream, Task, Value, text_of
from headrace.evaluation.benchmarks.figures import macro, share
from headrace.evaluation.benchmarks.files import Entry, grouped
from headrace.evaluation.benchmarks.omnipro_content import (
    COUNTED,
    FREE,
    GROUNDING,
    SNAPSHOT,
    STATE,
    count,
    place,
    state_is,
)
from headrace.evaluation.metrics.heard import heard
from headrace.evaluation.truth import Event

#: The kind of emissions that answer a probe.
PROBE = "probe"

_YES, _NO = re.compile(r"\W*yes\b", re.IGNORECASE), re.compile(r"\W*no\b\W*", re.IGNORECASE)
_LETTER = re.compile(r"\W*([A-Za-z])\b(?:\W|$)")


def probe_content(entry: Entry, task: Task) -> dict[str, Any]:
    """The content of an emission that answers a probe: what was said, when ("pre", "post"), and whether the published
    runner took it as right; `letter`: the option that it showed as the right one, if any.
    """
    when = entry.text("probe_type")
    if when not in ("pre", "post"):
        raise entry.error("'probe_type'", f'is {when!r}; it is "pre" or "post"')
    right = entry.flag("correct")
    if when == "post" and task.kind in (GROUNDING, SNAPSHOT):
        parsed = entry.child("parsed").fields
        field = "position" if task.kind == GROUNDING else "count"
        given, true = str(parsed.get(field)).lower(), str(_content(task).get(field)).lower()
        right = bool(parsed.get("triggered")) and given == true
    expected = entry.text("gt_expected") if task.kind in FREE else ""
    return {"text": entry.text("raw_response", ""), "when": when, "right": right, "letter": expected}


def probe_figures(streams: Sequence[Stream], probes: Emitted) -> tuple[dict[str, Value], dict[str, Value]]:
    """Published and causal figures, by task and as means over tasks.

    "probe pre", "probe post": share of right answers before and after the event; "probe pairs": share of events where
    both were right. Free texts are asked once, after the event, and have that share only.

    - published: the runner's own verdicts over the probes in the file.
    - causal: every event counts, a missing answer is wrong, and answers are read strictly (a leading yes or a bare
      no, the whole state, the letter first); what was asked "before" an event but at its time or later is left out.
    """
    published: dict[str, Value] = {}
    causal: dict[str, Value] = {}
    for kind, some in grouped((stream.tasks[0].kind, stream) for stream in streams):
        published |= _figures(
            kind, [_verdicts(task, stream, probes, strict=False) for stream in some for task in stream.tasks]
        )
        causal |= _figures(
            kind, [_verdicts(task, stream, probes, strict=True) for stream in some for task in stream.tasks]
        )
    return _means(published) | published, _means(causal) | causal


def _verdicts(task: Task, stream: Stream, probes: Emitted, *, strict: bool) -> tuple[bool | None, bool | None]:
    """Right before and after; None where it does not count."""
    found: dict[str, bool | None] = {"pre": None, "post": None}
    if strict:
        found = {"pre": None if task.kind in FREE else False, "post": False}
    for one in heard(probes.get(stream.id, ())):
        if one.cause != task.id:
            continue
        content = one.content
        if strict and content["when"] == "pre" and one.t_emit >= _event(task).start:
            found["pre"] = None
        else:
            found[content["when"]] = _strictly(task, one) if strict else content["right"]
    return found["pre"], found["post"]


def _strictly(task: Task, one: Emission) -> bool:
    text, before, content = text_of(one), one.content["when"] == "pre", _content(task)
    index = int(task.detail["index"])
    if task.kind in COUNTED:
        return count(text) == index + (not before)
    if task.kind == STATE:
        return state_is(text, str(content.get("before" if before else "state", "")))
    if task.kind in FREE:
        found = _LETTER.match(text)
        return found is not None and found[1].upper() == one.content["letter"]
    if before:
        return _NO.fullmatch(text) is not None
    if not _YES.match(text):
        return False
    if task.kind == GROUNDING:
        return place(text) == content.get("position")
    return task.kind != SNAPSHOT or count(text) == content.get("count")


def _figures(kind: str, verdicts: Sequence[tuple[bool | None, bool | None]]) -> dict[str, Value]:
    before = [pre for pre, _ in verdicts if pre is not None]
    after = [post for _, post in verdicts if post is not None]
    pairs = [pre and post for pre, post in verdicts if pre is not None and post is not None]
    if not after and not before:
        return {}
    made = {f"probe post {kind}": share(after), f"probe pairs {kind}": share(after if kind in FREE else pairs)}
    return made if kind in FREE else {f"probe pre {kind}": share(before)} | made


def _means(figures: dict[str, Value]) -> dict[str, Value]:
    names = ("probe pre", "probe post", "probe pairs")
    return {name: macro([one for key, one in figures.items() if key.startswith(name)]) for name in names}


def _event(task: Task) -> Event:
    assert isinstance(task.truth, Event)
    return task.truth


def _content(task: Task) -> dict[str, Any]:
    content: dict[str, Any] = _event(task).content
    return content
