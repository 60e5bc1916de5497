"""choices: questions with options, and what those say to them who never look at the stream."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from string import ascii_uppercase

from headrace.core.errors import InputError
from headrace.core.item import Emission
from headrace.evaluation.benchmark import Stream, Task, say, tasks
from headrace.evaluation.truth import Exchange, Question

#: Names of options.
LETTERS = ascii_uppercase
#: What a refusal says where no option says it.
REFUSAL = "Unable to answer"
#: What a blind policy says to a task; "" is silence.
Answer = Callable[[Task], str]

#: Names of the policies that know most.
LETTER_OF_KIND = "majority letter of the kind (prior of the whole set)"
ANSWER_AT_PLACE = "majority answer at each place among the probes (prior of the whole set)"

_REFUSING = ("unable to answer", "cannot be answered", "can't be answered", "cannot answer", "not answerable")


def letter(index: int) -> str:
    """The name of the option at `index`.

    Raises:
        InputError: it has none.
    """
    if not 0 <= index < len(LETTERS):
        raise InputError(f"option {index}: options are numbered from 0 to {len(LETTERS) - 1}")
    return LETTERS[index]


def right(task: Task) -> str:
    """The letter of the right option; "" if there are no options or none is right.

    Where several options read the same, `detail` must hold the letter under "right".
    """
    truth = task.truth
    if not isinstance(truth, Question) or not truth.options or truth.answer is None:
        return ""
    return str(task.detail.get("right") or letter(truth.options.index(truth.answer)))


def prompt(question: str, options: Sequence[str]) -> str:
    """The question, its options by letter (unless they bring their own), and how to answer."""
    lines = [
        option if option.startswith(f"{letter(index)}.") else f"{letter(index)}. {option}"
        for index, option in enumerate(options)
    ]
    return "\n".join([question, *lines, "Answer with the letter of the right option, and nothing else."])


def asked(task: Task) -> int:
    """When a task is put (ns): a question at its time, an exchange at its start, a standing request at 0."""
    truth = task.truth
    if isinstance(truth, Question):
        return truth.t
    return truth.start if isinstance(truth, Exchange) else int(task.detail.get("asked", 0))


def said(streams: Sequence[Stream], answer: Answer, delay: int = 0) -> dict[str, list[Emission]]:
    """What a policy says, `delay` ns after each task is put, by stream id."""
    found: dict[str, list[Emission]] = {stream.id: [] for stream in streams}
    for stream, task in tasks(streams):
        text = answer(task)
        if text:
            found[stream.id].append(say(task, stream, text, asked(task) + delay))
    return found


def options_of(task: Task) -> tuple[str, ...]:
    """The options of a question; none if it is open."""
    return (task.truth.options or ()) if isinstance(task.truth, Question) else ()


def blind_choices(every: Sequence[Task], seed: int = 0) -> dict[str, Answer]:
    """Policies for questions with options, by name; each says nothing to a task without.

    "silence"; "always A" (the first option), …; "majority letter" and `LETTER_OF_KIND`, whose priors are taken
    from the whole set, as their names say; "random" (equal odds, seeded, the same for a task in any order);
    "refusal" (the option that refuses, else `REFUSAL`).
    """
    chosen = [task for task in every if options_of(task)]
    most = max((len(options_of(task)) for task in chosen), default=0)
    names: dict[str, Answer] = {"silence": _silent}
    names |= {f"always {LETTERS[index]}": _always(index) for index in range(most)}
    names["majority letter (prior of the whole set)"] = _majority(chosen, _silent)
    names[LETTER_OF_KIND] = _majority(chosen, lambda task: task.kind)
    names[f"random (seed {seed})"] = lambda task: _drawn(task, seed)
    names["refusal"] = lambda task: refusal(task) if options_of(task) else ""
    return names


def blind_words(words: Iterable[str], applies: Callable[[Task], bool]) -> dict[str, Answer]:
    """Policies that always say the same word ("Yes", "No", "0") to every task that `applies` picks, by name."""
    return {f'always "{word}"': _word(word, applies) for word in words}


def blind_places(every: Sequence[Task]) -> dict[str, Answer]:
    """A policy for open questions that are put again and again, by name: the commonest right answer at each place.

    Places are the numbers under "place" in `detail`: the first time that something is asked, the second, … Who is
    asked can count them; the prior is that of the whole set, for each kind apart.
    """
    chosen = [task for task in every if _place(task) is not None]
    counts: dict[tuple[str, int | None], Counter[str]] = {}
    for task in chosen:
        counts.setdefault((task.kind, _place(task)), Counter())[_answer(task)] += 1
    best = {key: min(count, key=lambda one: (-count[one], one)) for key, count in counts.items()}
    return {ANSWER_AT_PLACE: lambda task: best.get((task.kind, _place(task)), "")} if chosen else {}


def together(*several: Answer) -> Answer:
    """A policy that says what the first of several says that is not silent."""
    return lambda task: next((text for answer in several if (text := answer(task))), "")


def refusal(task: Task) -> str:
    """The letter of the first option that refuses to answer, else `REFUSAL`."""
    for index, option in enumerate(options_of(task)):
        if any(words in option.casefold() for words in _REFUSING):
            return letter(index)
    return REFUSAL


def _silent(_: Task) -> str:
    """Silence; of a prior, one kind for all."""
    return ""


def _always(index: int) -> Answer:
    return lambda task: letter(index) if index < len(options_of(task)) else ""


def _majority(chosen: Sequence[Task], kind: Callable[[Task], str]) -> Answer:
    """The commonest right letter among tasks of the same kind; the first in the alphabet where several are."""
    counts: dict[str, Counter[str]] = {}
    for task in chosen:
        counts.setdefault(kind(task), Counter())[right(task)] += 1
    best = {name: min(count, key=lambda one: (-count[one], one)) for name, count in counts.items()}
    return lambda task: best.get(kind(task), "") if options_of(task) else ""


def _place(task: Task) -> int | None:
    open_question = isinstance(task.truth, Question) and not task.truth.options
    place = task.detail.get("place")
    return place if open_question and isinstance(place, int) else None


def _answer(task: Task) -> str:
    return (task.truth.answer or "") if isinstance(task.truth, Question) else ""


def _drawn(task: Task, seed: int) -> str:
    options = options_of(task)
    return letter(random.Random(f"{seed} {task.id}").randrange(len(options))) if options else ""


def _word(word: str, applies: Callable[[Task], bool]) -> Answer:
    return lambda task: word if applies(task) else ""
