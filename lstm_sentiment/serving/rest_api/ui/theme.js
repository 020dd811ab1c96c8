// Light or dark as chosen here, or as the system has it. Runs before the first drawing, so that no
// page flashes in the wrong colours; hence it is no module.
"use strict";

const theme = {
  stored: "lstm-sentiment.theme",
  names: ["system", "light", "dark"],

  get current() {
    try {
      const found = localStorage.getItem(this.stored);
      return this.names.includes(found) ? found : "system";
    } catch {
      return this.chosen ?? "system"; // where nothing may be stored
    }
  },

  choose(name) {
    this.chosen = name;
    try {
      if (name === "system") localStorage.removeItem(this.stored);
      else localStorage.setItem(this.stored, name);
    } catch {
      // It holds for this visit then.
    }
    this.apply();
  },

  apply() {
    const media = { system: "(prefers-color-scheme: dark)", light: "not all", dark: "all" };
    const link = document.getElementById("dark");
    // Set again, the sheet would be loaded again.
    if (link.media !== media[this.current]) link.media = media[this.current];
  },
};

theme.apply();
globalThis.lstmSentimentTheme = theme;
