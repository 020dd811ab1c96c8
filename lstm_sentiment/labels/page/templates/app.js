// What keys, buttons and filters do.

const KEYS_KEY = "lstm-sentiment.single-keys";
const isWide = matchMedia("(min-width: 62rem)"); // as in the style sheet
let usesPointer = false; // whether the last thing used was no key
let usesKeys = stored(KEYS_KEY) !== "off";

const ACTIONS = {
  k: () => clickShown("keep"),
  c: () => clickShown("likely"),
  d: () => clickShown("drop"),
  u: undo,
  n: () => {
    const open = nextOpen(current);
    if (open >= 0) goTo(open);
  },
  s: save,
  "/": () => {
    byId("filters").open = true;
    byId("search").focus();
  },
  ArrowLeft: () => goTo(neighbour(-1)),
  ArrowRight: () => goTo(neighbour(1)),
};

// In the list; elsewhere these keys scroll.
const LIST_ACTIONS = {
  ArrowUp: () => goTo(neighbour(-1)),
  ArrowDown: () => goTo(neighbour(1)),
  Home: () => goTo(shown[0] ?? -1),
  End: () => goTo(shown.at(-1) ?? -1),
};

function clickShown(id) {
  if (!byId(id).hidden) byId(id).click();
}

function onKey(event) {
  usesPointer = false;
  const isTyping = event.target.matches("input:not([type='checkbox']), select, textarea");
  if (event.target.id === "search" && event.key === "Escape") byId("list").focus();
  if ((!usesKeys && event.key.length === 1) || isTyping || event.ctrlKey || event.metaKey || event.altKey) return;
  const label = current >= 0 ? labelOfDigit.get(event.key) : undefined;
  const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
  const known = event.target.id === "list" ? { ...ACTIONS, ...LIST_ACTIONS } : ACTIONS;
  const act = label === undefined ? known[key] : () => chooseLabel(label);
  if (!act) return;
  event.preventDefault();
  act();
}

function chooseLabel(label) {
  const item = ITEMS[current];
  if (DATA.mode === "next") decideOn(item, "label", label);
  else decideOn(item, item.given.includes(label) && item.given.length === 1 ? "keep" : "change", label);
}

function decideOn(item, action, label) {
  decide(item, action, label);
  say(decisionText([action, label]));
  const open = nextOpen(current);
  filterItems();
  if (open >= 0) goTo(open);
  else if (shown.includes(current)) draw();
  else goTo(shown[0] ?? -1);
}

function undo() {
  const digest = undoDecision();
  if (digest === null) return;
  say(t("undone"));
  const position = ITEMS.findIndex((item) => item.digest === digest);
  filterItems();
  if (position >= 0 && !shown.includes(position)) clearFilter();
  goTo(position >= 0 ? position : current);
}

function save() {
  const n = saveFile(ITEMS);
  say(n === 0 ? t("save.none") : t("saved", { n, file: DATA.file, command: DATA.command }), true);
  drawProgress();
}

function say(message, isShown = false) {
  byId("said").textContent = message;
  byId("said").classList.toggle("shown", isShown);
}

function goTo(position) {
  const isOther = position >= 0 && current >= 0 && position !== current;
  setCurrent(position);
  keepState();
  show();
  // To the beginning of the text; where the list is beside it, the head of the page has room too.
  if (isOther) document.querySelector(isWide.matches ? "body" : "main").scrollIntoView();
}

function setCurrent(position) {
  current = position;
  state.at = ITEMS[position]?.digest ?? "";
}

function show() {
  scrollToCurrent();
  draw();
}

function draw() {
  drawProgress();
  drawCard();
  drawList();
}

function drawProgress() {
  const done = ITEMS.filter((item) => state.decisions.has(item.digest)).length;
  const words = t("progress.of", { done, n: ITEMS.length });
  byId("progress-words").textContent = words;
  byId("progress").max = Math.max(1, ITEMS.length);
  byId("progress").value = done;
  byId("progress").setAttribute("aria-valuetext", words);
  byId("save-words").textContent = t(`save.${DATA.mode}`, { file: DATA.file });
  byId("unsaved").textContent = state.unsaved > 0 ? t("unsaved", { n: state.unsaved }) : "";
  byId("volatile").hidden = keepsState;
}

function changeFilter() {
  for (const name of ["kind", "label", "state"]) filter[name] = byId(`filter-${name}`).value;
  filter.search = folded(byId("search").value.trim());
  byId("list").scrollTop = 0;
  filterItems();
  goTo(shown.includes(current) ? current : (shown[0] ?? -1));
}

// A list that was clicked would keep the keys that decide to itself.
function chooseFilter() {
  changeFilter();
  if (usesPointer) byId("card").focus({ preventScroll: true });
}

