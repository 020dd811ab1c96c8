"""Bytes and the encoding in which they are read; the page in the browser follows the same rule."""

from typing import NamedTuple


class Case(NamedTuple):
    """A file's bytes; `encoding` is `None` where they are in none that is recognized."""

    name: str
    content: bytes
    encoding: str | None
    text: str = ""
    first_line: int = 1


CHINESE = "房间很干净，早餐太差了。\n服务员态度一流！\n"
OTHERS = {
    "big5": "房間很乾淨，早餐太差了。服務態度不好，我們不會再來。",
    "shift_jis": "ホテルの部屋はとても綺麗でした。また利用したいと思います。",
    "euc-jp": "ホテルの部屋はとても綺麗でした。また利用したいと思います。",
    "euc-kr": "호텔 방이 아주 깨끗하고 직원들이 친절했습니다. 다음에도 다시 이용하고 싶어요.",
    "windows-1251": "Очень хороший отель, чистые номера и вкусный завтрак",
    "windows-1252": "L'hôtel était très bien situé, la chambre propre, le café délicieux",
}
"""A text in each encoding that is not recognized, but named in the message."""

_LATIN = "Das Zimmer war schön\nDer Kaffee war süß\n"

_GB18030 = CHINESE.encode("gb18030")

CASES = (
    Case("ascii", b"a\nb\n", "utf-8", "a\nb\n"),
    Case("utf-8", CHINESE.encode(), "utf-8", CHINESE),
    Case("utf-8 with a mark", b"\xef\xbb\xbf" + CHINESE.encode(), "utf-8", CHINESE),
    Case("utf-16", b"\xff\xfe" + CHINESE.encode("utf-16-le"), "utf-16", CHINESE),
    Case("utf-16, big-endian", b"\xfe\xff" + CHINESE.encode("utf-16-be"), "utf-16", CHINESE),
    Case("gb18030", CHINESE.encode("gb18030"), "gb18030", CHINESE),
    Case("gb18030, late", b"a\nb\n" + CHINESE.encode("gb18030"), "gb18030", f"a\nb\n{CHINESE}", 3),
    Case("gb18030, emoji", "很好😀👍🏽\n".encode("gb18030"), "gb18030", "很好😀👍🏽\n"),
    Case(
        "gb18030, euro of Windows",
        b"\x80 100 " + CHINESE.encode("gb18030"),
        "gb18030",
        f"€ 100 {CHINESE}",
    ),
    Case("gb18030, one character", "好\n".encode("gb18030"), "gb18030", "好\n"),
    Case("latin, all of it valid gb18030", _LATIN.encode("cp1252"), None),
    *(Case(encoding, f"{text}\n".encode(encoding), None) for encoding, text in OTHERS.items()),
    Case("no text", bytes([0x61, 0xFF, 0xFE, 0xFD, 0x0A]), None),
    Case("both", "房间\n".encode() + "早餐\n".encode("gb18030"), None),
)
