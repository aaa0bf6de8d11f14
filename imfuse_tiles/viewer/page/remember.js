// What a page remembers for itself when it is loaded again, as long as its tab and its server live: the address, which
// holds the token, is the name under which it lies.

const nameOf = (what) => `${what} of ${location.pathname}`;

export function remember(what, value) {
  try {
    sessionStorage.setItem(nameOf(what), JSON.stringify(value));
  } catch { /* there is no room, or the browser keeps nothing: it is only forgotten */ }
}

export function recall(what) {
  try {
    return JSON.parse(sessionStorage.getItem(nameOf(what)));
  } catch {
    return null;
  }
}
