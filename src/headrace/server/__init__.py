"""server: the engine's sessions over HTTP and WebSocket, under OpenAI's names and our own. Loads no torch."""
