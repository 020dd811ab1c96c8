// Numbers and times as people of a language write them.

import { t } from "./i18n.js";

export function percent(share) {
  if (!Number.isFinite(share)) return "–";
  // What is not certain must not look so.
  if (share > 0 && share < 0.0005) return "<0.1%";
  if (share < 1 && share >= 0.9995) return ">99.9%";
  return `${(share * 100).toFixed(1)}%`;
}

export function count(number) {
  return number.toLocaleString(document.documentElement.lang);
}

export function date(iso) {
  return new Date(iso).toLocaleDateString(document.documentElement.lang, { dateStyle: "medium" });
}

export function milliseconds(number) {
  if (number === null || number === undefined) return "–";
  return number < 10 ? number.toFixed(1) : count(Math.round(number));
}

export function duration(seconds) {
  const units = [
    ["days", 86400],
    ["hours", 3600],
    ["minutes", 60],
  ];
  for (const [name, length] of units) {
    if (seconds >= length) return t(`duration.${name}`, { n: Math.floor(seconds / length) });
  }
  return t("duration.seconds", { n: Math.max(0, Math.floor(seconds)) });
}

export function signed(number) {
  const digits = Math.abs(number).toFixed(2);
  return number < 0 ? `−${digits}` : `+${digits}`;
}

export function bytes(number) {
  if (number < 1024) return `${number} B`;
  return number < 2 ** 20 ? `${(number / 1024).toFixed(1)} KiB` : `${(number / 2 ** 20).toFixed(1)} MiB`;
}
