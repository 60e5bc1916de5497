"""client: live sessions of a headrace server, from Python. Needs httpx (pip install 'headrace[server]'), no torch.

>>> client = Client("http://127.0.0.1:8000")
>>> with client.open(budget=512, meanwhile="interrupt") as session:
...     for text in session.say("What is a head race? ", max_tokens=64):
...         print(text, end="", flush=True)

Several may listen to one session, and a listener that lost its connection goes on behind the last emission it saw:

>>> session = client.open(standing=[{"id": "fire", "ask": "Is anything on fire? ", "silent": "no"}])
>>> session.push("Frame 1: a kitchen. ")
>>> for emission in session.events():
...     print(emission.kind, emission.text)

`AsyncClient` is the same with `await` and `async for`. What goes wrong is raised as headrace's own errors: InputError
(the request is wrong, or there is no such session), ConfigError (the key is), CapacityError (no room: ask again later),
StateError (not in this state, or the server cannot be reached).
"""

from headrace.core.errors import ConfigError

try:
    import httpx as _httpx  # noqa: F401
except ImportError as error:
    raise ConfigError("the client needs httpx: pip install 'headrace[server]'") from error

from headrace.client.asynchronous import AsyncClient as AsyncClient
from headrace.client.asynchronous import AsyncSession as AsyncSession
from headrace.client.blocking import Client as Client
from headrace.client.blocking import Session as Session
from headrace.client.wire import Emission as Emission
from headrace.client.wire import Pushed as Pushed
