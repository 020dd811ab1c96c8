"""Encodings of text: their names, and which one bytes are in that are not UTF-8."""

import codecs
import re
from collections import Counter
from collections.abc import Callable
from functools import lru_cache
from typing import Final

from lstm_sentiment.errors import InvalidInputError

AUTO: Final = "auto"
"""Recognize the encoding: a byte order mark decides, then UTF-8, then GB18030."""

COMMON_ENCODINGS: Final = (
    AUTO,
    "utf-8",
    "gb18030",
    "big5",
    "utf-16",
    "shift_jis",
    "euc-kr",
    "windows-1251",
    "windows-1252",
)
"""Names that a shell completes; Python's other encodings are accepted too."""

# What programs call by the older name has characters that only the larger encoding holds.
_LARGER: Final = {
    "gb2312": "gb18030",
    "gbk": "gb18030",
    "big5": "cp950",
    "shift_jis": "cp932",
    "euc_kr": "cp949",
    "utf-8-sig": "utf-8",
}
_NO_TEXT_FILES: Final = frozenset(
    ["idna", "punycode", "raw-unicode-escape", "unicode-escape", "undefined", "mbcs", "oem"]
)
_ASCII: Final = bytes(range(128))

FAMILIAR_SHARE: Final = 0.9
"""Least share of common simplified characters and marks by which text is taken for GB18030."""

_FIRST_HALF_END: Final = b"\xc8\xff"
_LEAST_DISTINCT, _LEAST_SECOND_HALF = 12, 0.05


def codec_of(encoding: str) -> str:
    """Returns Python's name of an encoding, or `auto` as it is.

    Names of parts of GB18030, such as GBK, stand for the whole.

    Raises:
        InvalidInputError: If Python knows no such encoding of text.
    """
    if encoding == AUTO:
        return AUTO
    try:
        name = codecs.lookup(encoding).name
        b"abcd".decode(name, "replace")
    except (LookupError, ValueError, TypeError):
        name = ""
    if not name or name in _NO_TEXT_FILES:
        raise InvalidInputError(
            "`encoding` must be auto or the name of a text encoding, such as utf-8, gb18030, big5 "
            f"or utf-16. Received: {encoding!r}."
        )
    return _LARGER.get(name, name)


def keeps_ascii(codec: str) -> bool:
    """Returns whether ASCII bytes mean ASCII in an encoding, so that lines end at a line feed."""
    try:
        return _ASCII.decode(codec) == _ASCII.decode("ascii")
    except UnicodeDecodeError:
        return False


def decode_bytes(data: bytes, codec: str) -> str:
    """Decodes bytes, in GB18030 with the euro sign of Windows, the byte 0x80, as browsers do.

    Raises:
        UnicodeDecodeError: If the bytes are not in the encoding.
    """
    return data.decode(codec, _WITH_EURO if codec == "gb18030" else "strict")


_WITH_EURO: Final = "lstm_sentiment.with_euro"


def _euro(error: UnicodeError) -> tuple[str, int]:
    if isinstance(error, UnicodeDecodeError) and error.object[error.start] == 0x80:
        return "€", error.start + 1
    raise error


codecs.register_error(_WITH_EURO, _euro)


def is_gb18030(data: bytes) -> bool:
    """Returns whether lines that are not UTF-8 are simplified Chinese in GB18030.

    Nearly any bytes are valid GB18030, so its most frequent characters decide: 90 % of those that
    are not ASCII must be among the 3,755 common ones of GB 2312 or its marks. In text of Big5,
    Shift_JIS, EUC-JP or Windows-1252 few are. In text of EUC-KR all are, but only of the first half
    of them.

    Args:
        data: Whole lines.
    """
    try:
        return _is_simplified(decode_bytes(data, "gb18030"))
    except UnicodeDecodeError:
        return False


def _is_simplified(text: str) -> bool:
    counts = Counter(text)
    familiar = _familiar()
    beyond_ascii = {
        character: count
        for character, count in counts.items()
        if character >= "\x80" and not _is_emoji(character)
    }
    common = {character for character in beyond_ascii if character in familiar}
    total = sum(beyond_ascii.values())
    if not total or sum(beyond_ascii[each] for each in common) < FAMILIAR_SHARE * total:
        return False
    han = [character for character in common if familiar[character]]
    second_half = sum(each.encode("gb18030") > _FIRST_HALF_END for each in han)
    return len(han) < _LEAST_DISTINCT or second_half >= _LEAST_SECOND_HALF * len(han)


def encoding_of(data: bytes) -> str:
    """Guesses the encoding of text that is not UTF-8, by the bytes of its characters.

    Args:
        data: Part of the text; its first and last characters may be cut.

    Returns:
        The encoding's name as `iconv` and Python take it: `GB18030`, `BIG5`, `SHIFT_JIS`, `EUC-JP`,
        `EUC-KR`, `WINDOWS-1251` or, where most characters are single bytes, `WINDOWS-1252`.
    """
    if _is_simplified(data.decode("gb18030", "replace")):
        return "GB18030"
    for name, codec, test, least in _BY_SCRIPT:
        if _share(data, codec, test) >= least:
            return name
    pairs = re.findall(rb"[\x81-\xfe][\x40-\x7e\x80-\xfe]", data)
    singles = re.findall(rb"(?<![\x80-\xff])[\x80-\xff](?![\x80-\xff])", data)
    if len(singles) > len(pairs):
        return "WINDOWS-1252"
    if _share(data, "cp1251", _is_small_cyrillic) >= _CYRILLIC_SHARE:
        return "WINDOWS-1251"

    def share(first: range, second: range) -> float:
        return sum(pair[0] in first and pair[1] in second for pair in pairs) / max(1, len(pairs))

    # The characters and marks of GB 2312, which are most of any Chinese text; then those of Big5.
    simplified = share(range(0xA1, 0xAA), range(0xA1, 0xFF))
    simplified += share(range(0xB0, 0xF8), range(0xA1, 0xFF))
    traditional = share(range(0xA1, 0xCA), range(0x40, 0xFF))
    return "BIG5" if simplified < 0.9 <= traditional else "GB18030"


def _share(data: bytes, codec: str, test: Callable[[str], bool]) -> float:
    """Returns which share of the characters beyond ASCII a test holds of."""
    beyond_ascii = [character for character in data.decode(codec, "replace") if character >= "\x80"]
    return sum(map(test, beyond_ascii)) / max(1, len(beyond_ascii))


def _is_kana(character: str) -> bool:
    return "\u3041" <= character <= "\u30fe"


def _is_hangul(character: str) -> bool:
    return "\uac00" <= character <= "\ud7a3"


def _is_small_cyrillic(character: str) -> bool:
    return "\u0430" <= character <= "\u045f"


_CYRILLIC_SHARE: Final = 0.7
_BY_SCRIPT: Final = (
    ("SHIFT_JIS", "cp932", _is_kana, 0.3),
    ("EUC-JP", "euc_jp", _is_kana, 0.3),
    ("EUC-KR", "cp949", _is_hangul, 0.9),
)


def _is_emoji(character: str) -> bool:
    return character >= "\U00010000" or character in "\u200d\ufe0f"


@lru_cache(maxsize=1)
def _familiar() -> dict[str, bool]:
    """The common characters and the marks of GB 2312; the value is true for the former."""
    found = {}
    for first in (*range(0xA1, 0xA4), *range(0xB0, 0xD8)):
        for second in range(0xA1, 0xFF):
            character = bytes([first, second]).decode("gb2312", "ignore")
            if character:
                found[character] = first >= 0xB0
    return found
