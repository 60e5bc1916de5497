"""StreamGaze: questions that need to know where somebody looks, on 285 videos."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import PurePosixPath
from typing import Any, ClassVar

from headrace.core.errors import InputError
from headrace.core.item import Emission
from headrace.evaluation.benchmark import (
    Benchmark,
    Emitted,
    Judge,
    Path,
    Report,
    Stream,
    Task,
    Value,
    answers,
    say,
    tasks,
    text_of,
)
from headrace.evaluation.benchmarks.choices import (
    ANSWER_AT_PLACE,
    LETTER_OF_KIND,
    blind_choices,
    blind_places,
    blind_words,
    letter,
    options_of,
    prompt,
    right,
    said,
    together,
)
from headrace.evaluation.benchmarks.figures import macro, share
from headrace.evaluation.benchmarks.files import Entry, entries_of, grouped, paths_of, read_json
from headrace.evaluation.benchmarks.marks import (
    Mark,
    Waiting,
    answered,
    causal,
    counted,
    delay,
    kinds,
    mark,
    missing,
    strictly,
)
from headrace.evaluation.metrics.windows import GAZE
from headrace.evaluation.truth import Event, Question

#: What reports: a plain "yes".
_YES = Task("", "", Question(0, "", None, "Yes"))
_ALONE = re.compile(r"\b([ABCD])\b")


class StreamGaze(Benchmark):
    """8,521 questions of ten kinds: four on the past, four on the present, and two requests to be alert.

    Annotations: `past_*.json`, `present_*.json`, `proactive_*.json`, each a list of {video_path, questions:
    [{question, time_stamp ("MM:SS"), answer (letter), options}]}; of requests {question, time_stamp,
    first_appearance, target_object, test_info: [{realtime ("MM:SS"), type}]}, type 1 is "Yes". A folder stands for its
    JSON files; the file's name is the kind. A stream is a video, a task a question or a probe.
    Responses: files of the same name and "_output", with `model_predictions` [{model_prediction}] beside `questions`,
    and `response` in each entry of `test_info`.

    The form is that which the published code reads and writes.

    Figures: accuracy by kind, and "average", the mean of kinds.

    - published: a question's right letter is the first of A to D that stands alone in the response, whatever the case
      (so that "a cup" is A), else the whole response; a question without prediction leaves the count. A probe is right
      if "yes" or "no" occurs anywhere in the response ("no" in "not sure" too). Kinds without any response leave the
      average.
    - causal: the answer and nothing else, given within 10 s of being asked; what is missing is wrong.

    Probes are not alerts: whoever is asked at given times need not know when to speak, and most of the answers at each
    place are the same. "T_acc" therefore takes the first "yes" to a request as its report, which must lie within the
    span of the event, or up to 3 s behind it (`metrics.windows.GAZE`); who always says "yes" has 0. The files have the
    begin of the span, not its end: it is taken to last until the last probe of the first row of those of type 1.
    """

    name: ClassVar[str] = "streamgaze"
    title: ClassVar[str] = (
        "StreamGaze: Gaze-Guided Temporal Reasoning and Proactive Understanding in Streaming Videos (arXiv 2512.01707)"
    )
    licence: ClassVar[str] = "CC BY 4.0 (repository)"
    source: ClassVar[str] = "huggingface.co/datasets/danaleee/StreamGaze"

    def load(self, path: Path) -> list[Stream]:
        rows: list[tuple[str, Task]] = []
        counts: dict[tuple[str, str], int] = {}
        for one in paths_of(path, ".json"):
            kind = _kind(one)
            for video, question, _ in _questions(one):
                counts[kind, video] = number = counts.get((kind, video), 0) + 1
                rows += [(video, task) for task in _tasks(question, kind, video, number)]
        return [Stream(video, video, tuple(group)) for video, group in grouped(rows)]

    def responses(self, paths: Sequence[Path], streams: Sequence[Stream]) -> dict[str, list[Emission]]:
        found: dict[str, list[Emission]] = {stream.id: [] for stream in streams}
        waiting = Waiting(streams)
        for path in paths:
            for one in paths_of(path, ".json"):
                count = 0
                for key, entry, output in _outputs(one):
                    stream, task = waiting.take(key, entry.where)
                    if output is None:
                        continue
                    assert isinstance(task.truth, Question)
                    found[stream.id].append(say(task, stream, output, task.truth.t))
                    count += 1
                if not count:
                    raise InputError(f"{one.name}: holds no model's outputs; give a model's output file")
        return found

    def score(self, streams: Sequence[Stream], emitted: Emitted, judge: Judge | None = None) -> Report:
        marks = mark(streams, emitted, _published)
        published: dict[str, Value] = {}
        strict: dict[str, Value] = {}
        for kind, some in kinds(marks).items():
            strict[kind] = causal(some)
            if any(one.published is not None for one in some):
                published[kind] = _accuracy(some)
        return Report(
            published | {"average": macro(list(published.values()))},
            strict
            | {"average": macro(list(strict.values()))}
            | _reports(streams, emitted)
            | {"delay (median)": delay(marks)},
            missing(streams, emitted),
            ("T_acc: the published files lack the ends of the spans, which are taken from the probes",),
        )

    def blind(self, streams: Sequence[Stream], seed: int = 0) -> dict[str, dict[str, list[Emission]]]:
        every = [task for _, task in tasks(streams)]
        policies = (
            blind_choices(every, seed)
            | blind_words(("Yes", "No"), lambda task: not options_of(task))
            | blind_places(every)
        )
        best = [policies[name] for name in (LETTER_OF_KIND, ANSWER_AT_PLACE) if name in policies]
        policies["both priors of the whole set together"] = together(*best)
        return {name: said(streams, answer) for name, answer in policies.items()}


def _kind(path: Any) -> str:
    return str(path.stem).removesuffix("_output")


def _questions(path: Any) -> Iterator[tuple[str, Entry, Entry]]:
    """The questions of a file, each with its video and the entry it stands in."""
    for entry in entries_of(path.name, read_json(path)):
        video = PurePosixPath(entry.text("video_path").replace("\\", "/")).name
        for question in entry.children("questions"):
            yield video, question, entry


def _tasks(entry: Entry, kind: str, video: str, number: int) -> list[Task]:
    name, asks = f"{kind}/{video}#{number}", entry.text("question")
    if "test_info" not in entry:
        options = entry.texts("options")
        found = _ALONE.search(entry.text("answer").upper())
        index = "ABCD".index(found[1]) if found else len(options)
        if index >= len(options):
            answer = entry.text("answer")
            raise entry.error("'answer'", f"is {answer!r}, none of the letters of {len(options)} options; mend it")
        question = Question(entry.clock("time_stamp"), asks, options, options[index])
        right_letter = {"key": _key(kind, video, entry), "right": letter(index)}
        return [Task(name, kind, question, prompt(asks, options), right_letter)]
    made = []
    span = _span(entry)
    for place, probe in enumerate(entry.children("test_info")):
        type_ = probe.whole("type")
        if type_ not in (0, 1):
            raise probe.error("'type'", f"is {type_}, neither 0 nor 1; mend it")
        question = Question(probe.clock("realtime"), asks, None, "Yes" if type_ else "No")
        told = f"{asks}\nIs it so by now? Answer with Yes or No, and nothing else."
        key = [*_key(kind, video, entry), str(place)]
        detail: dict[str, Any] = {"key": key, "place": place, "request": name, "span": span}
        made.append(Task(f"{name}_{place}", kind, question, told, detail))
    return made


def _span(entry: Entry) -> tuple[int, int]:
    """From when to when, at least, what is to be reported can be seen."""
    start = entry.clock("first_appearance")
    row: list[int] = []
    for probe in entry.children("test_info"):
        t = probe.clock("realtime")
        if probe.whole("type") == 1 and t >= start:
            row.append(t)
        elif row:
            break
    return start, max([start, *row])


def _reports(streams: Sequence[Stream], emitted: Emitted) -> dict[str, Value]:
    """T_acc by kind, over requests."""
    found: dict[str, list[bool]] = {}
    for stream in streams:
        given = answers(emitted, stream)
        for _, group in grouped((task.detail["request"], task) for task in stream.tasks if "request" in task.detail):
            said = [one for task in group for one in given[task.id] if strictly(_YES, text_of(one))]
            event = Event(*group[0].detail["span"])
            first = min(said, key=lambda one: one.t_emit, default=None)
            found.setdefault(group[0].kind, []).append(first is not None and GAZE.holds(first.t_emit, event))
    return {f"{kind}, T_acc": share(some) for kind, some in found.items()}


def _key(kind: str, video: str, entry: Entry) -> list[str]:
    return [kind, video, entry.text("time_stamp"), entry.text("question")]


def _outputs(path: Any) -> Iterator[tuple[list[str], Entry, str | None]]:
    """The key of a task, where it stands, and what was put out; None if nothing was."""
    kind = _kind(path)
    place = 0
    before: Entry | None = None
    for video, question, entry in _questions(path):
        place, before = (place + 1 if before is entry else 0), entry
        key = _key(kind, video, question)
        if "test_info" in question:
            for number, probe in enumerate(question.children("test_info")):
                yield [*key, str(number)], probe, probe.text("response") if "response" in probe else None
            continue
        predictions = entry.children("model_predictions") if "model_predictions" in entry else []
        if place >= len(predictions):
            yield key, question, None
            continue
        one = predictions[place]
        yield key, one, one.text("model_prediction", "")


def _published(task: Task, emission: Emission) -> bool:
    text = text_of(emission).strip().upper()
    if not options_of(task):
        assert isinstance(task.truth, Question)
        return (task.truth.answer or "").upper() in text
    found = _ALONE.search(text)
    return (found[1] if found else text) == right(task)


def _accuracy(some: Sequence[Mark]) -> Value:
    """Questions without prediction leave the count; probes without response are wrong."""
    return answered(some) if options_of(some[0].task) else counted(some)
