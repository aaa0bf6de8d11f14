// The picture: two layers with a curtain between them, each in its own tiles, whatever their size.

import { byId, element, layerOf, onState, state } from "./ask.js";

const OSD = window.OpenSeadragon;
export const viewer = OSD({
  element: byId("picture"), drawer: "canvas", showNavigationControl: false, animationTime: 0.25, springStiffness: 12,
  maxZoomPixelRatio: 16, minZoomImageRatio: 0.5, visibilityRatio: 0.2, imageSmoothingEnabled: true, preload: false,
  gestureSettingsMouse: { clickToZoom: false, dblClickToZoom: true }, imageLoaderLimit: 6, maxImageCacheCount: 150,
  tileRetryMax: 2, tileRetryDelay: 500, crossOriginPolicy: false, blendTime: 0,
});
// What has the focus is the canvas: its name tells what keys do.
viewer.canvas.setAttribute("role", "application");
viewer.canvas.setAttribute("aria-label", "Picture: arrow keys move, plus and minus zoom, 0 fits, 1 shows single pixels, comma and full stop change the slice, v reads the values at the centre");
// A slot is one side of the curtain: the layer, its slice and version that are wanted, and the image that shows them.
export const slots = { a: { id: "", z: 0, key: "", image: null }, b: { id: "", z: 0, key: "", image: null } };
const curtain = { share: 0.5 };
const shown = [];
const moved = [];

export function onShown(listener) {
  shown.push(listener);
}

// Called with the place of the curtain in the picture (which is one wide), null where there is none.
export function onCurtain(listener) {
  moved.push(listener);
}

export const layerIn = (side) => layerOf(slots[side].id);

function tileSource(layer, z) {
  return {
    width: layer.width, height: layer.height, tileSize: 512, minLevel: 0, maxLevel: layer.top,
    getTileUrl: (level, x, y) => `tile/${layer.id}/${z}/${layer.top - level}/${x}_${y}.jpg?v=${layer.version}`,
  };
}

export function show(side, id, z = slots[side].z) {
  slots[side].chosen = true;
  display(side, id, z);
}

function display(side, id, z = slots[side].z) {
  const slot = slots[side];
  const layer = layerOf(id);
  slot.id = layer ? id : "";
  slot.z = layer?.slices ? Math.min(Math.max(z, 0), layer.slices - 1) : z;
  const key = layer ? `${id} ${layer.slices ? slot.z : 0} ${layer.version}` : "";
  if (key !== slot.key) {
    slot.key = key;
    replace(slot, side, layer, key);
  }
  fillControls();
  for (const listener of shown) listener();
}

// The old image stays below the new one until that has loaded, so that nothing flickers.
function replace(slot, side, layer, key) {
  const old = slot.image;
  const drop = () => old && old !== slot.image && viewer.world.getIndexOfItem(old) >= 0 && viewer.world.removeItem(old);
  if (!layer) {
    slot.image = null;
    drop();
    return placeCurtain();
  }
  viewer.addTiledImage({
    tileSource: tileSource(layer, layer.slices ? slot.z : 0), width: 1,
    index: side === "a" ? Math.min(1, viewer.world.getItemCount()) : undefined,
    success: ({ item }) => {
      if (slot.key !== key) {
        viewer.world.removeItem(item);
        return drop();
      }
      slot.image = item;
      item.addOnceHandler("fully-loaded-change", drop);
      placeCurtain();
    },
  });
}

