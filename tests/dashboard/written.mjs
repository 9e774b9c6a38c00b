// What format.js writes: reads {lang, languages, live, values: [[value, how], ...]}, prints the texts as JSON.

import { readFileSync } from "node:fs";

import { load, openPage } from "./stand_ins.mjs";

const { lang, languages, live, values } = JSON.parse(readFileSync(0, "utf8"));
openPage({ lang, languages, live });
const { written } = await load("format.js");
console.log(JSON.stringify(values.map(([value, how]) => written(value, how))));
