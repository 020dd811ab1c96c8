// What a file is that is no table of texts: a picture read as one would be rows of signs.

import { t } from "./i18n.js";

const BEGINNINGS = [
  ["picture", "\x89PNG\r\n"],
  ["picture", "\xff\xd8\xff"],
  ["picture", "GIF87a"],
  ["picture", "GIF89a"],
  ["pdf", "%PDF-"],
  ["old_office", "\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"],
  ["compressed", "\x1f\x8b\x08"],
  ["compressed", "7z\xbc\xaf\x27\x1c"],
  ["compressed", "Rar!\x1a\x07"],
  ["compressed", "\x28\xb5\x2f\xfd"],
  ["compressed", "\xfd7zXZ\0"],
  ["parquet", "PAR1"],
  ["database", "SQLite format 3\0"],
];

const ADVICE = { old_office: "old_office", compressed: "compressed", damaged: "again", jsonl: "command", parquet: "command" };

// `kind` is the end of a key `kind.…` of the texts.
export class OtherKind extends Error {
  constructor(kind) {
    super(kind);
    this.kind = kind;
  }

  inWords(name) {
    const advice = t(`advice.${ADVICE[this.kind] ?? "choose"}`);
    return t("file.other_kind", { name, kind: t(`kind.${this.kind}`), advice });
  }
}

// By the name and by the first bytes, as texts begin with none of these; null for what may be a table.
export function kindOf(buffer, name) {
  const named = /\.(jsonl?)$/i.exec(name);
  if (named) return named[1].toLowerCase();
  const start = String.fromCharCode(...new Uint8Array(buffer.slice(0, 16)));
  return BEGINNINGS.find(([, beginning]) => start.startsWith(beginning))?.[0] ?? null;
}
