"""realtime: OpenAI's realtime API over WebSocket, for text."""

from headrace.server.realtime.socket import router as router
