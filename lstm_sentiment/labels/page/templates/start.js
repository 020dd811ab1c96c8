// The data of the page; in the order of these files all others follow.

const DATA = JSON.parse(document.getElementById("data").textContent);
const ITEMS = DATA.items;
