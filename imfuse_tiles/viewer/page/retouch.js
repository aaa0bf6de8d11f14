// Retouching: a brush that takes a slice or another result.

import { ask, byId, element, onState, slicesOf, state } from "./ask.js";
import { placeAt, winner } from "./cursor.js";
import { slots, viewer } from "./picture.js";
import { addStrokes, areLoaded, loadStrokes, note } from "./strokes.js";
import "./retouch_files.js";

const brush = { on: false, erase: false, points: null };
export const isPainting = () => brush.on;
const frame = () => slicesOf(0);
const set = (id, on) => byId(id).setAttribute("aria-pressed", on);
const radius = () => Number(byId("brush-radius").value);

function turn(on, erase = false) {
  Object.assign(brush, { on, erase });
  set("brush-on", on && !erase);
  set("brush-erase", on && erase);
  document.dispatchEvent(new CustomEvent("brush", { detail: on }));
  byId("brush")?.remove();
  if (on) byId("picture").parentElement.append(element("div", { id: "brush", hidden: true }));
}

function stroke(points) {
  const from = brush.erase ? "" : byId("brush-source").value;
  return { points, radius: radius(), softness: byId("brush-softness").value / 100, opacity: 1,
    slice: from === "slice" ? Number(byId("brush-slice").value) : 0,
    result: from.startsWith("final/") ? from : "", picture: from === "picture" ? brush.picture : "",
    contents: from === "picture" ? brush.contents : "" };
}

// The server reads a picture before the first stroke takes it, and says so if it cannot.
async function pictureIsThere() {
  if (brush.erase || byId("brush-source").value !== "picture") return true;
  try {
    const asked = byId("brush-picture").value;
    const { picture, contents } = await ask("check_picture", { picture: asked }); // it may have changed meanwhile
    Object.assign(brush, { picture, contents });
    return true;
  } catch (error) {
    note(error.message, true);
    return false;
  }
}

async function add(points) {
  if (await pictureIsThere()) await addStrokes([stroke(points)]);
  trace(null);
}

const inPixels = (place) => [Math.round(place.x * frame().width * 10) / 10, Math.round(place.y * frame().height * 10) / 10];
const onScreen = () => radius() * (slots.a.image?.viewportToImageZoom(viewer.viewport.getZoom(true)) ?? 1);

// While the mouse is down, its way is drawn over the picture.
function trace(points) {
  byId("trace")?.remove();
  if (!points) return;
  const size = viewer.viewport.getContainerSize();
  const name = "http://www.w3.org/2000/svg";
  const svg = document.createElementNS(name, "svg");
  const line = svg.appendChild(document.createElementNS(name, "polyline"));
  svg.id = "trace";
  svg.setAttribute("viewBox", `0 0 ${size.x} ${size.y}`);
  line.setAttribute("points", [...points, points.at(-1)].map((point) => point.join(",")).join(" "));
  line.setAttribute("stroke-width", 2 * onScreen());
  byId("picture").parentElement.append(svg);
}

viewer.addHandler("canvas-drag", (event) => {
  if (!brush.on || event.originalEvent.shiftKey) return;
  event.preventDefaultAction = true;
  brush.points ??= { pixels: [], screen: [] };
  const box = byId("picture").getBoundingClientRect();
  const place = placeAt(box.left + event.position.x, box.top + event.position.y);
  if (!place) return;
  brush.points.pixels.push(inPixels(place));
  brush.points.screen.push([event.position.x, event.position.y]);
  trace(brush.points.screen);
});
viewer.addHandler("canvas-double-click", (event) => (event.preventDefaultAction ||= brush.on));
viewer.addHandler("canvas-drag-end", () => {
  const points = brush.points?.pixels;
  brush.points = null;
  if (points?.length) add(points);
});
viewer.addHandler("canvas-click", (event) => {
  if (!brush.on || !event.quick) return;
  const box = byId("picture").getBoundingClientRect();
  const place = placeAt(box.left + event.position.x, box.top + event.position.y);
  if (place) add([inPixels(place)]);
});
byId("picture").addEventListener("pointermove", (event) => {
  const circle = byId("brush");
  if (!circle) return;
  const box = byId("picture").getBoundingClientRect();
  circle.hidden = false;
  circle.style.left = `${event.clientX - box.left}px`;
  circle.style.top = `${event.clientY - box.top}px`;
  sizeCircle();
});
viewer.addHandler("viewport-change", sizeCircle);

function sizeCircle() {
  const circle = byId("brush");
  if (circle) circle.style.width = circle.style.height = `${2 * onScreen()}px`;
}

function chooseSlice(number) {
  byId("brush-source").value = "slice";
  byId("brush-slice").value = number;
  byId("brush-slice-number").value = byId("brush-slice").value; // within its range
  showSource();
}

function showSource() {
  byId("brush-slice-row").hidden = byId("brush-source").value !== "slice";
  byId("brush-picture-row").hidden = byId("brush-source").value !== "picture";
}

// By a fifth, and by a pixel at least; the slider has its ends.
function resize(factor) {
  const now = radius();
  byId("brush-radius").value = factor > 1 ? Math.max(now + 1, now * factor) : Math.min(now - 1, now * factor);
  tellRadius();
}

function tellRadius() {
  byId("brush-radius-text").textContent = radius();
  sizeCircle();
}

export const brushKeys = {
  s: () => winner.slice && chooseSlice(winner.slice),
  b: () => {
    const box = byId("picture").getBoundingClientRect();
    const place = placeAt(box.left + box.width / 2, box.top + box.height / 2);
    if (brush.on && place) add([inPixels(place)]);
  },
  "[": () => resize(1 / 1.2), "]": () => resize(1.2),
};

byId("brush-on").onclick = () => turn(!brush.on || brush.erase);
byId("brush-erase").onclick = () => turn(!brush.on || !brush.erase, true);
byId("brush-slice").oninput = byId("brush-slice-number").oninput = ({ target }) => target.value && chooseSlice(target.value);
byId("brush-radius").oninput = tellRadius;
byId("brush-softness").oninput = () => (byId("brush-softness-text").textContent = `${byId("brush-softness").value} %`);
byId("brush-source").onchange = showSource;
byId("retouch").addEventListener("toggle", async () => {
  if (!byId("retouch").open) return turn(false);
  byId("retouch").scrollIntoView({ block: "nearest" }); // it is the last of a long column
  try {
    if (!areLoaded()) await loadStrokes();
  } catch (error) {
    note(error.message, true);
  }
});

function listSources(others) {
  const source = byId("brush-source");
  const chosen = source.value;
  const sources = [["slice", "a slice"], ...others, ["picture", "a picture file"]];
  source.replaceChildren(...sources.map(([value, text]) => element("option", { value, textContent: text })));
  if (sources.some(([value]) => value === chosen)) source.value = chosen;
  showSource();
}

onState(() => {
  const results = state.layers.filter((layer) => layer.store === 0 && layer.label === "Result" && layer.finished);
  byId("retouch").hidden = !results.length || !frame();
  if (byId("retouch").hidden) return;
  byId("brush-slice").max = byId("brush-slice-number").max = frame().slices;
  const others = results.slice(1).map((layer) => [`final/${layer.group.split("-")[1]}`, layer.options]);
  const listing = JSON.stringify(others);
  if (byId("brush-source").dataset.listing !== listing) {
    byId("brush-source").dataset.listing = listing;
    listSources(others);
  }
  if (!byId("retouch-result").value) byId("retouch-result").value = `${state.stores[0].run_folder}/retouched.tif`;
});
