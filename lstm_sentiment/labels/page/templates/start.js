// The data of the page; in the order of these files all others follow.

const DATA = JSON.parse(document.getElementById("data").textContent);
const CLASS_BUTTONS = 12; // labels with a button of their own; the others are in a list
const ITEMS = DATA.items;
