// The page put together: controls, keys, curtain, command line, and how far a run is.

import { byId, element, isBusy, onState, refresh, say, state } from "./ask.js";
import { layerIn, moveCurtain, onShown, show, slots, viewer } from "./picture.js";
import { readCentre } from "./cursor.js";
import { brushKeys, isPainting } from "./retouch.js";
import { isTuning } from "./tune.js";

for (const side of ["a", "b"]) {
  byId(`layer-${side}`).addEventListener("change", (event) => show(side, event.target.value));
  for (const name of ["slice", "number"]) {
    byId(`${name}-${side}`).addEventListener("input", (event) => event.target.value && show(side, slots[side].id, event.target.value - 1));
  }
}

const line = byId("curtain");
line.addEventListener("pointerdown", (event) => line.setPointerCapture(event.pointerId));
line.addEventListener("pointermove", (event) => {
  const box = byId("picture").getBoundingClientRect();
  if (line.hasPointerCapture(event.pointerId)) moveCurtain((event.clientX - box.left) / box.width);
});
line.addEventListener("keydown", (event) => {
  const step = { ArrowLeft: -0.02, ArrowRight: 0.02, PageUp: 0.1, PageDown: -0.1, Home: -1, End: 1 }[event.key];
  if (!step) return;
  moveCurtain(line.getAttribute("aria-valuenow") / 100 + step);
  event.preventDefault();
});

const zoomBy = (factor) => viewer.viewport.zoomBy(factor).applyConstraints();
const zoomOne = () => slots.a.image && viewer.viewport.zoomTo(slots.a.image.imageToViewportZoom(1));
byId("zoom-in").onclick = () => zoomBy(1.5);
byId("zoom-out").onclick = () => zoomBy(1 / 1.5);
byId("zoom-fit").onclick = () => viewer.viewport.goHome();
byId("zoom-one").onclick = zoomOne;
const tellZoom = () => {
  const image = slots.a.image;
  if (!image) return;
  const zoom = 100 * image.viewportToImageZoom(viewer.viewport.getZoom());
  byId("zoom-text").textContent = `${zoom < 10 ? zoom.toFixed(1) : Math.round(zoom)} %`;
};
viewer.addHandler("zoom", tellZoom);
viewer.addHandler("tile-loaded", tellZoom);

const keys = {
  1: zoomOne, 0: () => viewer.viewport.goHome(), "+": () => zoomBy(1.2), "=": () => zoomBy(1.2), "-": () => zoomBy(1 / 1.2),
  _: () => zoomBy(1 / 1.2), ",": () => show("a", slots.a.id, slots.a.z - 1), ".": () => show("a", slots.a.id, slots.a.z + 1),
  v: readCentre, r: () => {}, f: () => {}, R: () => {},
};
viewer.addHandler("canvas-key", (event) => {
  const act = keys[event.originalEvent.key] ?? brushKeys[event.originalEvent.key];
  if (!act) return;
  event.preventDefaultAction = true;
  event.preventVerticalPan = event.preventHorizontalPan = true;
  act();
});

// Ctrl-Z undoes strokes while there is a brush, steps of tuning otherwise; where text is typed it is the browser's.
document.addEventListener("keydown", (event) => {
  const key = event.key.toLowerCase();
  const types = event.target.matches("textarea, input:not([type=range], [type=checkbox])");
  if (types || event.altKey || !(event.ctrlKey || event.metaKey) || !["z", "y"].includes(key)) return;
  const what = key === "y" || event.shiftKey ? "redo" : "undo";
  byId(byId("retouch").open && (isPainting() || !byId("tune").open) ? `stroke-${what}` : what).click();
  event.preventDefault();
});

const tellOptions = () => {
  const layer = layerIn("a");
  const store = state.stores[layer?.store ?? 0];
  const words = (layer?.options || store?.options || "none").split(" ");
  byId("options").replaceChildren(...words.flatMap((word) => [element("span", { textContent: word }), " "])); // no line breaks within one
  byId("command").value = layer?.options && layer.options !== store?.options ? commandOf(layer, store) : store?.command || "";
  document.title = `${store?.name || store?.folder?.split("/").pop() || ""} – imfuse-tiles`;
};
// The store tells the command of its last run; an earlier result comes of its own options.
const commandOf = (layer, store) => {
  const quoted = (word) => (/^[\w./=:,@%+-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\"'\"'")}'`);
  const images = store.images.map((image) => `${store.folder || "."}/${image}`);
  return ["imfuse-tiles fuse", layer.options, quoted(`--store=${store.place}`), ...images.map(quoted)].join(" ");
};
onShown(tellOptions);
for (const [button, field] of [["copy", "command"], ["tune-copy", "tune-command"]]) {
  byId(button).onclick = async () => {
    await navigator.clipboard.writeText(byId(field).value);
    say("The command line is copied.");
  };
}

// A store that was there and was deleted; one that a run is to make is only not there yet.
const seen = new Set();
onState(() => {
  for (const { place, exists } of state.stores) {
    if (!exists && seen.delete(place)) say(`${place}: the store is no longer there; fuse makes it again.`, true);
    else if (exists && !seen.has(place) && byId("status").textContent.startsWith(`${place}: `)) say("");
    if (exists) seen.add(place);
  }
});

// The run whose end is told; what is measured to tune is none.
let running = -1;
onState(() => {
  const working = state.runs.findIndex((each) => each.writer);
  if (running >= 0 && working < 0) tellEnd(state.runs[running].stages);
  running = running >= 0 || !isTuning() ? working : -1;
  const run = state.runs[working];
  byId("run").hidden = !run;
  if (!run) return;
  const at = run.stages.findIndex((stage) => !stage.finished);
  const stage = run.stages[at];
  const all = run.stages.reduce((sum, each) => sum + each.blocks, 0);
  const done = run.stages.reduce((sum, each) => sum + each.done, 0);
  byId("run-text").textContent = stage
    ? `stage ${at + 1} of ${run.stages.length}, ${stage.name}: ${stage.done} of ${stage.blocks} blocks`
    : "writing the result";
  byId("run-bar").value = all ? done / all : 0;
});

function tellEnd(stages) {
  if (stages.every((stage) => stage.finished)) say("The run is done.");
  else say("The run has stopped before its end. The same command goes on from there.", true);
}

// What moved may be coarse at first: it is looked at again sooner.
let watching;
async function watch() {
  clearTimeout(watching);
  await refresh();
  clearTimeout(watching);
  watching = setTimeout(watch, isBusy() ? 1000 : 4000);
}
watch();
viewer.addHandler("animation-finish", () => {
  clearTimeout(watching);
  watching = setTimeout(watch, 500);
});
