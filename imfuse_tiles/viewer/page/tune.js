// Tuning: a region is computed again with changed options, at full resolution; every step can be undone.

import { ask, byId, element, onState, refresh, say, state } from "./ask.js";
import { declareOptions, fillForm } from "./option_form.js";
import { onCurtain, slots, viewer } from "./picture.js";

const OSD = window.OpenSeadragon;
const tuned = { region: null, image: null, choosing: null, steps: [], at: -1, busy: false, next: null, curtain: null };
const frame = () => state.layers.find((layer) => layer.store === 0 && layer.slices > 0 && layer.kind !== "mask") ?? state.layers[0];
const form = () => tuned.steps[tuned.at]?.form ?? tuned.start;

export const isTuning = () => tuned.busy;

async function begin() {
  if (tuned.start) return;
  try {
    const { form: start, declarations, most, result, command } = await ask("options");
    Object.assign(tuned, { start, most, steps: [{ form: start, command }], at: 0 });
    declareOptions(declarations);
    byId("tune-result").value = result;
    byId("tune-body").hidden = false;
    show();
  } catch (error) {
    byId("tune-note").textContent = error.message;
  }
}

// Regions are in pixels of the frame; the picture is one wide.
function setRegion(x, y, width, height) {
  const { width: w, height: h } = frame();
  const left = Math.max(0, Math.round(x)), top = Math.max(0, Math.round(y));
  let columns = Math.min(w - left, Math.round(width)), rows = Math.min(h - top, Math.round(height));
  if (columns < 8 || rows < 8) return;
  if (columns * rows > tuned.most) [columns, rows] = [Math.min(columns, 2800), Math.min(rows, 2800)];
  tuned.region = [left, top, columns, rows];
  byId("tune-place").textContent = `${columns} × ${rows} pixels at ${left}, ${top}`;
  outline();
  compute(form());
}

function outline() {
  const [x, y, columns, rows] = tuned.region;
  const w = frame().width;
  viewer.removeOverlay("region");
  viewer.addOverlay({ element: element("div", { id: "region" }), location: new OSD.Rect(x / w, y / w, columns / w, rows / w) });
}

function regionOfView() {
  const image = slots.a.image;
  const w = frame().width;
  const view = viewer.viewport.getBounds(true);
  const [width, height] = [Math.min(view.width * w, 1000), Math.min(view.height * w, 800)];
  const centre = view.getCenter();
  if (image) setRegion(centre.x * w - width / 2, centre.y * w - height / 2, width, height);
}

// One question at a time; what is changed meanwhile is asked next.
async function compute(entries) {
  tuned.next = entries;
  if (tuned.busy) return ask("drop").catch(() => {}); // the question that it would have dropped tells what is wrong
  tuned.busy = true;
  while (tuned.next) {
    const now = tuned.next;
    tuned.next = null;
    try {
      byId("tune-note").textContent = "computing …";
      const about = { form: now, region: tuned.region ?? [0, 0, 1, 1] };
      const look = await ask("tune", { ...about, quick: true });
      if (isStale(look, now)) continue;
      keep(look);
      show();
      if (look.exact || tuned.next) continue;
      byId("tune-note").textContent = "a first look; the limits of the masks are being measured …";
      const answer = await ask("tune", about);
      if (!isStale(answer, now)) keep(answer);
    } catch (error) {
      byId("tune-note").textContent = error.message;
    }
  }
  tuned.busy = false;
  byId("tune-progress").textContent = "";
  show();
}

// Asks again what was dropped by mistake: the word to drop an older question came after this one.
function isStale(answer, entries) {
  if (answer.stale) tuned.next ??= entries;
  return answer.stale;
}

function keep(answer) {
  byId("tune-note").textContent = tuned.region ? `computed in ${answer.seconds.toFixed(1)} s` : "";
  const same = tuned.steps[tuned.at]?.options === answer.options;
  const step = { ...answer, picture: tuned.region ? answer.picture : null, region: tuned.region };
  if (same || tuned.steps[tuned.at]?.options === undefined) tuned.steps[tuned.at] = step;
  else tuned.steps.splice(++tuned.at, Infinity, step);
}