function placeCurtain() {
  const line = byId("curtain");
  line.hidden = !slots.b.id;
  byId("tag-a").textContent = slots.b.id ? tag("a") : "";
  byId("tag-b").textContent = slots.b.id ? tag("b") : "";
  byId("depth-legend").hidden = layerIn("a")?.kind !== "depth" && layerIn("b")?.kind !== "depth";
  line.style.left = `${100 * curtain.share}%`;
  line.setAttribute("aria-valuenow", Math.round(100 * curtain.share));
  const image = slots.b.image;
  const width = viewer.viewport?.getContainerSize().x;
  const place = slots.b.id && width ? viewer.viewport.pointFromPixel(new OSD.Point(curtain.share * width, 0)).x : null;
  for (const listener of moved) listener(place);
  if (!image || !width) return;
  const edge = image.viewportToImageCoordinates(viewer.viewport.pointFromPixel(new OSD.Point(curtain.share * width, 0)));
  const { x, y } = image.getContentSize();
  const left = Math.min(Math.max(edge.x, 0), x);
  image.setOpacity(left < x ? 1 : 0);
  if (left < x) image.setClip(new OSD.Rect(left, 0, x - left, y));
}

// Results of one store are told apart by those of their options that differ from the other side's; slices belong to all.
function tag(side) {
  const layer = layerIn(side);
  const other = layerIn(side === "a" ? "b" : "a");
  if (!layer) return "";
  const alike = other && Boolean(layer.slices) === Boolean(other.slices);
  const own = alike && layer.options && other.options ? difference(layer.options, other.options) : "";
  return layer.label + (layer.slices > 1 ? ` ${slots[side].z + 1}` : "") + storeName(layer) + (own && ` ${own}`);
}

function difference(options, others) {
  const known = new Set(others.split(" "));
  const own = options.split(" ").filter((word) => !known.has(word)).join(" ");
  return own || (options === others ? "" : "without these");
}

export function moveCurtain(share) {
  curtain.share = Math.min(Math.max(share, 0), 1);
  placeCurtain();
}

// Layers of one result belong together under its options, and what all results are made of below them.
const kindOf = (layer) => (layer.slices > 1 ? "Slices" : layer.slices ? "Files" : layer.options || "Result");
const storeName = (layer) => (state.stores.length > 1 ? ` – ${state.stores[layer.store].name}` : "");
const groupOf = (layer) => kindOf(layer) + storeName(layer);

// The closed list shows no group: there a layer tells its store and what sets its result apart from the store's others.
function nameOf(layer) {
  const results = state.layers.filter((each) => each.store === layer.store && each.options && !each.slices);
  const others = results.filter((each) => each.options !== layer.options).map((each) => new Set(each.options.split(" ")));
  const own = layer.slices || !others.length ? [] : layer.options.split(" ").filter((word) => !others.every((words) => words.has(word)));
  return [layer.label + storeName(layer), ...own].join(" ");
}

function groups() {
  const names = [...new Set(state.layers.map(groupOf))];
  return names.map((label) => element("optgroup", { label }, ...state.layers.filter((each) => groupOf(each) === label)
    .map((each) => element("option", { value: each.id, textContent: nameOf(each) }))));
}

function fillControls() {
  for (const side of ["a", "b"]) {
    const layer = layerIn(side);
    const select = byId(`layer-${side}`);
    const listing = JSON.stringify(state.layers.map((each) => [each.id, nameOf(each), groupOf(each)]));
    if (select.dataset.listing !== listing) {
      select.dataset.listing = listing;
      select.replaceChildren(...(side === "b" ? [element("option", { value: "", textContent: "nothing" })] : []), ...groups());
    }
    select.value = slots[side].id;
    byId(`slice-row-${side}`).hidden = !(layer?.slices > 1);
    for (const input of [byId(`slice-${side}`), byId(`number-${side}`)]) {
      input.max = layer?.slices || 1;
      input.value = slots[side].z + 1;
    }
  }
}

onState(() => {
  const first = state.layers.find((layer) => layer.finished || !layer.version.startsWith("b0.0")) || state.layers[0];
  display("a", layerIn("a") && slots.a.chosen ? slots.a.id : (first?.id ?? "")); // a result shows once it has begun
  display("b", slots.b.id);
});
viewer.addHandler("viewport-change", placeCurtain);
viewer.addHandler("resize", placeCurtain);
