// Elements made without any HTML in strings, so that no text is ever markup.

function byId(id) {
  return document.getElementById(id);
}

// element("p", {class: "hint", vars: {"--weight": 0.5}}, "text", other)
function element(tag, attributes = {}, ...children) {
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
