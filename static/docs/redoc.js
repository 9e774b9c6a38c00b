import { filledIn, onKey } from "./key.js";

// Redoc adds a picture from its maker's host to the page. Nothing here comes from elsewhere, so it is not requested.
const image = HTMLImageElement.prototype;
image.setAttribute = function (name, value) {
  if (name === "src" && ![location.host, ""].includes(new URL(value, location.href).host)) this.hidden = true;
  else Element.prototype.setAttribute.call(this, name, value);
};
Object.defineProperty(image, "src", { set(value) { this.setAttribute("src", value); } }); // React writes both

const place = document.getElementById("redoc");
const schema = await (await fetch(place.dataset.schema)).text();

// Drawing takes a second or two, in which nothing else can be done: it begins when whoever types the key has paused,
// and not before the last one is done, which would cover it.
const PAUSE_MS = 400;
let drawing = false, pausing;
function show() {
  if (drawing) return later();
  drawing = true;
  // Strings in a JSON document may be replaced as they are: neither address nor key needs escaping.
  Redoc.init(JSON.parse(filledIn(schema)), { scrollYOffset: 56 }, place, () => (drawing = false));
}
function later() {
  clearTimeout(pausing);
  pausing = setTimeout(show, PAUSE_MS);
}

onKey(later);
show();
