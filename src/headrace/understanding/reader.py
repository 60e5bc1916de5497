"""TextReader: the lines of text inside a region of a luma plane.

Two small networks of PP-OCRv6 (Apache-2.0) that the `rapidocr` package carries: a detector after
Differentiable Binarization (Liao et al., AAAI 2020) and a recogniser trained with CTC (Graves et al.,
ICML 2006). Only the model files of that package are used, run by onnxruntime on one thread: nothing is
downloaded, logged or written.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from headrace.core.errors import ConfigError, InputError
from headrace.core.stateful import Snapshot
from headrace.understanding.linecache import LineCache

Plane = npt.NDArray[np.uint8]
Floats = npt.NDArray[np.float32]
Box = tuple[int, int, int, int]

MISSING = "reading text needs the ocr extra: pip install 'headrace[ocr]'"

#: Sides of the detector's input are multiples of this.
_STRIDE = 32
#: Height of the recogniser's input.
_HEIGHT = 48
#: Pixels of context around a region at the detector's scale, repeated from the edge where the frame ends.
_BORDER = 8
#: A region is grown to at most three times the greater of its area and this (pixels of the frame).
_SMALL = 1 << 16
#: Words this many heights apart are of one line.
WORD_GAP = 0.35
#: Recognitions below this score are not remembered: a line read in the middle of a fade is read again.
_SURE = 0.8


@dataclass(slots=True, frozen=True)
class ReadLine:
    """One line of text.

    Attributes:
        text: what it says; spaces between words may be missing.
        score: mean probability of its characters, 0 to 1.
        box: x0, y0, x1, y1 in pixels of the full frame, x1 and y1 exclusive.
    """

    text: str
    score: float
    box: Box


class TextReader:
    """Reads lines of text inside regions of a luma plane.

    The result depends on the input and on what the line cache holds, on nothing else. One reader
    belongs to one thread. Building one sets OpenCV's thread count of the whole process to 1, for the
    same reason as onnxruntime's: a reader is one worker among others and must not take their cores.
    """

    def __init__(
        self,
        *,
        scale: float = 0.5,
        min_score: float = 0.6,
        min_height: int = 7,
        cache_lines: int = 256,
        max_pixels: int = 1 << 20,
        models: Path | None = None,
    ) -> None:
        """
        Args:
            scale: the detector sees the region at this scale, in (0, 1]. 0.5 finds lines down to 12 px of
                type; a higher scale costs more and fits the boxes of faint small type better. The
                recogniser always sees the full resolution.
            min_score: lines the recogniser is less sure of are dropped.
            min_height: lines whose box is lower than this many pixels of the frame are skipped.
            cache_lines: lines whose text is remembered, see `LineCache`; 0 for none.
            max_pixels: greatest number of pixels of a region as the detector sees it, context apart;
                larger regions are scaled down further, so that one detection has a bounded cost.
            models: folder with one `*_det_*.onnx` and one `*_rec_*.onnx`; default: those in `rapidocr`.

        Raises:
            ConfigError: the `ocr` extra or a model file is missing, or a value is out of range.
        """
        if not 0.0 < scale <= 1.0:
            raise ConfigError(f"TextReader(scale={scale}): give a scale above 0 and at most 1")
        if max_pixels < _STRIDE * _STRIDE:
            raise ConfigError(f"TextReader(max_pixels={max_pixels}): give at least {_STRIDE * _STRIDE}")
        try:
            import cv2
        except ImportError:
            raise ConfigError(MISSING) from None
        folder = models or _packaged_models()
        self._detector = _Detector(_model(folder, "*_det_*.onnx"))
        self._recogniser = _Recogniser(_model(folder, "*_rec_*.onnx"))
        self._cache = LineCache(lines=cache_lines)
        self._scale, self._max_pixels = scale, max_pixels
        self._min_score, self._min_height = min_score, min_height
        cv2.setNumThreads(1)

    def read(self, luma: Plane, box: Box) -> Iterator[ReadLine]:
        """The lines that lie in or reach into a region, highest first, each as soon as it is recognised.

        A line that runs out of the region makes it grow (twice at most, to three times its area at
        most), so boxes may reach beyond `box`.

        Args:
            luma: uint8 [height, width]; must not change before the iterator is exhausted.
            box: x0, y0, x1, y1 in pixels, x1 and y1 exclusive; clipped to the frame.

        Raises:
            InputError: `luma` is not a uint8 plane.
        """
        if luma.ndim != 2 or luma.dtype != np.uint8:
            raise InputError(f"TextReader reads a uint8 [height, width] plane, not {luma.dtype} {luma.shape}")
        height, width = luma.shape
        region = (max(0, box[0]), max(0, box[1]), min(width, box[2]), min(height, box[3]))
        if region[0] >= region[2] or region[1] >= region[3]:
            return
        for quad in self._find(luma, region):
            crop, place = _cut(luma, quad)
            if crop.shape[0] < self._min_height or crop.shape[0] >= 1.5 * crop.shape[1]:
                continue
            known = self._cache.get(crop)
            text, score = known or self._recogniser(crop)
            if known is None and score >= _SURE:
                self._cache.put(crop, text, score)
            if score >= self._min_score and text.strip():
                yield ReadLine(text.strip(), score, place)

    def nbytes(self) -> int:
        """Bytes of the line cache; the networks' weights are constants and not counted."""
        return self._cache.nbytes()

    def max_bytes(self) -> int:
        return self._cache.max_bytes()

    def reset(self) -> None:
        """Forget all lines."""
        self._cache.reset()

    def snapshot(self) -> Snapshot:
        """The cache: it may tell a noisy line as it was read when it was clear."""
        return self._cache.snapshot()

    def restore(self, snapshot: Snapshot) -> None:
        self._cache.restore(snapshot)

    def _find(self, luma: Plane, region: Box) -> list[Floats]:
        """Quadrilaterals [4, 2] (frame pixels, from the top left clockwise) of the lines, highest first."""
        limit = 3 * max(_SMALL, (region[2] - region[0]) * (region[3] - region[1]))
        asked = region
        for _ in range(3):
            window = _Window(luma.shape, region, self._scale, self._max_pixels)
            quads = [window.to_frame(quad) for quad in self._detector(window.view(luma))]
            quads = [quad for quad in quads if _overlap(quad, asked)]
            grown = window.grown(quads)
            if grown == region or (grown[2] - grown[0]) * (grown[3] - grown[1]) > limit:
                break
            region = grown
        quads = _joined(quads)
        quads.sort(key=lambda quad: (-_rise(quad), quad[0, 1], quad[0, 0]))
        return quads


