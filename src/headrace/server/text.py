"""Text as it may come in: JSON can spell half a character, which no tokenizer takes."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator
from pydantic_core import PydanticCustomError


def _whole(text: str) -> str:
    try:
        text.encode()
    except UnicodeEncodeError:
        raise PydanticCustomError("half_character", "the text has half a character (a lone surrogate)") from None
    return text


#: A str that has a form in UTF-8.
Text = Annotated[str, AfterValidator(_whole)]
