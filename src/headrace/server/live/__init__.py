"""live: sessions that stay while their clients come and go."""

from headrace.server.live.router import router as router
