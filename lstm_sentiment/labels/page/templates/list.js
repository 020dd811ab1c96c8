// The list of texts that pass the filter. Only the rows in view are elements, so that it may be long.

const ROW_PIXELS = 60; // as in the style sheet
const ROWS_BEYOND = 6; // above and below those in view

const filter = { kind: "", label: "", state: "", search: "" };
let shown = []; // positions in ITEMS of the texts that pass
let current = -1; // position in ITEMS of the text on the card; -1 for none

function passes(item) {
  if (filter.kind && item.kind !== filter.kind) return false;
  if (filter.label && !item.given.includes(filter.label) && item.likely !== filter.label) return false;
  if (filter.state && (filter.state === "done") !== state.decisions.has(item.digest)) return false;
  return filter.search === "" || searchable(item).includes(filter.search);
}

function searchable(item) {
  item.folded ??= folded(item.text);
  return item.folded;
}

function folded(text) {
  return text.normalize("NFKC").toLowerCase();
}

function filterItems() {
  shown = [];
  for (const [position, item] of ITEMS.entries()) if (passes(item)) shown.push(position);
}

// The nearest text from a place in the list that may be searched, in one direction, around its end.
function nextOpen(from) {
  const places = [...shown.filter((each) => each > from), ...shown.filter((each) => each < from)];
  return places.find((each) => !state.decisions.has(ITEMS[each].digest)) ?? -1;
}

function neighbour(step) {
  if (step > 0) return shown.find((each) => each > current) ?? current;
  return shown.findLast((each) => each < current) ?? current;
}

function drawList() {
  const list = byId("list");
  const rows = byId("rows");
  rows.style.setProperty("--rows", String(shown.length));
  const first = Math.max(0, Math.floor(list.scrollTop / ROW_PIXELS) - ROWS_BEYOND);
  const last = Math.ceil((list.scrollTop + list.clientHeight) / ROW_PIXELS) + ROWS_BEYOND;
  rows.replaceChildren(
    ...shown.slice(first, last).map((position, index) => listRow(position, first + index)),
  );
  const active = document.getElementById(`row-${current}`) ? `row-${current}` : "";
  if (active) list.setAttribute("aria-activedescendant", active);
  else list.removeAttribute("aria-activedescendant");
  byId("count").textContent = t("list.count", { n: shown.length });
}

function listRow(position, place) {
  const item = ITEMS[position];
  const decision = state.decisions.get(item.digest);
  return element(
    "div",
    {
      class: `list-row${decision ? " done" : ""}`,
      id: `row-${position}`,
      role: "option",
      "aria-selected": String(position === current),
      "aria-posinset": place + 1,
      "aria-setsize": shown.length,
      "data-position": position,
      vars: { "--place": place },
    },
    element("span", { class: "list-text", lang: languageOf(item.text) }, item.text.slice(0, 90)),
    element(
      "span",
      { class: "list-about" },
      decision ? `✓ ${decisionText(decision)}` : [item.given.join(" / "), t(`kind.${item.kind}`)].filter(Boolean).join(" · "),
    ),
  );
}

function scrollToCurrent() {
  const place = shown.indexOf(current);
  const list = byId("list");
  if (place < 0) return;
  const top = place * ROW_PIXELS;
  if (top < list.scrollTop) list.scrollTop = top;
  else if (top + ROW_PIXELS > list.scrollTop + list.clientHeight) {
    list.scrollTop = top + ROW_PIXELS - list.clientHeight;
  }
}

function decisionText([action, label]) {
  return t(`decided.${action}`, { label });
}
