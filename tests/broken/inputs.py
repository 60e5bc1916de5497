"""The catalogue of broken and odd inputs: name -> Case."""

from __future__ import annotations

from tests.broken import images, nothing, places, sounds, streams, times
from tests.broken.case import Case

CATALOGUE: dict[str, Case] = {
    f"{chapter}-{name}": case
    for chapter, module in (
        ("nothing", nothing),
        ("places", places),
        ("images", images),
        ("times", times),
        ("sounds", sounds),
        ("streams", streams),
    )
    for name, case in module.CASES.items()
}
