"""apps: what the commands do. Importing it without the extra `media` is a ConfigError that says how to install it."""

from importlib.util import find_spec

from headrace.core.errors import ConfigError

if any(find_spec(module) is None for module in ("av", "cv2", "matplotlib")):
    raise ConfigError(
        "watching and asking need the extra media, and ocr to read text, audio to listen; "
        "run: pip install 'headrace[media,ocr,audio]'"
    )
