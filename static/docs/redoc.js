import { filledIn, onKey } from "./key.js";

// Redoc signs the page with a picture from its maker's host. Nothing here comes from elsewhere, so it is not asked for.
const image = HTMLImageElement.prototype;
image.setAttribute = function (name, value) {
  if (name === "src" && ![location.host, ""].includes(new URL(value, location.href).host)) this.hidden = true;
  else Element.prototype.setAttribute.call(this, name, value);
};
Object.defineProperty(image, "src", { set(value) { this.setAttribute("src", value); } }); // React writes both

const place = document.getElementById("redoc");
const told = await (await fetch(place.dataset.schema)).text();

// Strings in a JSON document may be replaced as they are: neither address nor key needs escaping.
const show = () => Redoc.init(JSON.parse(filledIn(told)), { scrollYOffset: 56 }, place);

onKey(show);
show();