function show() {
  const step = tuned.steps[tuned.at];
  fillForm(form(), (entries) => compute(entries));
  byId("undo").disabled = tuned.at <= 0;
  byId("redo").disabled = tuned.at >= tuned.steps.length - 1;
  byId("tune-command").value = step?.command ?? "";
  if (tuned.shown === step?.picture) return;
  tuned.shown = step?.picture;
  const old = tuned.image;
  const drop = () => old && viewer.world.getIndexOfItem(old) >= 0 && viewer.world.removeItem(old);
  tuned.image = null;
  if (!step?.picture) return drop();
  const [x, y, columns] = step.region;
  const w = frame().width;
  viewer.addTiledImage({
    tileSource: { type: "image", url: `picture/${step.picture}.png`, buildPyramid: false },
    x: x / w, y: y / w, width: columns / w, opacity: tuned.hidden ? 0 : 1,
    success: ({ item }) => { tuned.image = item; clip(); item.addOnceHandler("fully-loaded-change", drop); },
  });
}

// The region belongs to the left side of the curtain: on the right stays what it is compared to.
function clip() {
  if (!tuned.image) return;
  const { x: columns, y: rows } = tuned.image.getContentSize();
  const { x, width } = tuned.image.getBoundsNoRotate(true);
  const shown = tuned.curtain === null ? columns : Math.min(Math.max(((tuned.curtain - x) / width) * columns, 0), columns);
  tuned.image.setClip(new OSD.Rect(0, 0, Math.max(shown, 1e-3), rows));
}
onCurtain((place) => { tuned.curtain = place; clip(); });

const go = (by) => () => { tuned.at += by; if (tuned.steps[tuned.at].region !== tuned.region) compute(form()); show(); };
byId("undo").onclick = go(-1);
byId("redo").onclick = go(1);
byId("tune").addEventListener("toggle", () => byId("tune").open && begin());
byId("region-view").onclick = regionOfView;
byId("region-choose").onclick = () => choosing(!tuned.choosing);
const choosing = (on) => { tuned.choosing = on ? {} : null; byId("region-choose").setAttribute("aria-pressed", on); };
byId("add-option").onchange = ({ target }) => { if (target.value) compute([...form(), { name: target.value, values: {} }]); target.value = ""; };
// A brush paints the result, which must be seen under it.
document.addEventListener("brush", ({ detail: on }) => {
  tuned.hidden = on;
  tuned.image?.setOpacity(on ? 0 : 1);
  document.getElementById("region")?.toggleAttribute("hidden", on);
});
const before = byId("before");
for (const [kind, opacity] of [["pointerdown", 0], ["keydown", 0], ["pointerup", 1], ["pointerleave", 1], ["keyup", 1], ["blur", 1]]) {
  before.addEventListener(kind, () => tuned.image?.setOpacity(tuned.hidden ? 0 : opacity));
}
viewer.addHandler("canvas-drag", (event) => {
  if (!tuned.choosing) return;
  event.preventDefaultAction = true;
  const point = viewer.viewport.pointFromPixel(event.position);
  tuned.choosing.start ??= viewer.viewport.pointFromPixel(event.position.minus(event.delta));
  const { start } = tuned.choosing, w = frame().width;
  tuned.choosing.box = [Math.min(start.x, point.x) * w, Math.min(start.y, point.y) * w, Math.abs(start.x - point.x) * w, Math.abs(start.y - point.y) * w];
  tuned.region = tuned.choosing.box;
  outline();
});
viewer.addHandler("canvas-drag-end", () => {
  if (!tuned.choosing?.box) return;
  const box = tuned.choosing.box;
  choosing(false);
  setRegion(...box);
});
byId("run-whole").onclick = async () => {
  try {
    await ask("whole", { form: form(), result: byId("tune-result").value });
    say("The whole run has begun.");
    watchWhole();
  } catch (error) {
    say(error.message, true);
  }
};
async function watchWhole() {
  const { code, error } = await ask("tuning").catch((wrong) => ({ code: 1, error: wrong.message }));
  if (code === null) return setTimeout(watchWhole, 500);
  say(code ? `The whole run ended with an error: ${error}` : `The whole run is done: ${byId("tune-result").value}`, Boolean(code));
  refresh();
}
setInterval(async () => {
  if (!tuned.busy) return;
  const { doing } = await ask("tuning").catch(() => ({ doing: "" }));
  byId("tune-progress").textContent = tuned.busy ? doing : ""; // it may be done by now; a screen reader says the note only
}, 700);
onState(() => { byId("tune").hidden = !state.stores[0]?.options; });
