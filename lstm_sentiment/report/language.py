"""Languages of reports and pages: which one is chosen, and how a sentence is written in it."""

import locale
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal

from lstm_sentiment.display_names import ANY_LANGUAGE, NO_NAMES, DisplayNames
from lstm_sentiment.report.chinese import CHINESE
from lstm_sentiment.report.wording import language_of

Language = Literal["en", "zh"]
"""A language that reports and pages are written in."""

# The first one that is set decides, as in POSIX.
_LOCALE_VARIABLES = ("LC_ALL", "LC_MESSAGES", "LANG")


def choose_language(
    labels: Sequence[str],
    names: DisplayNames = NO_NAMES,
    environment: Mapping[str, str] | None = None,
) -> Language:
    """Chooses the language of a report that no language was given for.

    It is Chinese if the locale is Chinese, or if the labels are; otherwise it is English. Labels
    are Chinese if one of them has Chinese characters, or has display names in Chinese but none in
    English.

    Args:
        labels: The labels of the version.
        names: Their display names.
        environment: The environment variables; `None` for those of the process.
    """
    if _is_chinese_locale(os.environ if environment is None else environment):
        return "zh"
    shown = names.of_all(labels, "en")
    if any(language_of(name) == "zh" for name in shown):
        return "zh"
    tags = {tag for label in labels for tag in names.names.get(label, ())}
    languages = {tag.partition("-")[0] for tag in tags}
    return "zh" if "zh" in languages and not languages & {"en", ANY_LANGUAGE} else "en"


def _is_chinese_locale(environment: Mapping[str, str]) -> bool:
    given = next((value for name in _LOCALE_VARIABLES if (value := environment.get(name))), None)
    if given is None and environment is os.environ:
        given = locale.getlocale()[0]  # Windows has no such variables
    return (given or "").lower().startswith(("zh", "chinese"))


@dataclass(frozen=True)
class Wording:
    """Writes sentences, numbers and labels in one language.

    Attributes:
        language: The language.
        names: Display names of the labels.
    """

    language: Language = "en"
    names: DisplayNames = NO_NAMES

    def __call__(self, english: str, /, **values: object) -> str:
        """Returns a sentence in the language.

        Args:
            english: The English sentence, a key of `CHINESE`, with `{name}` for each value.
            **values: What takes the place of `{name}`.
        """
        sentence = english if self.language == "en" else CHINESE[english]
        return sentence.format(**values) if values else sentence

    def words(self) -> Sequence[str]:
        """Returns all that may be written in a plot beside names and numbers, for fonts."""
        return () if self.language == "en" else tuple(CHINESE.values())

    @property
    def gap(self) -> str:
        """The separator of two sentences: nothing in Chinese."""
        return " " if self.language == "en" else ""

    def listed(self, parts: Iterable[str]) -> str:
        """Returns the parts of a list with what the language puts between them."""
        return (", " if self.language == "en" else "、").join(parts)

    @property
    def html_language(self) -> str:
        """The value of the attribute `lang` of a page."""
        return {"en": "en", "zh": "zh-CN"}[self.language]

    def known(self, word: str) -> str:
        """Returns a word of a file, such as `train`, in the language if it is known there."""
        return word if self.language == "en" else CHINESE.get(word, word)

    def counted(self, number: int, thing: str) -> str:
        """Returns a number with its noun: `1 text`, `2,000 texts` or `2,000 条文本`.

        Args:
            number: The count.
            thing: The noun in the singular, `text`, `class`, `token` or `character`.
        """
        if self.language == "zh":
            return f"{number:,} {CHINESE[thing]}"
        plural = "" if number == 1 else "es" if thing.endswith("s") else "s"
        return f"{number:,} {thing}{plural}"

    def label(self, label: str) -> str:
        """Returns the display name of a label, or the label itself."""
        return self.names.of(label, self.language)

    def labels(self, labels: Sequence[str]) -> tuple[str, ...]:
        """Returns the display name of each label."""
        return self.names.of_all(labels, self.language)


ENGLISH: Final = Wording()
"""English, with labels as they are."""