function clearFilter() {
  for (const id of ["filter-kind", "filter-label", "filter-state", "search"]) byId(id).value = "";
  changeFilter();
}

function fillFilters() {
  const kinds = [...new Set(ITEMS.map((item) => item.kind))];
  const counts = (kind) => ITEMS.filter((item) => item.kind === kind).length;
  byId("filter-kind").append(
    ...kinds.map((kind) =>
      element(
        "option",
        { value: kind },
        element("span", { "data-i18n": `kind.${kind}` }),
        ` (${counts(kind)})`,
      ),
    ),
  );
  const labels = DATA.classes.filter((label) => ITEMS.some((item) => item.given.includes(label) || item.likely === label));
  byId("filter-label").append(...labels.map((label) => element("option", { value: label }, label)));
  byId("field-label").hidden = labels.length === 0;
  byId("field-kind").hidden = kinds.length < 2;
}

function translateAll() {
  translateDocument();
  byId("lead").textContent = t(`lead.${DATA.mode}`, { source: DATA.source });
  for (const option of byId("filter-kind").querySelectorAll("option[value]")) {
    const kind = option.value;
    if (kind) option.textContent = `${t(`kind.${kind}`)} (${ITEMS.filter((item) => item.kind === kind).length})`;
  }
  draw();
}

function listen() {
  document.addEventListener("keydown", onKey);
  byId("keep").addEventListener("click", () => decideOn(ITEMS[current], "keep", ITEMS[current].given[0]));
  byId("likely").addEventListener("click", () => chooseLabel(ITEMS[current].likely));
  byId("drop").addEventListener("click", () => decideOn(ITEMS[current], DATA.mode === "check" ? "drop" : "skip", ""));
  byId("classes").addEventListener("click", (event) => {
    const button = event.target.closest("button");
    if (button) chooseLabel(button.dataset.label);
  });
  byId("new-label")?.addEventListener("submit", (event) => {
    event.preventDefault();
    const label = addLabel(byId("new-label-name").value);
    byId("new-label-name").value = "";
    if (!label) return;
    byId("card").focus({ preventScroll: true });
    chooseLabel(label);
  });
  byId("other").addEventListener("change", (event) => event.target.value && chooseLabel(event.target.value));
  for (const [id, act] of Object.entries({ undo, save, clear: clearFilter })) byId(id).addEventListener("click", act);
  byId("previous").addEventListener("click", () => goTo(neighbour(-1)));
  byId("next").addEventListener("click", () => goTo(neighbour(1)));
  byId("more").addEventListener("click", () => {
    ITEMS[current].isWhole = true;
    drawCard();
  });
  document.addEventListener("pointerdown", () => {
    usesPointer = true;
  });
  for (const name of ["kind", "label", "state"]) byId(`filter-${name}`).addEventListener("change", chooseFilter);
  byId("search").addEventListener("input", changeFilter);
  byId("list").addEventListener("scroll", drawList);
  byId("rows").addEventListener("click", (event) => {
    const row = event.target.closest("[data-position]");
    if (row) goTo(Number(row.dataset.position));
  });
  byId("single-keys").checked = usesKeys;
  byId("single-keys").addEventListener("change", (event) => {
    usesKeys = event.target.checked;
    store(KEYS_KEY, usesKeys ? "on" : "off");
  });
  for (const button of document.querySelectorAll("[data-language]")) {
    button.addEventListener("click", () => {
      setLanguage(button.dataset.language);
      translateAll();
    });
  }
  window.addEventListener("resize", drawList);
  window.addEventListener("beforeunload", (event) => {
    if (!keepsState && state.unsaved > 0) event.preventDefault();
  });
  // The same page in another tab, or this one before it was loaded anew: what it kept can come late.
  window.addEventListener("storage", (event) => {
    if (event.key === LANGUAGE_KEY && Object.hasOwn(STRINGS, event.newValue ?? "")) {
      language = event.newValue;
      translateDocument();
      translateAll();
    }
    if (event.key !== STATE_KEY) return;
    const at = state.at;
    loadState();
    state.at = at;
    drawClasses();
    filterItems();
    draw();
  });
}

loadState();
drawClasses();
fillFilters();
listen();
filterItems();
const remembered = ITEMS.findIndex((item) => item.digest === state.at);
const firstOpen = ITEMS.findIndex((item) => !state.decisions.has(item.digest));
translateAll();
// Nothing that this page has read is kept again: it may be older than what another tab keeps.
keepsState = store(PROBE_KEY, "");
setCurrent(remembered >= 0 ? remembered : Math.max(0, firstOpen));
show();
