"""pipecat: a FrameProcessor a stage; with every default, and with all that can be left out left out."""

from __future__ import annotations

import asyncio
import sys
from functools import partial
from importlib.metadata import version

from harness import PAYLOAD, Stopwatch, measure
from loguru import logger

logger.remove()
logger.add(sys.stderr, level="WARNING")

# pipecat logs when imported, and a level set later would leave its formatting on.
from pipecat.frames.frames import EndFrame, Frame, OutputAudioRawFrame  # noqa: E402
from pipecat.pipeline.pipeline import Pipeline  # noqa: E402
from pipecat.pipeline.worker import PipelineWorker  # noqa: E402
from pipecat.processors.frame_processor import FrameDirection, FrameProcessor  # noqa: E402
from pipecat.workers.runner import WorkerRunner  # noqa: E402


class Stage(FrameProcessor):
    async def process_frame(self, frame: Frame, direction: FrameDirection) -> None:
        await super().process_frame(frame, direction)
        await self.push_frame(frame, direction)


class Sink(FrameProcessor):
    def __init__(self, items: int, *, enable_direct_mode: bool) -> None:
        super().__init__(enable_direct_mode=enable_direct_mode)
        self.left = items
        self.free, self.done = asyncio.Event(), asyncio.Event()

    async def process_frame(self, frame: Frame, direction: FrameDirection) -> None:
        await super().process_frame(frame, direction)
        if not isinstance(frame, OutputAudioRawFrame):
            await self.push_frame(frame, direction)
            return
        self.left -= 1
        self.free.set()
        if self.left == 0:
            self.done.set()


async def chain(lean: bool, items: int, stages: int, ping: bool) -> int:
    sink = Sink(items, enable_direct_mode=lean)
    pipeline = Pipeline([*(Stage(enable_direct_mode=lean) for _ in range(stages)), sink])
    options = {"enable_rtvi": False, "enable_turn_tracking": False} if lean else {}
    worker = PipelineWorker(pipeline, **options)
    started = asyncio.Event()

    @worker.event_handler("on_pipeline_started")
    async def on_pipeline_started(*_: object) -> None:
        started.set()

    runner = WorkerRunner(handle_sigint=False)
    await runner.add_workers(worker)
    running = asyncio.create_task(runner.run())
    await started.wait()
    frames = [OutputAudioRawFrame(audio=PAYLOAD, sample_rate=16000, num_channels=1) for _ in range(items)]
    watch = Stopwatch()
    for frame in frames:
        await worker.queue_frame(frame)
        if ping:
            await sink.free.wait()
            sink.free.clear()
    await sink.done.wait()
    spent = watch.stop()
    await worker.queue_frame(EndFrame())
    await running
    assert sink.left == 0
    return spent


def run(lean: bool, items: int, stages: int, ping: bool) -> int:
    return asyncio.run(chain(lean, items, stages, ping))


if __name__ == "__main__":
    variants = {"defaults": partial(run, False), "direct mode, no RTVI, no turn tracking": partial(run, True)}
    measure("pipecat", version("pipecat-ai"), variants)