class _Window:
    """What the detector sees of a region: the region and at least `_BORDER` of context, on its grid."""

    def __init__(self, shape: tuple[int, ...], region: Box, scale: float, max_pixels: int) -> None:
        x0, y0, x1, y1 = region
        scale = min(scale, (max_pixels / ((x1 - x0) * (y1 - y0))) ** 0.5)
        self.region, self.frame = region, (shape[1], shape[0])
        self.size = tuple(_ceil(side * scale + 2 * _BORDER, _STRIDE) for side in (x1 - x0, y1 - y0))
        # Extents in frame pixels, centred on the region and moved into the frame as far as they go.
        self.extent = tuple(max(1, round(side / scale)) for side in self.size)
        self.origin = tuple(
            _inside((low + high - extent) // 2, extent, whole)
            for low, high, extent, whole in zip((x0, y0), (x1, y1), self.extent, self.frame, strict=True)
        )

    def view(self, luma: Plane) -> Plane:
        import cv2

        (x, y), (w, h), (width, height) = self.origin, self.extent, self.frame
        left, top = max(0, x), max(0, y)
        right, bottom = min(width, x + w), min(height, y + h)
        part = luma[top:bottom, left:right]
        margins = (top - y, y + h - bottom, left - x, x + w - right)
        if any(margins):
            part = np.asarray(cv2.copyMakeBorder(part, *margins, cv2.BORDER_REPLICATE), np.uint8)
        if part.shape == self.size[::-1]:
            return part
        return np.asarray(cv2.resize(part, self.size, interpolation=cv2.INTER_AREA), np.uint8)

    def to_frame(self, quad: Floats) -> Floats:
        ratio = np.array([e / s for e, s in zip(self.extent, self.size, strict=True)], np.float32)
        points = quad * ratio + np.array(self.origin, np.float32)
        return np.asarray(np.clip(points, 0, np.array(self.frame, np.float32)), np.float32)

    def grown(self, quads: list[Floats]) -> Box:
        """The region, larger on each side where a line ends at the window's edge inside the frame."""
        (x, y), (w, h), (width, height) = self.origin, self.extent, self.frame
        x0, y0, x1, y1 = self.region
        near = _BORDER * w / self.size[0] / 2
        for quad in quads:
            (left, top), (right, bottom) = quad.min(0), quad.max(0)
            rise = round(bottom - top)
            if left <= x + near and x > 0:
                x0 = min(x0, x - max(96, (x1 - x0) // 2))
            if right >= x + w - near and x + w < width:
                x1 = max(x1, x + w + max(96, (x1 - x0) // 2))
            if top <= y + near / 2 and y > 0:
                y0 = min(y0, y - rise)
            if bottom >= y + h - near / 2 and y + h < height:
                y1 = max(y1, y + h + rise)
        return max(0, x0), max(0, y0), min(width, x1), min(height, y1)


class _Detector:
    """Text lines of a picture: threshold the probability map, fit rectangles, widen them."""

    def __init__(self, path: Path) -> None:
        self._session = _session(path)
        self._input = self._session.get_inputs()[0].name

    def __call__(self, picture: Plane) -> list[Floats]:
        """Quadrilaterals [4, 2] in pixels of `picture`, uint8 [height, width] of multiples of 32.

        The network is trained on shrunk lines; a rectangle of area A and perimeter L is widened on
        all sides by 1.6 A / L (the paper's equation 10; 1.6 is the ratio of these models).
        """
        import cv2

        heat = self._session.run(None, {self._input: _planes(picture)})[0][0, 0]
        mask = cv2.dilate((heat > 0.3).astype(np.uint8), np.ones((2, 2), np.uint8))
        contours, _ = cv2.findContours(mask, cv2.RETR_LIST, cv2.CHAIN_APPROX_SIMPLE)
        quads = []
        for contour in contours[:1000]:
            centre, (w, h), angle = cv2.minAreaRect(contour)
            if min(w, h) < 3 or _mean_inside(heat, cv2.boxPoints((centre, (w, h), angle))) < 0.4:
                continue
            by = 1.6 * w * h / (2 * (w + h))
            quads.append(_clockwise(cv2.boxPoints((centre, (w + 2 * by, h + 2 * by), angle))))
        return quads


class _Recogniser:
    """The text of one line: best path through the per-column character probabilities."""

    def __init__(self, path: Path) -> None:
        self._session = _session(path)
        self._input = self._session.get_inputs()[0].name
        listed = self._session.get_modelmeta().custom_metadata_map.get("character")
        if listed is None:
            raise ConfigError(f"{path.name} names no characters; use the recogniser that rapidocr brings")
        self._characters = ["", *listed.splitlines(), " "]

    def __call__(self, crop: Plane) -> tuple[str, float]:
        """Text and mean probability of its characters; ("", 0.0) if there is none."""
        import cv2

        width = max(1, round(crop.shape[1] * _HEIGHT / crop.shape[0]))
        line = np.full((_HEIGHT, _ceil(width, 16)), 127, np.uint8)
        line[:, :width] = cv2.resize(crop, (width, _HEIGHT))
        chances = self._session.run(None, {self._input: _planes(line)})[0][0]
        best = chances.argmax(axis=1)
        kept = best != 0
        kept[1:] &= best[1:] != best[:-1]
        if not kept.any():
            return "", 0.0
        text = "".join(self._characters[index] for index in best[kept])
        return text, float(chances[kept, best[kept]].mean())


def _packaged_models() -> Path:
    try:
        spec = find_spec("rapidocr")
    except ValueError:
        spec = None
    if spec is None or spec.origin is None:
        raise ConfigError(MISSING)
    return Path(spec.origin).parent / "models"


def _model(folder: Path, pattern: str) -> Path:
    found = sorted(folder.glob(pattern))
    if not found:
        raise ConfigError(f"{folder} holds no {pattern}: install rapidocr >= 3.10 again or give models=")
    return found[-1]


def _session(path: Path) -> Any:
    try:
        import onnxruntime
    except ImportError:
        raise ConfigError(MISSING) from None
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 4
    # Neither an arena nor a plan for every shape seen: both grow with the variety of a stream.
    options.enable_cpu_mem_arena = options.enable_mem_pattern = False
    return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])


def _planes(picture: Plane) -> Floats:
    """Luma as the networks want it: float32 [1, 3, height, width] in -1 to 1."""
    scaled = picture.astype(np.float32) * np.float32(1 / 127.5) - np.float32(1)
    return np.ascontiguousarray(np.broadcast_to(scaled, (1, 3, *scaled.shape)))


def _mean_inside(heat: Floats, quad: npt.NDArray[Any]) -> float:
    import cv2

    low = np.maximum(np.floor(quad.min(0)).astype(int), 0)
    high = np.ceil(quad.max(0)).astype(int) + 1
    part = heat[low[1] : high[1], low[0] : high[0]]
    mask = np.zeros(part.shape, np.uint8)
    cv2.fillPoly(mask, [np.asarray(quad - low, np.int32)], [1])
    return float(cv2.mean(part, mask)[0])


def _clockwise(quad: npt.NDArray[Any]) -> Floats:
    """Corners from the top left clockwise."""
    by_x = quad[np.argsort(quad[:, 0], kind="stable")]
    left, right = (pair[np.argsort(pair[:, 1], kind="stable")] for pair in (by_x[:2], by_x[2:]))
    return np.array([left[0], right[0], right[1], left[1]], np.float32)


def _joined(quads: list[Floats]) -> list[Floats]:
    """Level quadrilaterals that follow each other on one line, at most `WORD_GAP` heights apart, as one.

    The detector finds the words of widely spaced type (terminals) one by one.
    """
    joined: list[Floats] = []
    for quad in sorted(quads, key=lambda quad: float(quad[:, 0].min())):
        level = abs(quad[1, 1] - quad[0, 1]) <= 0.1 * _rise(quad) + 1
        for k, other in enumerate(joined if level else ()):
            (left, top), (right, bottom) = other.min(0), other.max(0)
            low, high = quad.min(0), quad.max(0)
            heights = sorted((float(bottom - top), float(high[1] - low[1])))
            same_line = min(bottom, high[1]) - max(top, low[1]) >= 0.6 * heights[0] >= 0.36 * heights[1]
            if same_line and -0.5 * heights[0] <= low[0] - right <= WORD_GAP * heights[1]:
                x0, y0, x1, y1 = left, min(top, low[1]), max(right, high[0]), max(bottom, high[1])
                joined[k] = np.array([(x0, y0), (x1, y0), (x1, y1), (x0, y1)], np.float32)
                break
        else:
            joined.append(quad)
    return joined


def _rise(quad: Floats) -> float:
    """Length of the left side, pixels."""
    return float(np.linalg.norm(quad[0] - quad[3]))


def _cut(luma: Plane, quad: Floats) -> tuple[Plane, Box]:
    """The line's crop, upright, and its bounding box in the frame.

    A line that is level to a tenth of its height is a plain slice: its pixels are those of the frame, and
    the next detection of the same line gives the same pixels.
    """
    import cv2

    (x0, y0), (x1, y1) = np.floor(quad.min(0)).astype(int), np.ceil(quad.max(0)).astype(int)
    place = int(x0), int(y0), int(x1), int(y1)
    high, wide = _rise(quad), float(np.linalg.norm(quad[1] - quad[0]))
    if abs(quad[1, 1] - quad[0, 1]) <= 0.1 * high + 1:
        return luma[y0:y1, x0:x1], place
    size = max(1, round(wide)), max(1, round(high))
    flat = np.array([(0, 0), (size[0], 0), size, (0, size[1])], np.float32)
    turn = cv2.getPerspectiveTransform(quad, flat)
    upright = cv2.warpPerspective(luma, turn, size, flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(upright, np.uint8), place


def _overlap(quad: Floats, box: Box) -> bool:
    (left, top), (right, bottom) = quad.min(0), quad.max(0)
    return bool(left < box[2] and right > box[0] and top < box[3] and bottom > box[1])


def _inside(start: int, extent: int, whole: int) -> int:
    """`start` moved so that the extent lies in [0, whole), or is centred on it if it is larger."""
    return (whole - extent) // 2 if extent >= whole else min(max(0, start), whole - extent)


def _ceil(value: float, step: int) -> int:
    return max(step, int(-(-value // step)) * step)
