"""StreamingBench: 4,500 questions on 900 videos, put while they run."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from pathlib import PurePosixPath
from typing import Any, ClassVar

from headrace.core.errors import InputError
from headrace.core.item import SECOND, Emission
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
from headrace.evaluation.benchmarks.choices import asked, blind_choices, prompt, right, said
from headrace.evaluation.benchmarks.figures import share
from headrace.evaluation.benchmarks.files import Entry, entries, grouped, paths_of, read_json
from headrace.evaluation.benchmarks.marks import (
    Waiting,
    answered,
    causal,
    delay,
    kinds,
    mark,
    missing,
    named_output,
)
from headrace.evaluation.metrics.text import normalise
from headrace.evaluation.metrics.windows import PROACTIVE, PROACTIVE_CAUSAL, Window, first_answer
from headrace.evaluation.truth import Event, Question

SQA, PROACTIVE_OUTPUT = "Sequential Question Answering", "Proactive Output"
#: Kinds of the questions on sight and sound; those on sight alone are the rest.
OMNI = (
    "Emotion Recognition", "Scene Understanding", "Source Discrimination", "Multimodal Alignment",
    "Misleading Context Understanding", "Anomaly Context Understanding",
)  # fmt: skip
#: Seconds after the request at which a blind policy speaks.
DELAYS = (1, 5, 6, 7, 10)
#: Fields of the annotations; every other one is a model's.
FIELDS = frozenset(
    ("task_type", "question", "time_stamp", "answer", "options", "required_ability", "audio_path", "time", "cause",
     "effect", "ground_truth_time_stamp", "ground_truth_output", "results")
)  # fmt: skip

#: A request, and the first thing that was said after it.
_Asked = tuple[Event, Emission | None]
_QUOTED = re.compile(r'["“”]([^"“”]+)["“”]')
_LETTERED = re.compile(r"\s*([A-H])[.:)]")


class StreamingBench(Benchmark):
    """Questions with options on sight (2,500), on sight and sound (1,500), in chains (250), and requests (250).

    Annotations: `questions_{real,omni,sqa,proactive}.json`, each a list of {video_path, time, video_categories,
    questions: [{task_type, question, time_stamp, answer (letter), options}]}, that of chains a list of such lists;
    requests have `ground_truth_time_stamp` and `ground_truth_output` in place of answer and options. A folder stands
    for these four. Options that are torn apart at commas (13 questions) are put together again. A stream is a video.
    Responses: the same with a model's output under its name beside each question; a text, of a request
    {answered, dialog_history: [{role, content, time}]}.

    Figures: accuracy by kind of question and of "real" and "omni" together; of requests the time ("Proactive Output,
    time") and the output.

    - published: the first character of a response is the right letter, and a space is a character too; a question
      without response leaves the count. Of requests, the answer lies within 2 s of the true time, before it too, and
      then holds the wanted words; one that never came is wrong.
    - causal: the letter and nothing else, given within 10 s of being asked; a request is met from the true time to 2 s
      behind it, by the first thing said after it was put, with the wanted words and no others; what is missing is
      wrong.

    What is wrong as published: of 250 requests 131 are met 6 s after they are put, whatever is shown, and 244 hold the
    words to be said; published runs ask every second whether to speak until 4 s behind the true time, and in chains
    tell the right answers to the questions before. A system here hears neither.
    """

    name: ClassVar[str] = "streamingbench"
    title: ClassVar[str] = (
        "StreamingBench: Assessing the Gap for MLLMs to Achieve Streaming Video Understanding (arXiv 2411.03628)"
    )
    licence: ClassVar[str] = "MIT (repository)"
    source: ClassVar[str] = "github.com/THUNLP-MT/StreamingBench"

    def load(self, path: Path) -> list[Stream]:
        rows: list[tuple[str, Any]] = []
        counts: dict[str, int] = {}
        for one in _annotations(path):
            for video, entry in _questions(one):
                counts[video] = counts.get(video, 0) + 1
                rows.append((video, _task(entry, video, counts[video])))
        return [Stream(video, video, tuple(group)) for video, group in grouped(rows)]

    def responses(self, paths: Sequence[Path], streams: Sequence[Stream]) -> dict[str, list[Emission]]:
        found: dict[str, list[Emission]] = {stream.id: [] for stream in streams}
        waiting = Waiting(streams)
        for path in paths:
            for one in paths_of(path, ".json"):
                given = _questions(one)
                name = named_output([(entry, dict.fromkeys(FIELDS)) for _, entry in given], one.name)
                for video, entry in given:
                    stream, task = waiting.take(_key(video, entry), entry.where)
                    if entry.fields.get(name):
                        found[stream.id] += _emissions(stream, task, entry, name)
        return found

    def score(self, streams: Sequence[Stream], emitted: Emitted, judge: Judge | None = None) -> Report:
        marks = mark(streams, emitted, lambda task, emission: text_of(emission)[:1] == right(task))
        published, strict = {}, {}
        for kind, some in kinds(marks).items():
            published[kind], strict[kind] = answered(some), causal(some)
        for name, omni in (("real", False), ("omni", True)):
            some = [one for one in marks if one.task.kind != SQA and (one.task.kind in OMNI) == omni]
            if some:
                published[name], strict[name] = answered(some), causal(some)
        asks = _requests(streams, emitted)
        if asks:
            published |= _met(asks, PROACTIVE, lambda wanted, text: wanted in text)
            strict |= _met(asks, PROACTIVE_CAUSAL, lambda wanted, text: normalise(wanted) == normalise(text))
        if marks:
            strict["delay (median)"] = delay(marks)
        notes = []
        spaced = sum(
            text_of(one)[:1].isspace() for _, some in _all(streams, emitted) for one in some[:1] if text_of(one).strip()
        )
        if spaced:
            notes.append(f"{spaced} responses begin with a space, which the published code takes for the letter")
        if asks:
            notes.append("requests: published runs are asked every second until 4 s behind the true time; this is not")
        return Report(published, strict, missing(streams, emitted), tuple(notes))

    def blind(self, streams: Sequence[Stream], seed: int = 0) -> dict[str, dict[str, list[Emission]]]:
        every = [task for _, task in tasks(streams)]
        found = {name: said(streams, answer) for name, answer in blind_choices(every, seed).items()}
        requests = any(isinstance(task.truth, Event) for task in every)
        for seconds in DELAYS if requests else ():
            found[f"{seconds} s after the request, the words quoted in it"] = said(streams, _quoted, seconds * SECOND)
        return found


def _annotations(path: Path) -> list[Any]:
    """The file, or those of a folder that belong together; the ones for streams and subsets repeat them."""
    found = paths_of(path, ".json")
    wanted = {f"questions_{name}.json" for name in ("real", "omni", "sqa", "proactive")}
    return [one for one in found if one.name in wanted] or found


def _questions(path: Any) -> list[tuple[str, Entry]]:
    """The questions of a file in order, each with its video."""
    name = path.name
    whole = read_json(path)
    if not isinstance(whole, list) or not whole:
        raise InputError(f"{name}: holds no list of videos with questions; give the published file, unchanged")
    parts: list[tuple[str, Any]] = []
    for index, one in enumerate(whole):
        inner = one if isinstance(one, list) else [one]
        parts += [(f"{name}, entry {index}{f'.{n}' if isinstance(one, list) else ''}", x) for n, x in enumerate(inner)]
    return [
        (_video(entry), Entry(question.where, question.fields))
        for entry in entries(parts)
        for question in entry.children("questions")
    ]


def _video(entry: Entry) -> str:
    return PurePosixPath(entry.text("video_path").replace("\\", "/")).name


def _key(video: str, entry: Entry) -> tuple[str, str, str]:
    return video, entry.text("time_stamp"), entry.text("question")


def _task(entry: Entry, video: str, number: int) -> Task:
    name, kind, asks = f"{video}#{number}", entry.text("task_type"), entry.text("question")
    at = entry.clock("time_stamp")
    detail = {"key": list(_key(video, entry))}
    if "ground_truth_time_stamp" in entry:
        due = entry.clock("ground_truth_time_stamp")
        return Task(
            name,
            PROACTIVE_OUTPUT,
            Event(due, due, entry.text("ground_truth_output")),
            f"{asks}\nSay it when it is so, and nothing before.",
            detail | {"asked": at},
        )
    options = _whole(entry.texts("options"))
    answer = entry.text("answer").strip()
    index = "ABCDEFGH".find(answer) if len(answer) == 1 else -1
    if not 0 <= index < len(options):
        raise entry.error("'answer'", f"is {answer!r}, none of the letters of {len(options)} options; mend it")
    question = Question(at, asks, options, options[index])
    return Task(name, kind, question, prompt(asks, options), detail | {"right": answer})


def _whole(options: tuple[str, ...]) -> tuple[str, ...]:
    """Options that were torn apart, put together: what does not begin with the next letter belongs to the one before.

    Four options are taken as they are; of more, the four that the published prompt shows.
    """
    if len(options) <= 4 or _LETTERED.match(options[0]) is None:
        return options
    joined: list[str] = []
    for option in options:
        begins = _LETTERED.match(option)
        if begins is not None and begins[1] == "ABCDEFGH"[len(joined)]:
            joined.append(option)
        else:
            joined[-1] = f"{joined[-1]}, {option}" if option else joined[-1]
    return tuple(joined[:4])


def _emissions(stream: Stream, task: Task, entry: Entry, name: str) -> list[Emission]:
    if isinstance(task.truth, Question):
        return [say(task, stream, entry.text(name), task.truth.t)]
    output = entry.child(name)
    history = output.children("dialog_history")
    if not history or output.fields.get("answered") is False:
        return []
    return [say(task, stream, history[-1].text("content"), history[-1].seconds("time"))]


def _all(streams: Sequence[Stream], emitted: Emitted) -> list[tuple[Task, list[Emission]]]:
    """Questions with options, and what was said to them."""
    found = []
    for stream in streams:
        given = answers(emitted, stream)
        found += [(task, given[task.id]) for task in stream.tasks if isinstance(task.truth, Question)]
    return found


def _requests(streams: Sequence[Stream], emitted: Emitted) -> list[_Asked]:
    """Requests, each with the first thing that was said after it."""
    return [
        (task.truth, first_answer(given[task.id], asked(task)))
        for stream in streams
        for given in (answers(emitted, stream),)
        for task in stream.tasks
        if isinstance(task.truth, Event)
    ]


def _met(
    asks: Sequence[tuple[Event, Emission | None]], window: Window, same: Callable[[str, str], bool]
) -> dict[str, Value]:
    met = [one is not None and window.holds(one.t_emit, event) for event, one in asks]
    right_too = [
        held and one is not None and same(str(event.content), text_of(one))
        for held, (event, one) in zip(met, asks, strict=True)
    ]
    return {f"{PROACTIVE_OUTPUT}, time": share(met), f"{PROACTIVE_OUTPUT}, output": share(right_too)}


def _quoted(task: Task) -> str:
    """The words that a request quotes last, which are mostly those to be said."""
    if not isinstance(task.truth, Event):
        return ""
    found = _QUOTED.findall(task.prompt)
    return found[-1] if found else "now"
