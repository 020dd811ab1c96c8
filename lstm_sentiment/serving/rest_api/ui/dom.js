// Elements made without any HTML in strings, so that no text of a user or a model is ever markup.

export function byId(id) {
  return document.getElementById(id);
}

// element("p", {class: "hint", hidden: true, onclick: f, vars: {"--weight": 0.5}}, "text", other)
export function element(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (name === "vars") {
      for (const [property, each] of Object.entries(value)) made.style.setProperty(property, each);
    } else if (name.startsWith("on")) made.addEventListener(name.slice(2), value);
    else made.setAttribute(name, value === true ? "" : value);
  }
  made.append(...children.filter((child) => child !== null && child !== undefined));
  return made;
}

export function notice(message, kind = "problem") {
  return element("p", { class: `notice ${kind}` }, message);
}

// Says something in a live region, and only if it is new: said again, it would be read again.
export function say(region, message) {
  if (region.textContent !== message) region.textContent = message;
}

export function tell(region, message, kind = "problem") {
  if (region.textContent === message && (message === "") === (region.firstChild === null)) return;
  region.replaceChildren(...(message ? [notice(message, kind)] : []));
}
