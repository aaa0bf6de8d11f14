// Options as fields and sliders, made from their declarations; every change gives the whole form to ``changed``.

import { byId, element } from "./ask.js";

let declared = [];
const kindOf = (name) => declared.find((each) => each.name === name);

export function declareOptions(declarations) {
  declared = declarations;
  const sections = [...new Set(declared.map((each) => each.section))].filter((each) => each !== "Frames");
  byId("add-option").replaceChildren(
    element("option", { value: "", textContent: "Add an option …" }),
    ...sections.map((label) => element("optgroup", { label }, ...declared.filter((each) => each.section === label)
      .map((each) => element("option", { value: each.name, textContent: `--${each.name}`, title: each.help })))),
  );
}

export function fillForm(form, changed) {
  const used = document.activeElement?.id;
  byId("form").replaceChildren(...form.map((option, at) => fieldset(form, option, at, changed)));
  if (used) document.getElementById(used)?.focus();
}

function fieldset(form, option, at, changed) {
  const kind = kindOf(option.name);
  const others = (entries) => changed([...form.slice(0, at), ...entries, ...form.slice(at + 1)]);
  const remove = element("button", { textContent: "Remove", className: "small", type: "button" });
  remove.setAttribute("aria-label", `Remove --${option.name}`);
  remove.onclick = () => others([]);
  const set = (name, value) => others([{ ...option, values: { ...option.values, [name]: value } }]);
  const rows = kind.fields.map((field) => row(field, option.values[field.name], `${option.name}-${at}-${field.name}`, set));
  const given = rows.filter((each, number) => isGiven(kind.fields[number], option.values[kind.fields[number].name]));
  const rest = rows.filter((each) => !given.includes(each));
  const more = rest.length ? [element("details", {}, element("summary", { textContent: "More" }), ...rest)] : [];
  return element("fieldset", { title: kind.help }, element("legend", { textContent: option.text }), remove, ...given, ...more);
}

const isGiven = (field, value) => value !== null && value !== undefined && (value !== field.default || field.slider !== null);

// Long words of help are cut; the whole is told on hovering, and to screen readers.
const LONGEST = 90;

function row(field, value, id, set) {
  const help = field.name.startsWith("word") ? field.help : `${field.name}: ${field.help}`;
  const short = help.length > LONGEST ? `${help.slice(0, help.lastIndexOf(" ", LONGEST))} …` : help;
  const label = element("label", { textContent: short, htmlFor: id, title: help });
  const now = value ?? "";
  if (field.kind === "flag") {
    const box = element("input", { type: "checkbox", id, checked: Boolean(value) });
    box.onchange = () => set(field.name, box.checked);
    return element("div", { className: "row check" }, box, label);
  }
  if (field.choices.length) {
    const select = element("select", { id }, element("option", { value: "", textContent: "by default" }),
      ...field.choices.map((each) => element("option", { value: each, textContent: each })));
    select.value = now;
    select.onchange = () => set(field.name, select.value || null);
    return element("div", { className: "row" }, label, select);
  }
  const number = field.kind === "number" || field.kind === "integer";
  const text = element("input", { id, value: now, type: number ? "number" : "text", step: "any", placeholder: "by default" });
  const read = (entry) => set(field.name, entry === "" ? null : number ? Number(entry) : entry);
  text.onchange = () => read(text.value);
  if (short !== help) text.setAttribute("aria-description", help);
  if (!field.slider || value === null || value === undefined) return element("div", { className: "row" }, label, text);
  const [min, max, step] = field.slider;
  const slider = element("input", { type: "range", id: `${id}-slider`, min: Math.min(min, now), max: Math.max(max, now), step });
  slider.value = now;
  slider.setAttribute("aria-label", `${field.name}: ${field.help}`);
  slider.oninput = () => (text.value = Number(Number(slider.value).toPrecision(4)));
  slider.onchange = () => read(text.value);
  return element("div", { className: "row amount" }, label, slider, text);
}
