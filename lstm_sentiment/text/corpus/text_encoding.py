"""The encoding of a file of texts, as it is stated or as its bytes tell."""

import codecs
import io
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lstm_sentiment.checks import unreadable
from lstm_sentiment.compressed import open_plain
from lstm_sentiment.encodings import (
    AUTO,
    codec_of,
    decode_bytes,
    encoding_of,
    is_gb18030,
    keeps_ascii,
)
from lstm_sentiment.errors import InvalidInputError
from lstm_sentiment.first_bytes import START_BYTES, recognize
from lstm_sentiment.progress import Progress

UTF_8 = "utf-8"
_GB18030 = "gb18030"
_MARKS = (
    (codecs.BOM_UTF8, UTF_8),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_READ_BYTES = 1 << 16
_MOST_JUDGED = 1 << 20
# A few lines of GB18030 are UTF-8 by chance, and a few lines of any file are broken.
_STRAY_SHARE = 0.1


@dataclass(frozen=True)
class TextEncoding:
    """The decoding of a file's lines.

    Attributes:
        codec: Python's name of the encoding; `auto` where the file can be read only once, so that
            its first bytes decide.
        is_stated: Whether the user named it.
        likely: The likely encoding of lines that are not UTF-8, where none is stated.
    """

    codec: str = AUTO
    is_stated: bool = False
    likely: str = ""


@dataclass
class _Judged:
    """Counts of the lines of a file that are not ASCII."""

    utf_8: int = 0
    gb18030: int = 0
    neither: int = 0
    first_line: int = 0
    sample: bytearray | None = None

    def add(self, number: int, line: bytes) -> None:
        if line.isascii():
            return
        if _is_valid(line, UTF_8):
            self.utf_8 += 1
            return
        self.first_line = self.first_line or number
        if self.sample is None:
            self.sample = bytearray()
        if _is_valid(line, _GB18030):
            self.gb18030 += 1
            if len(self.sample) < _MOST_JUDGED:
                self.sample += line
        else:
            self.neither += 1
            if not self.gb18030 and len(self.sample) < START_BYTES:
                self.sample += line

    @property
    def is_gb18030(self) -> bool:
        lines = self.utf_8 + self.gb18030 + self.neither
        if max(self.utf_8, self.neither) > _STRAY_SHARE * lines or not self.gb18030:
            return False
        return is_gb18030(_valid_lines(self.sample or b""))


def _valid_lines(sample: bytes | bytearray) -> bytes:
    """Leaves out lines that were sampled before the first valid one."""
    return b"".join(
        line for line in bytes(sample).splitlines(keepends=True) if _is_valid(line, _GB18030)
    )


def find_encoding(path: Path, stated: str | TextEncoding, progress: Progress) -> TextEncoding:
    """Returns the encoding of a file, after reading it once if no encoding is stated.

    A byte order mark decides, whatever is stated. Else, without a stated encoding, the file is
    UTF-8, unless it has lines that are not: where most of these are simplified Chinese in GB18030,
    and hardly any other line beyond ASCII is UTF-8, the file is GB18030, and that is reported.

    Args:
        path: The file, perhaps compressed.
        stated: The name of an encoding, or `auto`; or the result of an earlier call.
        progress: Reports that a file is read as GB18030, with its first line that is not UTF-8.

    Raises:
        InvalidInputError: If the encoding is unknown, or the file cannot be read.
    """
    if isinstance(stated, TextEncoding):
        return stated
    codec = codec_of(stated)
    if codec != AUTO or not path.is_file():
        return TextEncoding(codec, is_stated=codec != AUTO)
    try:
        with open_plain(path) as file:
            start = file.peek(START_BYTES)[:START_BYTES]
            marked = marked_codec(start)
            if marked is not None or recognize(start) is not None or _is_utf8(file):
                return TextEncoding(marked or UTF_8)
        with open_plain(path) as file:
            judged = _Judged()
            for number, line in enumerate(file, start=1):
                judged.add(number, line)
    except OSError as error:
        raise InvalidInputError(unreadable(path, error)) from error
    if not judged.is_gb18030:
        return TextEncoding(UTF_8, likely=encoding_of(bytes(judged.sample or b"")))
    progress.say(
        f"{path}: read as GB18030, since line {judged.first_line:,} is not UTF-8 (`--encoding` "
        "names another encoding)"
    )
    return TextEncoding(_GB18030)


def marked_codec(start: bytes) -> str | None:
    """Returns the encoding that a byte order mark names, or `None` without one."""
    if start.startswith(codecs.BOM_UTF32_LE):
        return "utf-32"
    return next((codec for mark, codec in _MARKS if start.startswith(mark)), None)


def decoded(content: bytes, stated: str) -> tuple[str, str]:
    """Decodes text that is in memory by the same rule as files.

    Args:
        content: All bytes.
        stated: The name of an encoding, or `auto`.

    Returns:
        The text without a byte order mark, and the encoding.

    Raises:
        InvalidInputError: If the encoding is unknown.
        UnicodeDecodeError: If the text is not in the encoding.
    """
    codec = marked_codec(content) or codec_of(stated)
    if codec == AUTO:
        codec = UTF_8
        if not _is_valid(content, UTF_8):
            judged = _Judged()
            for number, line in enumerate(content.splitlines(keepends=True), start=1):
                judged.add(number, line)
            codec = _GB18030 if judged.is_gb18030 else UTF_8
    return decode_bytes(content, codec).removeprefix("\ufeff"), codec


def opened_lines(path: Path, encoding: TextEncoding) -> tuple[io.BufferedReader, str]:
    """Opens a file of text, and returns its bytes and the codec of its lines.

    Encodings whose bytes of ASCII do not mean ASCII, such as UTF-16, become UTF-8.

    Raises:
        InvalidInputError: If the file is of another kind, or by reading, if it is not in such an
            encoding.
        OSError: If it cannot be opened.
    """
    file = open_plain(path)
    try:
        start = file.peek(START_BYTES)[:START_BYTES]
        codec = marked_codec(start) or encoding.codec
        _check_kind(path, start, codec)
        if codec == AUTO:
            codec = _GB18030 if is_gb18030(_whole_lines(start)) else UTF_8
        if keeps_ascii(codec):
            return file, codec
        return io.BufferedReader(_Converted(file, path, codec), _READ_BYTES), UTF_8
    except BaseException:
        file.close()
        raise


def is_converted(path: Path, encoding: TextEncoding) -> bool:
    """Returns whether `opened_lines` gives other bytes than the decompressed file has.

    Raises:
        OSError: If the file cannot be opened.
    """
    with open_plain(path) as file:
        return not keeps_ascii(marked_codec(file.peek(4)[:4]) or encoding.codec)


def _check_kind(path: Path, start: bytes, codec: str) -> None:
    kind = recognize(start)
    if kind is None or (kind.encoding and not keeps_ascii(codec)):
        return
    advice = kind.told(path)
    if kind.encoding:
        option = f"--encoding {kind.encoding.lower()}"
        advice = f"{kind.name}; read it with `{option}` (in Python `encoding`)"
    raise InvalidInputError(f"{path}: must be text. Received: {advice}.")


def _whole_lines(start: bytes) -> bytes:
    end = start.rfind(b"\n") + 1
    return b"" if _is_valid(start[: end or None], UTF_8) else start[: end or None]


def _is_valid(data: bytes, codec: str) -> bool:
    try:
        decode_bytes(data, codec)
    except UnicodeDecodeError:
        return False
    return True


def _is_utf8(file: io.BufferedReader) -> bool:
    decoder = codecs.getincrementaldecoder(UTF_8)()
    try:
        for piece in _pieces(file):
            decoder.decode(piece)
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return False
    return True


def _pieces(file: io.BufferedReader) -> Iterator[bytes]:
    while piece := file.read(_READ_BYTES):
        yield piece


class _Converted(io.RawIOBase):
    """Reads a file in another encoding as UTF-8."""

    def __init__(self, file: io.BufferedReader, path: Path, codec: str) -> None:
        self._file, self._path, self._codec = file, path, codec
        self._decoder = codecs.getincrementaldecoder(codec)()
        self._ready, self._line = b"", 1

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        while not self._ready:
            piece = self._file.read(_READ_BYTES)
            self._ready = self._convert(piece)
            if not piece:
                break
        with memoryview(buffer) as view, view.cast("B") as target:
            part = self._ready[: len(target)]
            self._ready = self._ready[len(part) :]
            target[: len(part)] = part
            return len(part)

    def _convert(self, piece: bytes) -> bytes:
        try:
            text = self._decoder.decode(piece, final=not piece)
        except UnicodeDecodeError as error:
            raise InvalidInputError(
                f"{self._path}: must be text in {self._codec.upper()}. Received: bytes that are "
                f"none, near line {self._line:,}; save the file again as UTF-8."
            ) from error
        self._line += text.count("\n")
        return text.encode(errors="replace")

    def close(self) -> None:
        if not self.closed:
            self._file.close()
        super().close()
