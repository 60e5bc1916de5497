"""An assistant that can be interrupted, on a virtual clock: an hour passes in a moment, the same way every time.

Questions arrive, an answer is spoken word by word, and a voice that cuts in voids whatever is still on its way.

    python examples/barge_in.py
"""

from __future__ import annotations

from collections.abc import AsyncGenerator

from headrace.core import MS, SECOND, Block, Graph, Item, ProfileClock, Turn

clock = ProfileClock(seed=7)
graph = Graph(clock)


async def answer(question: Item, turn: Turn) -> AsyncGenerator[str, None]:
    """One word every 300 ms. Nothing here checks for interruptions: what a voided turn says never leaves."""
    for word in f"you asked {question.data} and the answer is long".split():
        await clock.sleep_until(clock.now() + 300 * MS)
        yield word


def at(seconds: float, kind: str, data: str) -> Item:
    time = int(seconds * SECOND)
    return Item(pts=time, kind=kind, data=data, arrival=time)


questions = graph.source([at(1, "text", "why"), at(10, "text", "when"), at(3600, "text", "where")], name="questions")
voice = graph.source([at(2.0, "audio", "stop"), at(11.0, "audio", "wait")], name="voice")
spoken = graph.react(answer, questions, interrupt=voice)
graph.sink(lambda word: print(f"{clock.now() / SECOND:8.1f} s  {word}"), spoken, edge=Block(2))
graph.run()
