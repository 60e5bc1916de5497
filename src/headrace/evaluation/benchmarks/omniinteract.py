"""OmniInteract: conversation in real time: when to speak, what to say, when to stop."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import chain
from pathlib import Path as File
from typing import ClassVar

from headrace.core.errors import ConfigError, InputError
from headrace.core.item import SECOND, Emission
from headrace.evaluation.benchmark import Benchmark, Emitted, Judge, Path, Report, Stream, Value
from headrace.evaluation.benchmarks.figures import average, share
from headrace.evaluation.benchmarks.files import Entry, Unique, entries_of, read_json
from headrace.evaluation.benchmarks.omniinteract_turns import NESTED, STEPS, read_nested, read_steps, read_turns
from headrace.evaluation.benchmarks.standing import utter
from headrace.evaluation.blind import exchange_rows
from headrace.evaluation.metrics.graded import Graded
from headrace.evaluation.metrics.listener import ByJudge
from headrace.evaluation.metrics.quality import CAUSAL, CAUSAL_STEPS, PUBLISHED, PUBLISHED_STEPS, Quality, quality
from headrace.evaluation.truth import Exchange

SUBSETS = ("1q1a", "1q1a_math", "1qna")
#: Files that may hold what was said, the best first.
TRANSCRIPTS = ("precise_truncation.json", "wav_transcript_aligned.json", "wav_transcript.json", "output.json")


class OmniInteract(Benchmark):
    """250 videos with 1,430 exchanges: questions at once, questions that must wait, nested ones, and procedures.

    Annotations: the published folder `data` with the subsets 1q1a, 1q1a_math (video_json_map.json, annotations/) and
    1qna (videos_bench/, annotations/), or one of the three. A stream is a video, a task an exchange [start, t_answer,
    end) as `omniinteract_turns` reads it; kinds are "realtime", "proactive", "nested" and "steps" (1QnA).
    Responses: the folder of outputs, or some of its files, SUBSET/VIDEO/precise_truncation.json (or, in its place,
    another of `TRANSCRIPTS`), where VIDEO is the video's path with "/" as "__": {chunks: [{text, timestamp: [s, s],
    aligned_words}]}.

    Figures (`metrics.quality`): IA-QTF1 of all, of 1Q1A, of 1QnA and by kind; NCCS of nested pairs; of interrupted
    exchanges NOR, PAQ, CSM-SR and CSM-AS. What was said outside all exchanges counts against the first three only.

    - published: as the evaluation code has it; videos without a transcript are left out.
    - causal: nothing is to be won before there is something to say, the cut-off answer counts, and every video does.

    The published judge is a model asked in three ways (early, core, cut off); here one judge of texts is asked for
    all (`metrics.listener.ByJudge`). An exchange whose next question comes before its own answer is due ends there in
    the published code, and can earn nothing; here it ends when the answer is due, which is the same to all figures
    but the spill of an interrupted one.
    """

    name: ClassVar[str] = "omniinteract"
    title: ClassVar[str] = (
        "OmniInteract: Benchmarking Real-World Streaming Interaction for Real-Time Omnimodal Assistants "
        "(arXiv 2605.26485)"
    )
    licence: ClassVar[str] = "none stated"
    source: ClassVar[str] = "github.com/Lucky-Lance/OmniInteract; huggingface.co/datasets/lucky-lance/OmniInteract"
    judged: ClassVar[bool] = True

    def load(self, path: Path) -> list[Stream]:
        root, ids = File(path), Unique()
        folders = [root] if root.name in SUBSETS else [root / one for one in SUBSETS if (root / one).is_dir()]
        made = list(chain.from_iterable(_subset(folder, ids) for folder in folders))
        if not made:
            raise InputError(f"{root}: holds none of {', '.join(SUBSETS)} with annotations; give the folder `data`")
        return made

    def responses(self, paths: Sequence[Path], streams: Sequence[Stream]) -> dict[str, list[Emission]]:
        found: dict[str, list[Emission]] = {}
        for stream in streams:
            for path in paths:
                file = _transcript(File(path), stream)
                if file is not None:
                    found[stream.id] = _spoken(file, stream)
        if not found and streams:
            raise InputError(f"{paths[0]}: holds no SUBSET/VIDEO/{TRANSCRIPTS[0]}; give the folder of outputs")
        return found

    def score(self, streams: Sequence[Stream], emitted: Emitted, judge: Judge | None = None) -> Report:
        if judge is None:
            raise ConfigError("omniinteract: answers need a judge; choose one (exact, f1, meaning, or a model)")
        published = [(one, _quality(one, emitted, judge, causal=False)) for one in streams if one.id in emitted]
        causal = [(one, _quality(one, emitted, judge, causal=True)) for one in streams]
        missing = sum(outcome.silent for _, one in causal for outcome in one.outcomes)
        note = f"early speech, answers and cut-off answers are all judged by {judge.name}"
        return Report(_figures(published), _figures(causal), missing, (note,))

    def blind(self, streams: Sequence[Stream], seed: int = 0) -> dict[str, dict[str, list[Emission]]]:
        """Silence, "one moment" at every request or every second, the question itself, the commonest answer after the
        median wait (a prior of the whole set); none of them uses the seed."""
        every = [exchange for stream in streams for exchange in exchanges(stream)]
        found: dict[str, dict[str, list[Emission]]] = {}
        for stream in streams:
            own = exchanges(stream)
            rows = exchange_rows(own, every)
            rows["the question itself"] = [utter(stream, k, one.request, one.start) for k, one in enumerate(own)]
            for name, said in rows.items():
                found.setdefault(_NAMES.get(name, name), {})[stream.id] = said
        return found


_NAMES = {"never": "silence", "prior": "commonest answer (prior of the whole set)"}


def exchanges(stream: Stream) -> list[Exchange]:
    """The exchanges of a stream, each with what the user wants; a step of a procedure has it from the first one."""
    found = []
    for task in stream.tasks:
        assert isinstance(task.truth, Exchange)
        found.append(replace(task.truth, request=str(task.detail.get("request", task.truth.request))))
    return found


def _subset(folder: File, ids: Unique) -> list[Stream]:
    if folder.name == "1qna":
        files = sorted((folder / "annotations").rglob("*.json"))
        named = [(one.relative_to(folder / "annotations").with_suffix(".mp4"), one, STEPS) for one in files]
        listed = [(f"videos_bench/{video.as_posix()}", one, scene) for video, one, scene in named]
    else:
        index = folder / "video_json_map.json"
        value = read_json(index)
        rows = entries_of(index.name, value.get("entries") if isinstance(value, dict) else value)
        listed = [(row.text("video"), folder / row.text("annotation"), row.text("scene_type", "")) for row in rows]
    return [_stream(f"{folder.name}/{video}", one, scene, ids) for video, one, scene in listed]


def _stream(media: str, path: File, scene: str, ids: Unique) -> Stream:
    name = ids.add(media.removesuffix(".mp4"), path.name)
    read = read_steps if scene == STEPS else read_nested if scene == NESTED else read_turns
    tasks = tuple(read(name, path.name, read_json(path)))
    if not tasks:
        raise InputError(f"{path}: holds no exchange; leave the video out")
    return Stream(name, media, tasks)


def _transcript(root: File, stream: Stream) -> File | None:
    subset, video = stream.id.split("/", 1)
    folder = video.replace("/", "__")
    if root.is_file():
        return root if root.parts[-3:-1] == (subset, folder) else None
    places = [root / subset / folder, *([root / folder] if root.name == subset else [])]
    return next((place / one for place in places for one in TRANSCRIPTS if (place / one).is_file()), None)


def _spoken(path: File, stream: Stream) -> list[Emission]:
    value = read_json(path)
    made = []
    for index, entry in enumerate(entries_of(path.name, value.get("chunks") if isinstance(value, dict) else value)):
        start, end = _times(entry)
        one = utter(stream, index, entry.text("text"), start, end)
        words = []
        for word in entry.children("aligned_words") if "aligned_words" in entry else []:
            begin, finish = sorted((word.clock("start"), word.clock("end")))
            words.append([word.text("text"), begin, finish])
        words.sort(key=lambda word: word[1:])
        content = one.content | {"words": words} if words else one.content
        made.append(replace(one, content=content, cause=None))
    return made


def _times(entry: Entry) -> tuple[int, int]:
    given = entry.items("timestamp")
    if len(given) != 2:
        raise entry.error("'timestamp'", f"has {len(given)} times, not two; mend it")
    start, end = sorted(Entry(f"{entry.where}, timestamp", {"time": one}).clock("time") for one in given)
    return start, end


def _quality(stream: Stream, emitted: Emitted, judge: Judge, *, causal: bool) -> Quality:
    steps = stream.tasks[0].kind == STEPS
    rule = (CAUSAL_STEPS if steps else CAUSAL) if causal else (PUBLISHED_STEPS if steps else PUBLISHED)
    return quality(emitted.get(stream.id, ()), exchanges(stream), ByJudge(judge), rule)


def _figures(scored: Sequence[tuple[Stream, Quality]]) -> dict[str, Value]:
    whole = [one for _, one in scored]
    made = {"IA-QTF1": _f1([one.graded for one in whole], _count(whole))}
    for name, steps in (("1Q1A", False), ("1QnA", True)):
        some = [one for stream, one in scored if (stream.tasks[0].kind == STEPS) == steps]
        made[f"IA-QTF1 {name}"] = _f1([one.graded for one in some], _count(some))
    by_kind: dict[str, list[Graded]] = {}
    for stream, one in scored:
        kinds = {exchange: task.kind for exchange, task in zip(exchanges(stream), stream.tasks, strict=True)}
        for outcome in one.outcomes:
            by_kind.setdefault(kinds[outcome.exchange], []).append(outcome.graded)
    for kind, graded in sorted(by_kind.items()):
        if kind != STEPS:
            made[f"IA-QTF1 {kind}"] = _f1(graded, len(graded))
    pooled = Quality(tuple(outcome for one in whole for outcome in one.outcomes))
    cut = [one for one in pooled.outcomes if one.exchange.interrupted]
    heard = [one for one in cut if not one.silent]
    made["NCCS"] = share([value for one in whole for value in one.nested])
    made["NOR"] = share([one.silent for one in cut])
    made["PAQ"] = share([one.partial for one in heard if one.partial is not None])
    made["CSM-SR"] = share([one.spill > 0 for one in heard])
    made["CSM-AS"] = average([one.spill / SECOND for one in heard], "s")
    return made


def _f1(graded: Sequence[Graded], count: int) -> Value:
    return Value(100 * sum(graded, Graded()).f1 if count else float("nan"), count)


def _count(scored: Sequence[Quality]) -> int:
    return sum(len(one.outcomes) for one in scored)
