"""transformers: `generate_batch`, its continuous batching."""

from __future__ import annotations

import logging
import os
import warnings
from functools import partial

import torch
import transformers
from transformers import ContinuousBatchingConfig, GenerationConfig, LlamaForCausalLM

from benchmarks.engine.cases import ENTRIES, SESSIONS, places, prompts
from benchmarks.state.configs import checkpoint
from benchmarks.state.peers.harness import Repetition, serve, timed

torch.set_num_threads(int(os.environ["OMP_NUM_THREADS"]))
warnings.simplefilter("ignore")
transformers.logging.set_verbosity_error()
transformers.logging.disable_progress_bar()
logging.getLogger("ContinuousBatchingLogger").setLevel(logging.CRITICAL)
model = LlamaForCausalLM.from_pretrained(checkpoint()).eval()


def sessions(tokens: int) -> Repetition:
    """All prompts at once, from nothing. Without `num_blocks` it takes nearly all memory."""
    batching = ContinuousBatchingConfig(num_blocks=SESSIONS, page_size=ENTRIES, max_batch_tokens=512)
    settings = GenerationConfig(do_sample=False, eos_token_id=-1)

    def run() -> int:
        done = model.generate_batch(
            prompts(), settings, continuous_batching_config=batching, max_new_tokens=tokens, persistent_manager=True
        )
        errors = [result.error for result in done.values() if result.error]
        if errors:
            raise RuntimeError(errors[0])
        return sum(len(result.generated_tokens) for result in done.values())

    return partial(timed, run)


def greedy(tokens: int) -> list[list[int]]:
    """What every session says, by `generate`."""
    rows = [torch.tensor([ids]) for ids in prompts()]
    return [model.generate(row, do_sample=False, max_new_tokens=tokens)[0, row.shape[1] :].tolist() for row in rows]


@torch.inference_mode()
def odds() -> list[list[float]]:
    """What follows each place, logarithms of probabilities."""
    return [model(torch.tensor([ids])).logits[0, -1].log_softmax(-1).tolist() for ids in places()]


if __name__ == "__main__":
    serve(
        f"{transformers.__version__}, torch {torch.__version__}",
        {"sessions": sessions},
        tell={"greedy": greedy, "odds": odds},
    )
