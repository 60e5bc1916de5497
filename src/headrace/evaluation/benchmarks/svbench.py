"""SVBench: chains of open questions, each chain at the end of a part of a video."""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Sequence
from pathlib import Path as File
from pathlib import PurePosixPath
from typing import Any, ClassVar

from headrace.core.errors import ConfigError, InputError
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
from headrace.evaluation.benchmarks.choices import Answer, asked, said
from headrace.evaluation.benchmarks.figures import share
from headrace.evaluation.benchmarks.files import Entry, Unique, entries_of, grouped, paths_of, read_json, read_text
from headrace.evaluation.metrics.windows import PATIENCE, first_answer
from headrace.evaluation.truth import Question


class SVBench(Benchmark):
    """Open questions in chains of five or six on each part of a video, with links from a chain to the next one.

    Annotations: the published folder (Dialogue/Dialogue_EN/VIDEO.json, and, where they are there, Con/Con_EN/VIDEO.json
    for the links and Meta/Meta_EN/meta_test.csv for the test split and the files), or a folder of such dialogues, or
    one of them: a list of {chain: {questions, answers}, qac_timestamps_start, qac_timestamps_end (s)}, {} for a part
    without a chain. A stream is a video, a task a question, put at the end of its part. Responses: VIDEO.json, a list
    of {questions, gt_answers, answers}, one for each part.

    Figures, the judge's marks in %: "turns", mean over questions; "chains", mean over chains of their means; "linked",
    mean over questions that are linked with another chain's.

    - published: questions without an answer (there: without a mark that can be read) leave the mean.
    - causal: the first answer within 10 s of the end of the part; a missing one is 0.

    The published judges are a model with prompts of five axes from 0 to 10 for whole chains. What is wrong in their
    code is not copied: the prompt for chains uses a variable `relationships` that is not defined, so that it stops at
    once; a model is asked again without end until it replies; marks that cannot be read are left out of the mean.
    Streaming/Streaming_EN holds the same questions along sampled paths; it is not read.
    """

    name: ClassVar[str] = "svbench"
    title: ClassVar[str] = (
        "SVBench: A Benchmark with Temporal Multi-Turn Dialogues for Streaming Video Understanding (arXiv 2502.10810)"
    )
    licence: ClassVar[str] = "Apache-2.0 (annotations)"
    source: ClassVar[str] = "github.com/yzy-bupt/SVBench; huggingface.co/datasets/yzy666/SVBench"
    judged: ClassVar[bool] = True

    def load(self, path: Path) -> list[Stream]:
        root = File(path)
        dialogues = root / "Dialogue" / "Dialogue_EN"
        if not dialogues.is_dir():
            return [_stream(one, f"{one.stem}.mp4", None) for one in paths_of(root, ".json")]
        listed = root / "Meta" / "Meta_EN" / "meta_test.csv"
        media = _media(listed) if listed.is_file() else {}
        files = [dialogues / f"{name}.json" for name in sorted(media)] or paths_of(dialogues, ".json")
        links = root / "Con" / "Con_EN"
        return [_stream(one, media.get(one.stem, f"Video/{one.stem}.mp4"), links / one.name) for one in files]

    def responses(self, paths: Sequence[Path], streams: Sequence[Stream]) -> dict[str, list[Emission]]:
        by_id, seen = {stream.id: stream for stream in streams}, Unique()
        found: dict[str, list[Emission]] = {}
        for one in (one for path in paths for one in paths_of(path, ".json")):
            if one.stem in by_id:
                seen.add(one.stem, one.name)
                found[one.stem] = _answers(one, by_id[one.stem])
        if not found and streams:
            raise InputError("responses: none is named after a video that is annotated; give the folder of VIDEO.json")
        return found

    def score(self, streams: Sequence[Stream], emitted: Emitted, judge: Judge | None = None) -> Report:
        if judge is None:
            raise ConfigError("svbench: open answers need a judge; choose one (exact, f1, meaning, or a model)")
        published: list[list[tuple[Task, float]]] = []
        causal: list[list[tuple[Task, float]]] = []
        missing = 0
        for stream in streams:
            given = answers(emitted, stream)
            missing += sum(not texts for texts in given.values())
            for _, turns in grouped((task.detail["chain"], task) for task in stream.tasks):
                published.append([(task, _mark(task, given[task.id][0], judge)) for task in turns if given[task.id]])
                late = [(task, first_answer(given[task.id], asked(task), PATIENCE)) for task in turns]
                causal.append([(task, _mark(task, one, judge)) for task, one in late])
        return Report(_figures(published), _figures(causal), missing, (f"marks by {judge.name}, 0 to 100",))

    def blind(self, streams: Sequence[Stream], seed: int = 0) -> dict[str, dict[str, list[Emission]]]:
        """Silence, the question itself, "yes", the commonest answer.

        None of them uses the seed.
        """
        counts = Counter(_truth(task).answer or "" for _, task in tasks(streams))
        common = min(counts.items(), key=lambda one: (-one[1], one[0]))[0] if counts else ""
        policies: dict[str, Answer] = {
            "silence": lambda _: "",
            "the question itself": lambda task: _truth(task).question,
            'always "yes"': lambda _: "yes",
            "commonest answer (prior of the whole set)": lambda _: common,
        }
        return {name: said(streams, answer) for name, answer in policies.items()}


