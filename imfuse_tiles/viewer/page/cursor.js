// Values under the cursor: what each layer holds there, which slice won, and the curve of the masks over the slices.

import { ask, byId, element, layerOf, onState, say, slicesOf, state } from "./ask.js";
import { layerIn, show, slots, viewer } from "./picture.js";

const OSD = window.OpenSeadragon;
let wanted = null;
let asking = false;

// Place of a pixel of the page in the picture, as shares of its width and height; null outside.
export function placeAt(clientX, clientY) {
  const image = slots.a.image;
  if (!image) return null;
  const box = byId("picture").getBoundingClientRect();
  const point = image.viewportToImageCoordinates(viewer.viewport.pointFromPixel(new OSD.Point(clientX - box.left, clientY - box.top)));
  const size = image.getContentSize();
  const place = { x: point.x / size.x, y: point.y / size.y };
  return place.x >= 0 && place.x < 1 && place.y >= 0 && place.y < 1 ? place : null;
}

export const winner = { slice: 0, place: null };

// Asked for by a key, they are told in words, too: a screen reader says them.
export async function readCentre() {
  const box = byId("picture").getBoundingClientRect();
  const rows = await read(placeAt(box.left + box.width / 2, box.top + box.height / 2));
  if (rows) say(rows.map(([name, text]) => `${name} ${text}`).join("; "));
}

async function read(place) {
  wanted = place;
  if (asking || !place) return;
  asking = true;
  let rows = null;
  while (wanted) {
    const now = wanted;
    wanted = null;
    const store = layerIn("a")?.store ?? 0;
    try {
      rows = tell(now, store, await ask("pixel", { store, group: layerIn("a")?.group ?? "", ...now }));
    } catch { /* the server has ended, which is told elsewhere */ }
  }
  asking = false;
  return rows;
}

function tell(place, store, found) {
  const { width, height } = state.layers.find((layer) => layer.store === store) ?? { width: 0, height: 0 };
  Object.assign(winner, { slice: found.winner ?? 0, place });
  const rows = [["Place", `${Math.floor(place.x * width)}, ${Math.floor(place.y * height)}`]];
  if (found.winner) rows.push(["Slice in front", String(found.winner)]);
  for (const { layer, label, percent } of found.values) rows.push([label, inWords(layerOf(layer)?.kind, percent)]);
  byId("values").replaceChildren(...rows.flatMap(([name, text]) => [element("dt", { textContent: name }), element("dd", { textContent: text })]));
  draw(found.curve, found.winner);
  return rows;
}

const NAMES = { 1: [""], 2: ["", "opacity"], 3: ["R", "G", "B"], 4: ["R", "G", "B", "opacity"] };

function inWords(kind, percent) {
  const texts = percent.map((value) => value.toFixed(1));
  if (kind === "depth") return Number(percent[1] ?? 100) > 0 ? `${texts[0]} %` + (percent[1] < 100 ? `, known to ${texts[1]} %` : "") : "not known";
  return texts.map((text, at) => `${NAMES[percent.length]?.[at] ?? ""} ${text}`.trim()).join("  ") + " %";
}

function draw(curve, winner) {
  const told = curve?.values.length > 1;
  byId("curve-figure").toggleAttribute("data-empty", !told);
  if (!told) return;
  byId("curve-figure").hidden = false;
  const { values } = curve;
  const top = Math.max(...values) || 1;
  const x = (at) => (300 * at) / Math.max(1, values.length - 1);
  const shapes = [svg("polyline", { class: "line", points: values.map((value, at) => `${x(at)},${86 - (80 * Math.max(value, 0)) / top}`).join(" ") })];
  if (winner) shapes.unshift(svg("line", { class: "won", x1: x(winner - 1), x2: x(winner - 1), y1: 0, y2: 90 }));
  byId("curve").replaceChildren(...shapes);
  byId("curve").dataset.slices = values.length;
  const most = Math.max(...values);
  const strongest = most > 0 ? `strongest in ${values.indexOf(most) + 1}` : "nothing is in focus here";
  byId("curve-text").textContent = `${curve.label} 1 to ${values.length}: ${strongest}` + (winner ? `, slice ${winner} is in front` : "");
}

function svg(kind, attributes) {
  const made = document.createElementNS("http://www.w3.org/2000/svg", kind);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  return made;
}

// A click on the curve shows that slice beside the result.
byId("curve").addEventListener("click", (event) => {
  const box = byId("curve").getBoundingClientRect();
  const slices = slicesOf(layerIn("a")?.store ?? 0);
  const at = Math.round(((event.clientX - box.left) / box.width) * (byId("curve").dataset.slices - 1));
  if (slices) show(layerIn("a")?.slices ? "a" : "b", slices.id, at);
});
byId("picture").addEventListener("pointermove", (event) => read(placeAt(event.clientX, event.clientY)));
// There is room for a curve before there is one: what stands below it does not move away from the mouse.
onState(() => { if (state.layers.some((layer) => layer.kind === "mask" && layer.slices > 1)) byId("curve-figure").hidden = false; });
