"""Recognizing a file by its first bytes: what it is, for people, and what to do with it.

The first bytes are those of the formats' specifications, as the command `file` knows them.
"""

import codecs
import re
import shlex
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from lstm_sentiment.encodings import encoding_of

START_BYTES = 4_096
"""As many bytes of a file's beginning as `recognize` looks at."""

_LEFT_BY_PROGRAMS = "it holds no data of yours: give the file that it belongs to, or delete it"
_GIVE_CONTENT = "give the file that was in it"
_WORD_VECTORS = "a word and its numbers a line"


class FileKind(NamedTuple):
    """The kind of a file.

    Attributes:
        name: With its article, as in `a ZIP archive`.
        advice: What to do, as half a sentence; `{file}` stands for the path as a shell takes it,
            `{path}` for the path as Python does.
        is_stand_in: It lies in the place of a file that was not fetched.
        encoding: Its encoding, if it is text that can be read.
    """

    name: str
    advice: str
    is_stand_in: bool = False
    encoding: str = ""

    def told(self, path: Path | str) -> str:
        """Returns name and advice, to follow `Received: ` in a message.

        Args:
            path: The file, which the advised command gets.
        """
        advice = self.advice.replace("{file}", shlex.quote(str(path)))
        return f"{self.name}; {advice.replace('{path}', repr(str(path)))}"


_Test = Callable[[bytes], bool]


def _begins(*starts: bytes) -> _Test:
    return lambda start: start.startswith(starts)


def _matches(pattern: bytes) -> _Test:
    compiled = re.compile(pattern, re.DOTALL)
    return lambda start: compiled.match(start) is not None


def _zip_with(pattern: bytes) -> _Test:
    """Tests for a ZIP archive with an entry of such a name among its first bytes."""
    compiled = re.compile(pattern, re.DOTALL)
    return lambda start: start.startswith(b"PK\x03\x04") and compiled.search(start) is not None


def _is_safetensors(start: bytes) -> bool:
    length = int.from_bytes(start[:8], "little")
    return 2 <= length < 100_000_000 and start[8:10] in (b'{"', b"{ ", b"{}")


# Of the bytes that are NUL, those of ASCII characters.
_UTF16_SHARE = 0.8


