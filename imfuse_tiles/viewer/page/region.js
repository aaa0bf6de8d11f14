// The region that is tuned: chosen in view or drawn, its outline, and its picture on the left of the curtain.

import { byId, element, slicesOf, state } from "./ask.js";
import { layerIn, onCurtain, onShown, slots, viewer } from "./picture.js";

const OSD = window.OpenSeadragon;
const region = { box: null, most: 0, drawing: null, picture: null, image: null, curtain: null, brush: false, held: false };
const frame = () => slicesOf(0) ?? state.layers[0];
let chosen = () => {};

// ``listener`` is called when a region is chosen. ``most``: pixels of the largest one.
export function onRegion(listener, most) {
  chosen = listener;
  region.most = most;
}

// x, y, width and height in pixels of the frame; null where none is chosen.
export const regionBox = () => region.box;

// The picture is one wide.
export function setRegion(x, y, width, height) {
  const { width: w, height: h } = frame();
  const left = Math.max(0, Math.round(x)), top = Math.max(0, Math.round(y));
  let columns = Math.min(w - left, Math.round(width)), rows = Math.min(h - top, Math.round(height));
  if (columns < 8 || rows < 8) return outline();
  if (columns * rows > region.most) [columns, rows] = [Math.min(columns, 2800), Math.min(rows, 2800)];
  region.box = [left, top, columns, rows];
  outline();
  chosen();
}

export function forgetRegion() {
  region.box = null;
  outline();
}

export function outline(box = region.box) {
  viewer.removeOverlay("region");
  byId("tune-place").textContent = box ? `${Math.round(box[2])} × ${Math.round(box[3])} pixels at ${Math.round(box[0])}, ${Math.round(box[1])}` : "Choose a region: it is computed with the options below.";
  if (!box) return;
  const [x, y, columns, rows] = box.map((length) => length / frame().width);
  viewer.addOverlay({ element: element("div", { id: "region", hidden: !isSeen() }), location: new OSD.Rect(x, y, columns, rows) });
}

function regionOfView() {
  if (!frame()) return;
  const w = frame().width;
  const view = viewer.viewport.getBounds(true);
  const [width, height] = [Math.min(view.width * w, 1000), Math.min(view.height * w, 800)];
  const centre = view.getCenter();
  setRegion(centre.x * w - width / 2, centre.y * w - height / 2, width, height);
}

// Shows the picture of a region in the place of the last one, which stays below until it has loaded. ``picture``: its
// number, null for none; ``gone`` is called where the server has it no more.
export function showRegion(picture, box, gone) {
  if (region.picture === picture) return;
  region.picture = picture;
  byId("before").disabled = !picture;
  const old = region.image;
  const drop = () => old && viewer.world.getIndexOfItem(old) >= 0 && viewer.world.removeItem(old);
  region.image = null;
  if (!picture) return drop();
  const [x, y, columns] = box.map((length) => length / frame().width);
  viewer.addTiledImage({
    tileSource: { type: "image", url: `picture/${picture}.png`, buildPyramid: false },
    x, y, width: columns, opacity: opacity(),
    success: ({ item }) => {
      if (region.picture !== picture) return viewer.world.removeItem(item);
      region.image = item;
      clip();
      item.addOnceHandler("fully-loaded-change", drop);
    },
    error: () => { drop(); region.picture = null; gone(); },
  });
}

// A brush paints the result, which must be seen under it; a region is one of the first store.
const isSeen = () => byId("tune").open && !region.brush && (layerIn("a")?.store ?? 0) === 0;
const opacity = () => (isSeen() && !region.held ? 1 : 0);
function showOrHide() {
  region.image?.setOpacity(opacity());
  byId("region")?.toggleAttribute("hidden", !isSeen());
}
document.addEventListener("brush", ({ detail: on }) => { region.brush = on; showOrHide(); });
byId("tune").addEventListener("toggle", showOrHide);
onShown(showOrHide);

// The region belongs to the left side of the curtain: on the right stays what it is compared to.
function clip() {
  if (!region.image) return;
  const { x: columns, y: rows } = region.image.getContentSize();
  const { x, width } = region.image.getBoundsNoRotate(true);
  const shown = region.curtain === null ? columns : Math.min(Math.max(((region.curtain - x) / width) * columns, 0), columns);
  region.image.setClip(new OSD.Rect(0, 0, Math.max(shown, 1e-3), rows));
}
onCurtain((place) => { region.curtain = place; clip(); });

function hold(on) {
  region.held = on;
  showOrHide();
}
const before = byId("before");
const isPress = ({ key }) => key === " " || key === "Enter";
before.onpointerdown = () => hold(true);
before.onpointerup = before.onpointerleave = before.onblur = () => hold(false);
before.onkeydown = (event) => isPress(event) && hold(true);
before.onkeyup = (event) => isPress(event) && hold(false);

function draw(on) {
  region.drawing = on ? {} : null;
  byId("region-choose").setAttribute("aria-pressed", on);
}
byId("region-view").onclick = regionOfView;
byId("region-choose").onclick = () => draw(!region.drawing);
viewer.addHandler("canvas-drag", (event) => {
  if (!region.drawing || !frame()) return;
  event.preventDefaultAction = true;
  const point = viewer.viewport.pointFromPixel(event.position);
  region.drawing.start ??= viewer.viewport.pointFromPixel(event.position.minus(event.delta));
  const { start } = region.drawing;
  const sides = [Math.min(start.x, point.x), Math.min(start.y, point.y), Math.abs(start.x - point.x), Math.abs(start.y - point.y)];
  region.drawing.box = sides.map((side) => side * frame().width);
  outline(region.drawing.box);
});
viewer.addHandler("canvas-drag-end", () => {
  if (!region.drawing?.box) return;
  const { box } = region.drawing;
  draw(false);
  if (frame()) setRegion(...box);
});
