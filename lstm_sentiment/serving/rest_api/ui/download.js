// A file that the page has made, given to the browser to save.

export function download(pieces, name) {
  const url = URL.createObjectURL(new Blob(pieces, { type: "text/csv;charset=utf-8" }));
  const link = document.createElement("a");
  link.href = url;
  link.download = name;
  document.body.append(link);
  link.click();
  link.remove();
  // The download reads it for a while yet.
  setTimeout(() => URL.revokeObjectURL(url), 60_000);
}