def _is_utf16(start: bytes, *, low: int) -> bool:
    """Tests for UTF-16: NULs are halves of ASCII characters, whose bytes have the parity `low`.

    A few may be those of characters such as U+4E00, the Chinese one. What is UTF-8 as well may be
    text that holds some NULs.
    """
    if _VECTORS_HEADER.match(start) or (_is_utf8(start) and 0 not in start[:2]):
        return False
    ends = [place for place, byte in enumerate(start[: len(start) // 2 * 2]) if byte == 0]
    ascii_ends = sum(place % 2 != low and (9 <= start[place ^ 1] < 127) for place in ends)
    return len(ends) >= 4 and ascii_ends >= _UTF16_SHARE * len(ends)


def _is_utf8(start: bytes) -> bool:
    """Tests for UTF-8 whose last character may be cut off."""
    try:
        codecs.getincrementaldecoder("utf-8")().decode(start)
    except UnicodeDecodeError:
        return False
    return True


def _is_zeros(start: bytes) -> bool:
    return len(start) >= 16 and not start.strip(b"\0")


def _is_web_page(start: bytes) -> bool:
    text = start.removeprefix(b"\xef\xbb\xbf").lstrip()[:200].lower()
    return text.startswith((b"<!doctype html", b"<html", b"<head>")) or (
        text.startswith(b"<?xml") and (b"<error>" in text or b"<!doctype html" in text)
    )


_REFUSALS_OF_SERVERS = frozenset(
    [
        b"404: not found",
        b"404 not found",
        b"not found",
        b"403 forbidden",
        b"forbidden",
        b"access denied",
        b"entry not found",
        b"repository not found",
        b"invalid username or password.",
    ]
)


def _is_refusal(start: bytes) -> bool:
    return len(start) < 100 and start.strip().lower() in _REFUSALS_OF_SERVERS


def _archive(name: str, command: str) -> FileKind:
    return FileKind(name, f"`{command}` unpacks it: {_GIVE_CONTENT}")


_TO_UTF8 = "`iconv -f {0} -t UTF-8 {{file}} > NEW_FILE` converts it"
_TABLE = "save it as .xlsx or CSV UTF-8 (File, Save As) and give that file"
_GENSIM = (
    'gensim writes {what} from it: `python -c "from gensim.models import {loads}; '
    "{loads}.load({{path}}){words}.save_word2vec_format('NEW_FILE.txt')\"`"
)
_KERAS = (
    "a Keras model is served as a SavedModel: "
    "`keras.models.load_model({path}).export('models/NAME/1')` in Python writes one"
)
_NEWLY = "download it again"
_VECTORS_HEADER = re.compile(rb"\d+[ \t]+\d+[ \t\r]*\n")


def _text_in(encoding: str, name: str) -> FileKind:
    return FileKind(f"text in {name}", _TO_UTF8.format(encoding), encoding=encoding)


UTF16 = _text_in("UTF-16", 'UTF-16 (the "Unicode text" of Excel and Notepad)')
_UTF16_LE = _text_in("UTF-16LE", "UTF-16 without a byte order mark")
_UTF16_BE = _text_in("UTF-16BE", "UTF-16 without a byte order mark")

# The first test that holds names the file, so the narrower ones come first.
_KINDS: tuple[tuple[_Test, FileKind], ...] = (
    (
        _begins(b"\xff\xfe\0\0", b"\0\0\xfe\xff"),
        _text_in("UTF-32", "UTF-32"),
    ),
    (_begins(b"\xff\xfe", b"\xfe\xff"), UTF16),
    (
        _zip_with(rb"xl/|\[Content_Types\]\.xml.*xl/"),
        FileKind(
            "an Excel workbook (.xlsx)", "a name that ends in .xlsx lets it be read as a table"
        ),
    ),
    (
        _zip_with(rb"mimetypeapplication/vnd\.oasis\.opendocument\.spreadsheet"),
        FileKind("an OpenDocument spreadsheet (.ods)", _TABLE),
    ),
    (
        _zip_with(rb"word/|mimetypeapplication/vnd\.oasis\.opendocument\.text"),
        FileKind("a document of a word processor", "save it as plain text in UTF-8"),
    ),
    (
        _zip_with(rb"\[Content_Types\]\.xml|_rels/\.rels|docProps/"),
        FileKind("an Office document (.xlsx, .docx)", _TABLE),
    ),
    (
        _zip_with(rb"^.{30}[^/]{0,60}\.npy"),
        FileKind("NumPy arrays (.npz)", "load it with `numpy.load({path})` in Python"),
    ),
    (
        _zip_with(rb"^.{30}(metadata\.json|config\.json|model\.weights\.h5)"),
        FileKind("a Keras model (.keras)", _KERAS),
    ),
    (
        _zip_with(rb"/data\.pkl|/version|/byteorder"),
        FileKind("a PyTorch model", "load it in Python with what wrote it"),
    ),
    (_begins(b"PK\x03\x04", b"PK\x05\x06"), _archive("a ZIP archive", "unzip {file}")),
    (lambda start: start[257:262] == b"ustar", _archive("a tar archive", "tar -xf {file}")),
    (_begins(b"7z\xbc\xaf\x27\x1c"), _archive("a 7z archive", "7z x {file}")),
    (_begins(b"Rar!\x1a\x07"), _archive("a RAR archive", "unrar x {file}")),
    (
        _begins(b"\x28\xb5\x2f\xfd"),
        _archive("a file compressed by Zstandard", "zstd -dc {file} > NEW_FILE"),
    ),
    (
        _begins(b"\x04\x22\x4d\x18", b"\x02\x21\x4c\x18"),
        _archive("a file compressed by LZ4", "lz4 -dc {file} > NEW_FILE"),
    ),
    (
        _begins(b"\x1f\x9d", b"\x1f\xa0"),
        _archive("a file compressed by compress", "gzip -dc {file} > NEW_FILE"),
    ),
    (_begins(b"LZIP\x01"), _archive("a file compressed by lzip", "lzip -dc {file} > NEW_FILE")),
    (
        _begins(b"\x1f\x8b"),
        _archive("a file compressed by gzip", "gzip -dc {file} > NEW_FILE"),
    ),
    (
        _matches(rb"BZh[1-9](1AY&SY|\x17rE8P\x90)"),
        _archive("a file compressed by bzip2", "bzip2 -dc {file} > NEW_FILE"),
    ),
    (
        _begins(b"\xfd7zXZ\0"),
        _archive("a file compressed by xz", "xz -dc {file} > NEW_FILE"),
    ),
    (
        _matches(rb"\x80[\x02-\x05].{0,60}gensim\.models\.(keyedvectors|poincare)"),
        FileKind(
            "word vectors as gensim saves them (.kv)",
            _GENSIM.format(what=_WORD_VECTORS, loads="KeyedVectors", words=""),
        ),
    ),
    (
        _matches(rb"\x80[\x02-\x05].{0,60}gensim\.models\.fasttext"),
        FileKind(
            "a model of gensim (.model)",
            _GENSIM.format(what=_WORD_VECTORS, loads="FastText", words=".wv"),
        ),
    ),
    (
        _matches(rb"\x80[\x02-\x05].{0,60}gensim\."),
        FileKind(
            "a model of gensim (.model)",
            _GENSIM.format(what=_WORD_VECTORS, loads="Word2Vec", words=".wv"),
        ),
    ),
    (
        _matches(rb"\x80[\x02-\x05][\x95}\](cXKM\x8a\x8c]|\(dp[01]\n|\(lp[01]\n|ccopy_reg\n"),
        FileKind(
            "a pickle of Python",
            "load it in Python (only if you trust its origin: a pickle is a program) and save what "
            "it holds as text",
        ),
    ),
    (
        _begins(b"\x93NUMPY"),
        FileKind("a NumPy array (.npy)", "load it with `numpy.load({path})` in Python"),
    ),
    (_begins(b"\x89HDF\r\n\x1a\n"), FileKind("an HDF5 file (.h5)", _KERAS)),
    (
        _is_safetensors,
        FileKind(
            "tensors in the form of safetensors",
            "load it with `safetensors.numpy.load_file({path})` in Python",
        ),
    ),
    (
        _begins(b"\x08\x01\x12"),
        FileKind("the graph of a SavedModel (saved_model.pb)", "give the folder that it is in"),
    ),
    (
        _matches(rb"\x08[\x02-\x14][\x12\x1a\x32\x3a\x42]"),
        FileKind("a model in the form of ONNX", "give the SavedModel that it was made from"),
    ),
    (
        _matches(rb"GGUF[\0-\x1f]"),
        FileKind("a language model (.gguf)", "give the file that was meant"),
    ),
    (
        lambda start: start[4:8] == b"TFL3",
        FileKind("a model of TensorFlow Lite", "give the SavedModel that it was made from"),
    ),
    (
        _begins((0x2F4F16BA).to_bytes(4, "little")),
        FileKind("a fastText model (.bin)", "give the .vec file that fastText writes beside it"),
    ),
    (
        _matches(rb"PAR1[\0-\x1f]"),
        FileKind("a Parquet file", "a name that ends in .parquet lets it be read as one"),
    ),
    (
        _begins(b"ARROW1\0", b"FEA1\0"),
        FileKind(
            "an Arrow (Feather) file",
            "`pandas.read_feather({path}).to_parquet('NEW_FILE.parquet')` in Python converts it",
        ),
    ),
    (
        _begins(b"SQLite format 3\0"),
        FileKind(
            "an SQLite database",
            "`sqlite3 -header -csv {file} 'SELECT text, label FROM TABLE' > NEW_FILE.csv` writes "
            "a table of it",
        ),
    ),
    (
        _begins(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"),
        FileKind(
            "an old Office document (.xls, .doc), a workbook with a password, or Thumbs.db",
            f"{_TABLE}, without a password",
        ),
    ),
    (_matches(rb"%PDF-\d"), FileKind("a PDF", "`pdftotext {file} NEW_FILE.txt` takes its text")),
    (_begins(b"{\\rtf"), FileKind("a document in RTF", "save it as plain text in UTF-8")),
    (
        _begins(b"\x89PNG\r\n", b"\xff\xd8\xff", b"GIF87a", b"GIF89a"),
        FileKind("a picture", "give the file that was meant"),
    ),
    (
        _begins(b"\x40\x15\0\0DCS\x01", b"\x40\x15\0\0ECS\x01"),
        FileKind(
            "a dictionary of the input method Sogou (.scel)",
            "convert it to text first, a word a line",
        ),
    ),
    (
        _matches(rb"\x30\x82..\x02\x01\x03"),
        FileKind(
            "a key store in the form of PKCS#12 (.p12, .pfx)",
            "`openssl pkcs12 -in {file} -nodes -out NEW_FILE.pem` writes PEM",
        ),
    ),
    (
        _matches(rb"\x30\x82..[\x30\x02]"),
        FileKind(
            "a certificate or a key in the form of DER",
            "`openssl x509 -inform der -in {file} -out NEW_FILE.pem` writes PEM of a certificate, "
            "`openssl pkey` of a key",
        ),
    ),
    (
        _begins(b"\xfe\xed\xfe\xed"),
        FileKind(
            "a key store of Java (.jks)",
            "`keytool -importkeystore -srckeystore {file} -deststoretype pkcs12 -destkeystore "
            "NEW_FILE.p12` and then openssl write PEM",
        ),
    ),
    (_begins(b"\x7fELF", b"MZ\x90\0"), FileKind("a program", "give the file that was meant")),
    (
        _begins(b"version https://git-lfs.github.com/spec/"),
        FileKind(
            "a pointer of Git LFS in the place of the file",
            "`git lfs install && git lfs pull` in its repository fetches the file",
            is_stand_in=True,
        ),
    ),
    (
        _matches(rb"(\.\./)*/?(\.git/)?annex/objects/[A-Z0-9]+-"),
        FileKind(
            "a pointer of git-annex in the place of the file",
            "`git annex get {file}` fetches the file",
            is_stand_in=True,
        ),
    ),
    (_is_web_page, FileKind("a web page, such as a download site shows", _NEWLY, is_stand_in=True)),
    (
        _begins(b"<<<<<<< "),
        FileKind(
            "a file that git could not merge",
            "`git status` names it: choose among the parts and take out the marks",
        ),
    ),
    (_is_refusal, FileKind("the refusal of a web server", _NEWLY, is_stand_in=True)),
    (_begins(b"b0VIM "), FileKind("the swap file of the editor Vim", _LEFT_BY_PROGRAMS)),
    (_begins(b"\0\0\0\x01Bud1"), FileKind("the .DS_Store of a folder of macOS", _LEFT_BY_PROGRAMS)),
    (
        _begins(b"\0\x05\x16\x07", b"\0\x05\x16\0"),
        FileKind("the properties of another file (._NAME of macOS)", _LEFT_BY_PROGRAMS),
    ),
    (lambda start: _is_utf16(start, low=0), _UTF16_LE),
    (lambda start: _is_utf16(start, low=1), _UTF16_BE),
    (
        _is_zeros,
        FileKind("zero bytes alone, as a full disk or a crash leaves them", "give a whole copy"),
    ),
)

# By the file's name, where the first bytes may be those of the file that was meant.
_NAMES: tuple[tuple[re.Pattern[str], FileKind], ...] = (
    (
        re.compile(r"~\$.*|\.~lock\..*#"),
        FileKind("the lock file of an open Office document", _LEFT_BY_PROGRAMS),
    ),
    (
        re.compile(r".+~|\.#.+|#.+#|.*\.(bak|orig|swp|swo)"),
        FileKind("the back-up copy of an editor", "give the file itself, or copy it to its name"),
    ),
    (
        re.compile(r".*\.(crdownload|part|partial|download|aria2|!ut)"),
        FileKind("a download that has not ended", _NEWLY),
    ),
    (
        re.compile(r"\._.*"),
        FileKind("the properties of another file (._NAME of macOS)", _LEFT_BY_PROGRAMS),
    ),
    (
        re.compile(r"\.ds_store|thumbs\.db|desktop\.ini"),
        FileKind("a file that the operating system leaves in folders", _LEFT_BY_PROGRAMS),
    ),
)


def recognize(start: bytes) -> FileKind | None:
    """Returns what a file is that begins with these bytes; `None` for text and what is unknown.

    Args:
        start: The file's first `START_BYTES` bytes, or all of them if it has fewer.
    """
    for test, kind in _KINDS:
        if test(start):
            return kind
    return None


def recognize_name(name: str) -> FileKind | None:
    """Returns what programs leave beside people's files under such a name; `None` for others."""
    for pattern, kind in _NAMES:
        if pattern.fullmatch(name.lower()):
            return kind
    return None


def recognize_file(path: Path | str) -> FileKind | None:
    """Returns what a regular file is, by its name and its first bytes.

    Returns:
        `None` for text, what is unknown, and what cannot be read.
    """
    path = Path(path)
    try:
        if not path.is_file():
            return None
        with path.open("rb") as file:
            return recognize(file.read(START_BYTES)) or recognize_name(path.name)
    except OSError:
        return None


def it_is(path: Path | str) -> str:
    """Returns ` It is KIND; ADVICE.`, to end a message about a file with; empty if unknown.

    Args:
        path: The file that broke a rule.
    """
    kind = recognize_file(path)
    return "" if kind is None else f" It is {kind.told(path)}."


def is_left_by_programs(name: str) -> bool:
    """Returns whether a file is hidden or a lock file: its name begins with a dot or `~$`."""
    return name.startswith((".", "~$"))


_OFTEN = {
    "GB18030": "Chinese files are often GB18030",
    "BIG5": "Chinese files in traditional characters are often Big5",
    "WINDOWS-1252": "European files are often Windows-1252",
}


def not_utf8(path: Path | str, error: UnicodeDecodeError) -> str:
    """Returns the message about a file that is not UTF-8, with the command that converts it."""
    rest = error.object[error.start :]
    return (
        f"{path}: must be UTF-8. Received: byte 0x{rest[0]:02x} at offset {error.start:,}. "
        f"{how_to_convert(rest[:START_BYTES], path)}"
    )


def how_to_convert(data: bytes, path: Path | str) -> str:
    """Returns a sentence with the command that converts text to UTF-8, from a likely encoding.

    Args:
        data: Bytes of the text that are not UTF-8, such as the line in which it is broken.
        path: The file, which the command gets.
    """
    encoding = encoding_of(data)
    why = _OFTEN.get(encoding, f"It may be {encoding}")
    return f"{why}: `iconv -f {encoding} -t UTF-8 {shlex.quote(str(path))} > NEW_FILE` converts it."
