"""endpoint: a model behind any OpenAI-compatible address, for judging and for looking at pictures."""

from __future__ import annotations

import base64
import http.client
import json
import os
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Sequence
from contextlib import closing, suppress
from dataclasses import dataclass, field
from typing import Any

from headrace.apps.evaluate.deadline import bounded
from headrace.apps.wording import clean
from headrace.core.errors import ConfigError, InputError
from headrace.understanding.llm import KEY, LARGEST_REPLY, LONGEST_ANSWER, Remote

#: Replies after which the same request may succeed: too slow, too many requests, the server's own trouble.
AGAIN = frozenset((408, 425, 429, 500, 502, 503, 504))
#: Attempts at one request.
ATTEMPTS = 2


@dataclass(frozen=True)
class Endpoint:
    """Completes a prompt, with pictures or without, by one POST /v1/chat/completions that is not streamed.

    The key is read from HEADRACE_LLM_KEY at each call and is in no message. Redirects are not followed. A request
    that fails in a way that may pass is made once more.

    Args:
        url: "http://host:port", ".../v1" or the whole address of the endpoint.
        model: name of the model, as the endpoint knows it.
        timeout: seconds for one attempt, to its last byte however slowly they come; a look-up of the host's name is
            the system's and may take longer.
        max_tokens: longest reply asked for.
        wait_s: seconds before the second attempt.

    Raises:
        ConfigError: the address or the key cannot be used, or no model is named.
        InputError: from `complete`: no connection, too slow, an HTTP error, a reply that is no chat completion.
    """

    url: str
    model: str
    timeout: float = 60.0
    max_tokens: int = 200
    wait_s: float = 1.0
    address: str = field(init=False, repr=False)
    host: str = field(init=False, repr=False)

    def __post_init__(self) -> None:
        if not self.model.strip():
            raise ConfigError("the endpoint needs the name of a model; give it")
        remote = Remote(self.url, self.model)
        object.__setattr__(self, "address", remote.endpoint)
        object.__setattr__(self, "host", remote.host)

    def complete(self, prompt: str, pictures: Sequence[bytes] = (), system: str = "") -> str:
        """The model's reply, stripped; `pictures` are JPEG files, oldest first."""
        body = json.dumps(self._body(prompt, pictures, system)).encode()
        for left in reversed(range(ATTEMPTS)):
            try:
                return self._text(self._post(body))
            except _Passing as error:
                if not left:
                    raise InputError(str(error)) from None
                threading.Event().wait(self.wait_s)
        raise AssertionError("unreachable")

    def _body(self, prompt: str, pictures: Sequence[bytes], system: str) -> dict[str, Any]:
        content: Any = prompt
        if pictures:
            urls = (f"data:image/jpeg;base64,{base64.b64encode(one).decode()}" for one in pictures)
            content = [{"type": "image_url", "image_url": {"url": url}} for url in urls]
            content.append({"type": "text", "text": prompt})
        roles = [{"role": "system", "content": system}] if system else []
        roles.append({"role": "user", "content": content})
        return {"model": self.model, "messages": roles, "max_tokens": self.max_tokens, "temperature": 0}

    def _post(self, body: bytes) -> bytes:
        key = os.environ.get(KEY, "").strip()
        headers = {"Content-Type": "application/json", "Accept": "application/json"}
        headers |= {"Authorization": f"Bearer {key}"} if key else {}
        request = urllib.request.Request(self.address, body, headers)
        opener = bounded(time.monotonic() + self.timeout, _NoRedirect)
        try:
            with closing(opener.open(request, timeout=self.timeout)) as reply:
                data: bytes = reply.read(LARGEST_REPLY + 1)
        except urllib.error.HTTPError as error:
            with closing(error):
                told = self._told(f"answered {error.code} {_plain(error.reason)}")
                raise (_Passing(told) if error.code in AGAIN else InputError(told)) from None
        except TimeoutError:
            raise _Passing(self._told(f"did not answer within {self.timeout:g} s")) from None
        except (OSError, UnicodeError, http.client.HTTPException) as error:
            reason = getattr(error, "reason", error)
            slow = isinstance(reason, TimeoutError)
            told = f"did not answer within {self.timeout:g} s" if slow else f"cannot be reached: {_plain(reason)}"
            raise _Passing(self._told(told)) from None
        if len(data) > LARGEST_REPLY:
            raise InputError(self._told(f"sent more than {LARGEST_REPLY} bytes"))
        return data

    def _text(self, data: bytes) -> str:
        text: Any = None
        with suppress(ValueError, RecursionError, LookupError, TypeError):
            text = json.loads(data)["choices"][0]["message"]["content"]
        if not isinstance(text, str):
            raise InputError(self._told("sent something that is not a chat completion"))
        if len(text) > LONGEST_ANSWER:
            raise InputError(self._told(f"gave more than {LONGEST_ANSWER} characters"))
        return text.strip()

    def _told(self, what: str) -> str:
        return f"the model at {self.host} {what}"


class _Passing(Exception):
    """What may succeed when it is tried again."""


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """A redirect is an error: the key must not travel to another host."""

    def redirect_request(self, *_: Any, **__: Any) -> None:
        return None


def _plain(text: object) -> str:
    """One short line without the key."""
    key = os.environ.get(KEY, "").strip()
    line = str(text)
    return clean(line.replace(key, "***") if key else line, 160)
