"""Display names: what people see in the place of labels, in several languages.

    {"0": {"en": "negative", "zh": "差评"}, "1": {"en": "positive", "zh": "好评"}}

A version keeps them in `LABEL_NAMES`. They are for people: pages, reports and tables show them.
Answers hold the labels themselves, whatever the names are.
"""

import json
import os
import re
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

from lstm_sentiment.checks import did_you_mean, unreadable
from lstm_sentiment.compressed import read_whole
from lstm_sentiment.errors import InvalidInputError
from lstm_sentiment.first_bytes import START_BYTES, not_utf8, recognize
from lstm_sentiment.system import sync_to_disk
from lstm_sentiment.unicode import replace_surrogates
from lstm_sentiment.version_digests import DIGESTS, check_file, save_digests
from lstm_sentiment.version_folder import LABEL_NAMES

GivenNames = Mapping[Any, Mapping[str, str] | str]
"""Display names as they are given in Python, by label and by language tag; a text in the place of
the languages is the name in all of them."""

ANY_LANGUAGE: Final = "*"
"""The tag of a name for all languages that have none of their own."""

_LONGEST = 100
# ISO 639-1. There are too many codes of three letters for a list: all of them pass.
_CODES = """
aa ab ae af ak am an ar as av ay az ba be bg bi bm bn bo br bs ca ce ch co cr cs cu cv cy da de
dv dz ee el en eo es et eu fa ff fi fj fo fr fy ga gd gl gn gu gv ha he hi ho hr ht hu hy hz ia
id ie ig ii ik io is it iu ja jv ka kg ki kj kk kl km kn ko kr ks ku kv kw ky la lb lg li ln lo
lt lu lv mg mh mi mk ml mn mr ms mt my na nb nd ne ng nl nn no nr nv ny oc oj om or os pa pi pl
ps pt qu rm rn ro ru rw sa sc sd se sg si sk sl sm sn so sq sr ss st su sv sw ta te tg th ti tk
tl tn to tr ts tt tw ty ug uk ur uz ve vi vo wa wo xh yi yo za zh zu
"""
_LANGUAGES = frozenset(_CODES.split())
_MEANT = {
    **dict.fromkeys(("cn", "chi", "zho", "chinese", "中文", "汉语", "简体中文"), "zh"),
    **dict.fromkeys(("eng", "us", "uk-en", "english", "英文", "英语"), "en"),
    **dict.fromkeys(("jp", "jpn", "japanese"), "ja"),
    **dict.fromkeys(("korean", "kor"), "ko"),
    **dict.fromkeys(("german", "deu", "ger"), "de"),
    **dict.fromkeys(("french", "fra", "fre"), "fr"),
    **dict.fromkeys(("spanish", "spa"), "es"),
}
_TAG = re.compile(
    r"(?P<language>[a-z]{2,3})(?:[-_](?P<script>[a-z]{4}))?(?:[-_](?P<region>[a-z]{2}|[0-9]{3}))?",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class DisplayNames:
    """The display names of a version's labels.

    Attributes:
        names: By label, then by language tag, in the order of the file. A label may be missing,
            and a language too: `of` then returns the label itself.
    """

    names: Mapping[str, Mapping[str, str]] = field(default_factory=lambda: MappingProxyType({}))

    def __bool__(self) -> bool:
        """Returns whether any label has a name."""
        return bool(self.names)

    def of(self, label: str, language: str) -> str:
        """Returns the name of a label in a language.

        Looked for are, in this order: the language with all its parts (`zh-Hant-TW`), then with
        fewer (`zh-Hant`, `zh`), then another form of the language (`zh-CN`), then `*`.

        Args:
            label: Any label.
            language: A language tag, such as `zh` or `en-GB`.

        Returns:
            The name, or the label itself if it has none in this language.
        """
        names = self.names.get(label)
        if not names:
            return label
        tag = _canonical(language) or language
        while tag:
            if tag in names:
                return names[tag]
            tag = tag.rpartition("-")[0]
        primary = language.replace("_", "-").partition("-")[0].lower()
        same = (name for tag, name in names.items() if tag.partition("-")[0] == primary)
        return next(same, names.get(ANY_LANGUAGE, label))

    def of_all(self, labels: Iterable[str], language: str) -> tuple[str, ...]:
        """Returns the name of each label: see `of`."""
        return tuple(self.of(label, language) for label in labels)

    def to_dict(self) -> dict[str, dict[str, str]]:
        """Returns the JSON object that the file holds."""
        return {label: dict(names) for label, names in self.names.items()}

    def only(self, labels: Iterable[str]) -> "DisplayNames":
        """Returns the names of these labels alone."""
        kept = {label: self.names[label] for label in labels if label in self.names}
        return DisplayNames(kept)

    def check_labels(self, labels: Sequence[str], where: object = "display names") -> None:
        """Checks that all labels with a name are labels of a model.

        Args:
            labels: The labels of the model.
            where: Begins the message: the file that the names come from.

        Raises:
            InvalidInputError: If one is not.
        """
        for label in self.names:
            if label not in labels:
                raise InvalidInputError(
                    f"{where}: must name only labels of the model: {_listed(labels)}. "
                    f"Received: {label!r}.{did_you_mean(label, labels)}"
                )


NO_NAMES: Final = DisplayNames()
"""The names of a version without any: each label stands for itself."""


def read_display_names(path: str | os.PathLike[str]) -> DisplayNames:
    """Reads a file of display names.

    Args:
        path: JSON, or TOML if its name ends in `.toml`, in UTF-8: a name for each label and
            language, as in `{"0": {"en": "negative", "zh": "差评"}}`. A text in the place of the
            languages, as in `{"0": "negative"}`, is the name in all languages.

    Raises:
        InvalidInputError: If the file cannot be read, has another form, a language tag is unknown,
            a name is no text, or two labels have the same name in a language.
    """
    path = Path(path)
    content = _content(path)
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InvalidInputError(not_utf8(path, error)) from error
    return _checked(_parsed(path, text), path)


def load_display_names(version_dir: str | os.PathLike[str]) -> DisplayNames:
    """Reads the display names of a version.

    Args:
        version_dir: The version's folder.

    Returns:
        The names; `NO_NAMES` if the version has none.

    Raises:
        InvalidInputError: If the file is damaged or has another form: see `read_display_names`.
    """
    path = Path(version_dir) / LABEL_NAMES
    if not path.exists():
        return NO_NAMES
    check_file(Path(version_dir), LABEL_NAMES)
    return read_display_names(path)


def save_display_names(names: DisplayNames, version_dir: Path) -> None:
    """Writes the display names of a version, which is being written; none for no names.

    Raises:
        OSError: If the file cannot be written.
    """
    if names:
        text = json.dumps(names.to_dict(), ensure_ascii=False, indent=2)
        (version_dir / LABEL_NAMES).write_text(text + "\n", "utf-8")


def replace_display_names(names: DisplayNames, version_dir: Path) -> None:
    """Writes other display names into a version that is complete, and its digests.

    Raises:
        OSError: If a file cannot be read or written.
    """
    path = version_dir / LABEL_NAMES
    path.unlink(missing_ok=True)
    save_display_names(names, version_dir)
    save_digests(version_dir)
    for written in (path, version_dir / DIGESTS, path.parent):
        if written.exists():
            sync_to_disk(written)


def as_display_names(names: "DisplayNames | GivenNames | None") -> DisplayNames:
    """Returns display names that are given in Python, checked as those of a file.

    Args:
        names: By label, then by language tag; `None` for none.

    Raises:
        InvalidInputError: See `read_display_names`.
    """
    if names is None or isinstance(names, DisplayNames):
        return names or NO_NAMES
    return _checked(names, "`display_names`")


def _content(path: Path) -> bytes:
    try:
        content = read_whole(path)
    except OSError as error:
        raise InvalidInputError(unreadable(path, error)) from error
    kind = recognize(content[:START_BYTES])
    if kind is not None:
        raise InvalidInputError(f"{path}: must be JSON or TOML. Received: {kind.told(path)}.")
    return content


def _parsed(path: Path, text: str) -> Any:
    is_toml = path.suffix.lower() == ".toml"
    try:
        if is_toml:
            return tomllib.loads(text)
        return json.loads(text, object_pairs_hook=lambda pairs: _without_repeats(pairs, path))
    except InvalidInputError:
        raise
    except (ValueError, RecursionError) as error:
        form = "TOML" if is_toml else "JSON, or TOML if its name ends in .toml"
        raise InvalidInputError(f"{path}: must be {form}. Received: {error}.") from error


def _without_repeats(pairs: list[tuple[str, Any]], path: Path) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in pairs:
        if key in found:
            raise InvalidInputError(f"{path}: must have each key once. Received: {key!r} twice.")
        found[key] = value
    return found


def _checked(value: Any, where: object) -> DisplayNames:
    if not isinstance(value, Mapping):
        raise InvalidInputError(
            f'{where}: must hold a name for each label, as in {{"0": {{"en": "negative", "zh": '
            f'"差评"}}}}. Received: {type(value).__name__}.'
        )
    names = {str(label): _names(label, of_label, where) for label, of_label in value.items()}
    found = DisplayNames({label: given for label, given in names.items() if given})
    _check_apart(found, where)
    return found


def _names(label: object, value: Any, where: object) -> dict[str, str]:
    if isinstance(value, str):
        value = {ANY_LANGUAGE: value}
    if not isinstance(value, Mapping):
        raise InvalidInputError(
            f"{where}: the names of label {str(label)!r} must be texts by language tag, such as en "
            f"or zh. Received: {value!r}."
        )
    names: dict[str, str] = {}
    for given, name in value.items():
        tag = _checked_tag(given, label, where)
        if tag in names:
            raise InvalidInputError(
                f"{where}: label {str(label)!r} must have one name in each language. "
                f"Received: two for {tag!r}."
            )
        names[tag] = _checked_name(name, label, tag, where)
    return names


def _checked_tag(given: object, label: object, where: object) -> str:
    tag = _canonical(given)
    if tag is None:
        meant = _MEANT.get(str(given).lower())
        hint = (
            did_you_mean(str(given), _LANGUAGES) if meant is None else f" Did you mean {meant!r}?"
        )
        raise InvalidInputError(
            f"{where}: the names of label {str(label)!r} must be by language tag, such as en, zh "
            f"or zh-TW. Received: {given!r}.{hint}"
        )
    return tag


def _canonical(tag: object) -> str | None:
    """Returns a language tag as BCP 47 writes it, `zh-Hant-TW`; `None` for an unknown one."""
    if tag == ANY_LANGUAGE:
        return ANY_LANGUAGE
    match = _TAG.fullmatch(tag) if isinstance(tag, str) else None
    if match is None:
        return None
    language = match["language"].lower()
    if language in _MEANT or (len(language) == 2 and language not in _LANGUAGES):
        return None
    parts = (language, (match["script"] or "").title(), (match["region"] or "").upper())
    return "-".join(part for part in parts if part)


def _checked_name(name: object, label: object, tag: str, where: object) -> str:
    named = f"{where}: the name of label {str(label)!r} in {tag!r}"
    if not isinstance(name, str):
        raise InvalidInputError(f"{named} must be a text. Received: {name!r}.")
    shown = replace_surrogates(" ".join(name.split()))
    if not shown or not shown.isprintable():
        raise InvalidInputError(f"{named} must be printable text. Received: {name!r}.")
    if len(shown) > _LONGEST:
        raise InvalidInputError(
            f"{named} must have at most {_LONGEST} characters. Received: {len(shown):,}."
        )
    return shown


def _check_apart(names: DisplayNames, where: object) -> None:
    """Checks that no two labels have the same name in a language."""
    labels: dict[tuple[str, str], str] = {}
    for label, of_label in names.names.items():
        for tag, name in of_label.items():
            other = labels.setdefault((tag, name), label)
            if other != label:
                raise InvalidInputError(
                    f"{where}: two labels must not have the same name in a language. "
                    f"Received: {name!r} for {other!r} and {label!r} in {tag!r}."
                )


def _listed(labels: Sequence[str]) -> str:
    shown = ", ".join(labels[:10])
    return shown if len(labels) <= 10 else f"{shown} and {len(labels) - 10:,} more"
