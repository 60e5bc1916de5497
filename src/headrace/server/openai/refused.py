"""Fields of OpenAI's and vLLM's requests that change a reply in a way this server cannot: refused, never ignored."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from headrace.server.errors import Refusal

_NOTHING: tuple[Any, ...] = (None, [], {}, "", False)
#: Values of a field that ask for nothing special. Fields that are not named here and not known are not looked at.
NEUTRAL: Mapping[str, tuple[Any, ...]] = {
    "presence_penalty": (None, 0),
    "frequency_penalty": (None, 0),
    "logit_bias": _NOTHING,
    "tools": _NOTHING,
    "tool_choice": (None, "none", "auto"),
    "functions": _NOTHING,
    "function_call": (None, "none", "auto"),
    "response_format": (None, {"type": "text"}),
    "modalities": (None, [], ["text"]),
    "audio": (None,),
    "web_search_options": (None,),
    "reasoning_effort": (None, "none"),
    "verbosity": (None, "medium"),
    "suffix": (None, ""),
    "best_of": (None, 1),
    "length_penalty": (None, 1),
    "use_beam_search": _NOTHING,
    "stop_token_ids": _NOTHING,
    "bad_words": _NOTHING,
    "allowed_token_ids": (None,),
    "include_stop_str_in_output": _NOTHING,
    "skip_special_tokens": (None, True),
    "spaces_between_special_tokens": (None, True, False),
    "prompt_logprobs": (None,),
    "truncate_prompt_tokens": (None,),
    "add_generation_prompt": (None, True),
    "continue_final_message": _NOTHING,
    "add_special_tokens": (None, True, False),
    "chat_template": (None, ""),
    "chat_template_kwargs": _NOTHING,
    "documents": _NOTHING,
    "mm_processor_kwargs": _NOTHING,
    "logits_processors": _NOTHING,
    "structured_outputs": _NOTHING,
    "guided_json": _NOTHING,
    "guided_regex": _NOTHING,
    "guided_choice": _NOTHING,
    "guided_grammar": _NOTHING,
    "kv_transfer_params": _NOTHING,
    "prompt_embeds": _NOTHING,
    "return_tokens_as_token_ids": _NOTHING,
    "return_token_ids": _NOTHING,
}
#: What to do instead, where there is something.
_INSTEAD = {
    "presence_penalty": "; use repetition_penalty",
    "frequency_penalty": "; use repetition_penalty",
    "best_of": "; use n",
    "tools": "; describe them in the messages",
    "functions": "; describe them in the messages",
}


def check_refused(given: Mapping[str, Any]) -> None:
    """Refusal (400) if a field that is not supported asks for something."""
    for name, neutral in NEUTRAL.items():
        if name in given and not any(given[name] == one and _alike(given[name], one) for one in neutral):
            raise Refusal(f"{name} is not supported here{_INSTEAD.get(name, '')}", param=name, code="unsupported")


def _alike(a: Any, b: Any) -> bool:
    """True is no number here."""
    return isinstance(a, bool) == isinstance(b, bool)
