// The strokes that the store keeps: what was drawn, so that they can be undone without end. Other pages may paint on the
// same store: a change is always made to the strokes that are there by then.

import { ask, byId, onState, refresh, say, state } from "./ask.js";
import { layerIn, show } from "./picture.js";

const list = { kept: [], digest: null, pending: [], undone: [], saving: Promise.resolve() };
const strokes = () => list.pending.reduce((before, change) => change(before), list.kept);
const painted = (what) => state.layers.find((layer) => layer.store === 0 && layer.id.endsWith(`-${what}-retouched`));

export function note(text, bad = false) {
  byId("retouch-note").textContent = text;
  byId("retouch-note").classList.toggle("bad", bad);
}

function tellStrokes() {
  const count = strokes().length;
  byId("stroke-undo").disabled = !count;
  byId("stroke-redo").disabled = !list.undone.length;
  byId("retouch-export").disabled = !count;
  note(`${count} ${count === 1 ? "stroke" : "strokes"}`);
}

export async function loadStrokes() {
  const { strokes: kept, digest, problem } = await ask("strokes");
  Object.assign(list, { kept, digest });
  tellStrokes();
  if (problem) note(problem, true);
}

export const areLoaded = () => list.digest !== null;

export async function addStrokes(more) {
  list.undone = [];
  await changeStrokes((before) => [...before, ...more]);
}

// Changes are kept one after the other; those that wait count already.
async function changeStrokes(change) {
  list.pending.push(change);
  tellStrokes();
  list.saving = list.saving.then(() => keep(change));
  await list.saving;
  await refresh();
  showPainted();
}

async function keep(change) {
  try {
    for (let answer = { changed: true }; answer.changed; ) {
      const wanted = change(list.kept);
      answer = await ask("keep_strokes", { strokes: wanted, before: list.digest });
      Object.assign(list, { kept: answer.strokes ?? wanted, digest: answer.digest });
    }
  } catch (error) {
    say(error.message, true);
  }
  list.pending.shift();
  tellStrokes();
}

// What was painted is seen, whatever was shown: the depth where a depth was, the result otherwise.
function showPainted() {
  const layer = painted(layerIn("a")?.kind === "depth" ? "depth" : "result");
  if (layer && layer !== layerIn("a")) show("a", layer.id);
}

byId("stroke-undo").onclick = () => {
  list.undone.push(strokes().at(-1));
  changeStrokes((before) => before.slice(0, -1));
};
byId("stroke-redo").onclick = () => {
  const again = list.undone.pop();
  changeStrokes((before) => [...before, again]);
};
onState(() => {
  const isCurrent = (painted("result")?.strokes ?? "") === list.digest;
  if (areLoaded() && !list.pending.length && !isCurrent) loadStrokes().catch(() => {}); // asked again with the next state
});
