"""Several live sessions in one launch a tick, each with a promise: one is updated, one is cut off, one is forked.

python examples/live_sessions.py [MODEL]
"""

from __future__ import annotations

import asyncio
import sys

from headrace.core import MS
from headrace.engine.opening import Ask, Opening
from headrace.engine.pool import start
from headrace.engine.request import Slo
from headrace.engine.spec import Spec


async def main(model: str) -> None:
    pool = await start(Spec(model), workers=1, kind="thread")
    promise = Opening(budget=256, slo=Slo(first=2000 * MS, every=500 * MS))
    lives = [await pool.open(promise) for _ in range(3)]
    for number, live in enumerate(lives):
        await live.push(f"def area_{number}(width, height):\n")

    # What was pushed may change, even after it was read: only what differs is read again.
    kept = await lives[0].update("def area_0(width, depth):\n")
    print(f"updated: {kept} tokens kept")

    async def reply(number: int) -> str:
        pieces = []
        async for said in lives[number].say(Ask(max_tokens=48)):
            pieces.append(said.text)
            if number == 1 and said.number == 8:  # the listener cuts in: what comes later is taken back
                await lives[1].interrupt(said=8)
        return "".join(pieces)

    texts = await asyncio.gather(*(reply(number) for number in range(3)))
    for number, text in enumerate(texts):
        figures = await lives[number].figures()
        in_time = f"{figures['hits']} of {figures['steps']} in time"
        print(f"session {number}: {figures['tokens_said']} said, {in_time}: {text!r}")

    other = await lives[2].fork(seed=7)
    await other.push("\n\ndef volume")
    print("fork:", repr("".join([said.text async for said in other.say(Ask(max_tokens=8))])))
    await pool.close()


asyncio.run(main(sys.argv[1] if len(sys.argv) > 1 else "zoo:tiny-llama"))
