// The page's scripts are modules named .js, which older versions of Node.js treat as CommonJS: `node --import` this.

import { register } from "node:module";

const hook = `export const load = (url, context, next) =>
  next(url, new URL(url).pathname.endsWith(".js") ? { ...context, format: "module" } : context);`;

register(`data:text/javascript,${encodeURIComponent(hook)}`);
