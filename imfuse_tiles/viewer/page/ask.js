// Questions to the server, and what of the answers all parts of the page share. Words of files and stores are only
// ever put into the page as text.

export const byId = (id) => document.getElementById(id);
export const state = { layers: [], stores: [], runs: [] };
const listeners = [];

export function onState(listener) {
  listeners.push(listener);
}

export async function ask(name, about = {}) {
  const answer = await fetch(`ask/${name}`, { method: "POST", body: JSON.stringify(about) });
  if (!answer.ok) throw Object.assign(new Error(await answer.text()), { exists: answer.status === 409 });
  return answer.json();
}

export function say(text, bad = false) {
  byId("status").textContent = text;
  byId("status").classList.toggle("bad", bad);
}

export function element(kind, properties = {}, ...children) {
  const made = Object.assign(document.createElement(kind), properties);
  made.append(...children);
  return made;
}

export const layerOf = (id) => state.layers.find((layer) => layer.id === id);
// The layer of a store's slices, if it has any.
export const slicesOf = (store) => state.layers.find((layer) => layer.store === store && layer.slices && layer.kind !== "mask");
export const isBusy = () => state.runs.some((run) => run.writer) || state.layers.some((layer) => layer.sharpening || (!layer.finished && !layer.version.startsWith("b0.0")));

let last = "";
let gone = false;

export async function refresh() {
  try {
    Object.assign(state, await ask("state"));
    if (gone) say("");
    gone = false;
  } catch {
    if (!gone) say("The server has ended. imfuse-tiles view STORE starts it again.", true);
    gone = true;
    return;
  }
  const text = JSON.stringify(state);
  if (text === last) return;
  last = text;
  for (const listener of listeners) listener(state);
}
