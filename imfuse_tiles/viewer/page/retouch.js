// Retouching: a brush that takes a slice or another result. Strokes are kept in the store as what was drawn, so that
// they can be undone without end; tiles show them at once.

import { ask, byId, element, onState, refresh, say, state } from "./ask.js";
import { placeAt, winner } from "./cursor.js";
import { layerIn, show, slots, viewer } from "./picture.js";

const brush = { on: false, erase: false, strokes: [], undone: [], points: null, loaded: false };
const frame = () => state.layers.find((layer) => layer.store === 0 && layer.slices > 0 && layer.kind !== "mask");
const painted = () => state.layers.find((layer) => layer.id.endsWith("-result-retouched"));
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
    byId("retouch-note").textContent = error.message;
    return false;
  }
}

async function add(points) {
  if (!(await pictureIsThere())) return trace(null);
  brush.strokes.push(stroke(points));
  brush.undone = [];
  await keep();
}

// The strokes go to the store one list after the other; the last one wins.
async function keep() {
  buttons();
  brush.saving = (brush.saving ?? Promise.resolve()).then(async () => {
    try {
      await ask("keep_strokes", { strokes: brush.strokes });
    } catch (error) {
      say(error.message, true);
    }
  });
  await brush.saving;
  await refresh();
  const layer = painted();
  if (layer && layerIn("a")?.group === layer.group) show("a", layer.id);
  trace(null);
}

function buttons() {
  byId("stroke-undo").disabled = !brush.strokes.length;
  byId("stroke-redo").disabled = !brush.undone.length;
  byId("retouch-export").disabled = !brush.strokes.length;
  byId("retouch-note").textContent = `${brush.strokes.length} ${brush.strokes.length === 1 ? "stroke" : "strokes"}`;
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
  circle.style.width = circle.style.height = `${2 * onScreen()}px`;
});

function chooseSlice(number) {
  byId("brush-source").value = "slice";
  byId("brush-slice").value = byId("brush-slice-number").value = number;
}

export const brushKeys = {
  s: () => winner.slice && chooseSlice(winner.slice),
  b: () => {
    const box = byId("picture").getBoundingClientRect();
    const place = placeAt(box.left + box.width / 2, box.top + box.height / 2);
    if (brush.on && place) add([inPixels(place)]);
  },
};

byId("brush-on").onclick = () => turn(!brush.on || brush.erase);
byId("brush-erase").onclick = () => turn(!brush.on || !brush.erase, true);
byId("stroke-undo").onclick = () => { brush.undone.push(brush.strokes.pop()); keep(); };
byId("stroke-redo").onclick = () => { brush.strokes.push(brush.undone.pop()); keep(); };
byId("brush-slice").oninput = byId("brush-slice-number").oninput = ({ target }) => target.value && chooseSlice(target.value);
byId("brush-radius").oninput = () => (byId("brush-radius-text").textContent = radius());
byId("brush-softness").oninput = () => (byId("brush-softness-text").textContent = `${byId("brush-softness").value} %`);
byId("brush-source").onchange = () => {
  byId("brush-slice-row").hidden = byId("brush-source").value !== "slice";
  byId("brush-picture-row").hidden = byId("brush-source").value !== "picture";
};
byId("strokes-load").onclick = async () => {
  try {
    brush.strokes.push(...(await ask("load_strokes", { file: byId("strokes-file").value })).strokes);
    await keep();
  } catch (error) {
    byId("retouch-note").textContent = error.message;
  }
};
byId("retouch").addEventListener("toggle", async () => {
  if (!byId("retouch").open) return turn(false);
  byId("retouch").scrollIntoView({ block: "nearest" }); // it is the last of a long column
  try {
    if (!brush.loaded) {
      const { strokes, problem } = await ask("strokes");
      brush.strokes = strokes;
      if (problem) say(problem, true);
    }
    brush.loaded = true;
    buttons();
  } catch (error) {
    byId("retouch-note").textContent = error.message;
  }
});
byId("retouch-export").onclick = async () => {
  byId("retouch-note").textContent = "writing …";
  try {
    const { result, option } = await ask("export", { result: byId("retouch-result").value });
    byId("retouch-note").textContent = `${result} is written. Another run takes the strokes with ${option}`;
  } catch (error) {
    byId("retouch-note").textContent = error.message;
  }
};
onState(() => {
  const results = state.layers.filter((layer) => layer.store === 0 && layer.label === "Result" && layer.finished);
  byId("retouch").hidden = !results.length || !frame();
  if (byId("retouch").hidden) return;
  byId("brush-slice").max = byId("brush-slice-number").max = frame().slices;
  const others = results.slice(1).map((layer) => [`final/${layer.group.split("-")[1]}`, layer.options]);
  const listing = JSON.stringify(others);
  if (byId("brush-source").dataset.listing !== listing) {
    byId("brush-source").dataset.listing = listing;
    byId("brush-source").replaceChildren(...[["slice", "a slice"], ...others, ["picture", "a picture file"]].map(([value, text]) => element("option", { value, textContent: text })));
  }
  if (!byId("retouch-result").value) byId("retouch-result").value = `${state.stores[0].run_folder}/retouched.tif`;
});
