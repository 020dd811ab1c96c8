// The encoding of a text file, found as the command line finds it: a byte order mark decides, then
// UTF-8, then GB18030 where the text is plainly simplified Chinese.

const MARKS = [
  ["utf-8", [0xef, 0xbb, 0xbf]],
  ["utf-16le", [0xff, 0xfe]],
  ["utf-16be", [0xfe, 0xff]],
];
const MOST_STRAY = 0.1; // of the lines: a few are UTF-8 by chance, a few of any file are broken
const FAMILIAR_SHARE = 0.9;
const LEAST_DISTINCT = 12;
const LEAST_SECOND_HALF = 0.05;
const MOST_JUDGED = 20_000; // lines beyond ASCII: more tell no more
const FIRST_HALF_ENDS = 0xc8; // first byte of a common character

// What one may choose by hand; `TextDecoder` knows each.
export const ENCODINGS = ["utf-8", "gb18030", "big5", "utf-16le", "shift_jis", "euc-kr", "windows-1251", "windows-1252"];

// {text, encoding, malformed}: `stated` is one of ENCODINGS, or null to find it; `malformed` is the
// number of characters that could not be decoded.
export function decode(buffer, stated = null) {
  const bytes = new Uint8Array(buffer);
  const encoding = markedEncoding(bytes) ?? stated ?? foundEncoding(bytes);
  const text = new TextDecoder(encoding).decode(bytes);
  return { text, encoding, malformed: text.split("\ufffd").length - 1 };
}

function markedEncoding(bytes) {
  return MARKS.find(([, mark]) => mark.every((byte, index) => bytes[index] === byte))?.[0] ?? null;
}

function foundEncoding(bytes) {
  if (decoded(bytes, "utf-8") !== null) return "utf-8";
  const counts = { utf8: 0, gb18030: 0, neither: 0 };
  const chinese = [];
  for (const line of linesOf(bytes)) {
    if (line.every((byte) => byte < 0x80)) continue;
    if (counts.utf8 + counts.gb18030 + counts.neither === MOST_JUDGED) break;
    const text = decoded(line, "gb18030");
    if (decoded(line, "utf-8") !== null) counts.utf8 += 1;
    else if (text === null) counts.neither += 1;
    else {
      counts.gb18030 += 1;
      chinese.push(text);
    }
  }
  const lines = counts.utf8 + counts.gb18030 + counts.neither;
  const isMostly = counts.gb18030 > 0 && Math.max(counts.utf8, counts.neither) <= MOST_STRAY * lines;
  return isMostly && isSimplifiedChinese(chinese.join("")) ? "gb18030" : "utf-8";
}

function decoded(bytes, encoding) {
  try {
    return new TextDecoder(encoding, { fatal: true }).decode(bytes);
  } catch {
    return null;
  }
}

function* linesOf(bytes) {
  for (let at = 0; at < bytes.length; ) {
    const end = bytes.indexOf(0x0a, at);
    yield bytes.subarray(at, end < 0 ? bytes.length : end + 1);
    at = end < 0 ? bytes.length : end + 1;
  }
}

// Nearly any bytes are valid GB18030, so its most frequent characters decide.
function isSimplifiedChinese(text) {
  const familiar = familiarCharacters();
  const counts = new Map();
  for (const character of text) counts.set(character, (counts.get(character) ?? 0) + 1);
  let total = 0;
  let known = 0;
  const han = [];
  for (const [character, count] of counts) {
    if (character < "\x80" || isEmoji(character)) continue;
    total += count;
    if (!familiar.has(character)) continue;
    known += count;
    if (familiar.get(character) > 0) han.push(familiar.get(character));
  }
  if (total === 0 || known < FAMILIAR_SHARE * total) return false;
  const secondHalf = han.filter((first) => first > FIRST_HALF_ENDS).length;
  return han.length < LEAST_DISTINCT || secondHalf >= LEAST_SECOND_HALF * han.length;
}

function isEmoji(character) {
  return character.codePointAt(0) >= 0x10000 || character === "\u200d" || character === "\ufe0f";
}

let familiarFound = null;

// The 3,755 common characters of GB 2312, each with its first byte, and its marks, with 0.
function familiarCharacters() {
  if (familiarFound !== null) return familiarFound;
  familiarFound = new Map();
  const decoder = new TextDecoder("gb18030");
  const add = (first, last, isHan) => {
    for (let high = first; high <= last; high += 1) {
      for (let low = 0xa1; low <= 0xfe; low += 1) {
        const character = decoder.decode(new Uint8Array([high, low]));
        if (!/[\ufffd\ue000-\uf8ff]/.test(character)) familiarFound.set(character, isHan ? high : 0);
      }
    }
  };
  add(0xa1, 0xa3, false);
  add(0xb0, 0xd7, true);
  return familiarFound;
}
