// The request behind an answer, for programs: a line for curl, and a few for Python.

import { hasToken, urlOf } from "./api.js";
import { pathOf } from "./choice.js";

export function curlOf(target, text) {
  const token = hasToken() ? ['-H "Authorization: Bearer $TOKEN"'] : [];
  return [
    `curl ${shellQuoted(addressOf(target))}`,
    ...token,
    "-H 'Content-Type: application/json'",
    `-d ${shellQuoted(JSON.stringify(bodyOf(text)))}`,
  ].join(" \\\n  ");
}

// It needs nothing but Python itself. A string of JSON is one of Python too.
export function pythonOf(target, text) {
  const token = hasToken() ? ['    "Authorization": "Bearer " + os.environ["TOKEN"],'] : [];
  return [
    "import json",
    ...(hasToken() ? ["import os"] : []),
    "from urllib.request import Request, urlopen",
    "",
    `body = {"signature_name": "text", "instances": [${JSON.stringify(text)}]}`,
    "headers = {",
    '    "Content-Type": "application/json",',
    ...token,
    "}",
    `url = ${JSON.stringify(addressOf(target))}`,
    "with urlopen(Request(url, json.dumps(body).encode(), headers)) as response:",
    '    for answer in json.load(response)["predictions"]:',
    "        print(answer)",
    "",
  ].join("\n");
}

function bodyOf(text) {
  return { signature_name: "text", instances: [text] };
}

function addressOf(target) {
  return urlOf(`${pathOf(target)}:predict`);
}

function shellQuoted(text) {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}

// Copies where the browser lets a page do so: over plain HTTP only on this machine.
export async function copy(text, field) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    field.focus();
    field.select();
    return document.execCommand("copy");
  }
}
