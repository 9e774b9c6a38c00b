import { filledIn, onKey } from "./key.js";

const place = document.getElementById("redoc");
const told = await (await fetch(place.dataset.schema)).text();

// Strings in a JSON document may be replaced as they are: neither address nor key needs escaping.
const show = () => Redoc.init(JSON.parse(filledIn(told)), { scrollYOffset: 56 }, place);

onKey(show);
show();