def _stream(path: File, media: str, links: File | None) -> Stream:
    parts = entries_of(path.name, read_json(path))
    linked = _linked(links, parts) if links is not None and links.is_file() else set()
    made = []
    for chain, part in enumerate(parts):
        if not part.fields:
            continue
        start, end = _time(part, "qac_timestamps_start"), _time(part, "qac_timestamps_end")
        if end < start:
            raise part.error("'qac_timestamps_end'", "lies before 'qac_timestamps_start'; mend it")
        questions, replies = part.child("chain").texts("questions"), part.child("chain").texts("answers")
        if len(questions) != len(replies):
            raise part.error("'chain'", f"has {len(questions)} questions, but {len(replies)} answers; mend it")
        for turn, (question, reply) in enumerate(zip(questions, replies, strict=True)):
            truth = Question(end, question, None, reply, ((start, end),))
            detail = {"chain": chain, "turn": turn, "linked": (chain, turn) in linked}
            made.append(Task(f"{path.stem}/{chain}.{turn}", "dialogue", truth, question, detail))
    return Stream(path.stem, media, tuple(made))


def _linked(path: File, parts: Sequence[Entry]) -> set[tuple[int, int]]:
    """Chain and turn of questions that are linked with a question of the chain before or behind."""
    begins = {_time(part, "qac_timestamps_start"): chain for chain, part in enumerate(parts) if part.fields}
    found = set()
    for link in entries_of(path.name, read_json(path)):
        first = link.child("chain_1")
        if not first.fields or not link.child("relationship").fields:
            continue
        chain = begins.get(_time(first, "qac_timestamps_start"))
        if chain is not None:
            relation = link.child("relationship")
            found |= {(chain, turn) for turn in _places(relation, "chainBefore")}
            found |= {(chain + 1, turn) for turn in _places(relation, "chainAfter")}
    return found


def _places(relation: Entry, field: str) -> list[int]:
    return [Entry(f"{relation.where}, {field}", {"place": one}).whole("place") for one in relation.items(field)]


def _media(path: File) -> dict[str, str]:
    """Files of the test split's videos, by name."""
    rows = csv.DictReader(io.StringIO(read_text(path)))
    found = {}
    for number, row in enumerate(rows, 2):
        entry = Entry(f"{path.name}, line {number}", row)
        if (row.get("Sort_of_Set") or "Test").lower() == "test":
            name = entry.text("Video_Name")
            found[name] = str(PurePosixPath(entry.text("Path_of_Video", f"Video/{name}.mp4")))
    return found


def _answers(path: File, stream: Stream) -> list[Emission]:
    parts = entries_of(path.name, read_json(path))
    made = []
    for chain, turns in grouped((task.detail["chain"], task) for task in stream.tasks):
        if int(chain) >= len(parts) or not parts[int(chain)].fields:
            continue
        given = parts[int(chain)].texts("answers")
        if len(given) != len(turns):
            raise parts[int(chain)].error("'answers'", f"are {len(given)}, but the chain has {len(turns)} questions")
        made += [say(task, stream, text, asked(task)) for task, text in zip(turns, given, strict=True) if text.strip()]
    return made


def _time(entry: Entry, field: str) -> int:
    """A time in seconds, as a number or as a text of one, or as HH:MM:SS."""
    value: Any = entry.fields.get(field)
    try:
        value = float(value) if isinstance(value, str) and ":" not in value else value
    except ValueError:
        raise entry.error(repr(field), f"is {value!r}, no time; mend it") from None
    return Entry(entry.where, {field: value}).clock(field)


def _truth(task: Task) -> Question:
    assert isinstance(task.truth, Question)
    return task.truth


def _mark(task: Task, one: Emission | None, judge: Judge) -> float:
    truth = _truth(task)
    return 0.0 if one is None else judge.judge(truth.question, truth.answer or "", text_of(one))


def _figures(chains: Sequence[Sequence[tuple[Task, float]]]) -> dict[str, Value]:
    turns = [one for chain in chains for one in chain]
    return {
        "turns": share([mark for _, mark in turns]),
        "chains": share([sum(mark for _, mark in chain) / len(chain) for chain in chains if chain]),
        "linked": share([mark for task, mark in turns if task.detail["linked"]]),
    }
