// Keeps a part of the page equal to the state. The server's templates say what is where (`bound`, `item`):
// data-bind="path" data-as="format", data-set="attribute=path ..." and, for lists, data-list="path" data-key="path"
// around a <template> for its items.

import { at } from "./live.js";
import { formatValue, setText } from "./format.js";

/** The bound nodes of `root`, without those of its lists' items. */
class Bound {
  #values;
  #sets;

  constructor(root, list = null) {
    const own = (node) => node.closest("[data-list]") === list;
    const all = [root, ...root.querySelectorAll("[data-bind], [data-set]")].filter(own);
    this.#values = all.filter((node) => node.dataset.bind);
    this.#sets = all.filter((node) => node.dataset.set);
  }

  show(facts) {
    for (const node of this.#values) setText(node, formatValue(at(facts, node.dataset.bind), node.dataset.as));
    for (const node of this.#sets) {
      for (const pair of node.dataset.set.split(" ")) {
        const [name, path] = pair.split("=");
        const value = String(at(facts, path) ?? "");
        if (node.getAttribute(name) !== value) node.setAttribute(name, value);
      }
    }
  }
}

/** The items of one list: kept by key, moved only when their order changes. */
class List {
  #node;
  #items = new Map(); // by key: {node, bound, facts: what is shown}

  constructor(node) {
    this.#node = node;
    for (const item of node.querySelectorAll(":scope > [data-id]")) this.#keep(item.dataset.id, item);
  }

  show(state) {
    const { list, key } = this.#node.dataset;
    const wanted = new Map((at(state, list) ?? []).map((facts) => [String(facts[key]), facts]));
    for (const [id, { node }] of this.#items) {
      if (wanted.has(id)) continue;
      node.remove();
      this.#items.delete(id);
    }
    let next = this.#node.querySelector(":scope > [data-id]");
    for (const [id, facts] of wanted) {
      const item = this.#items.get(id) ?? this.#add(id);
      if (item.facts !== facts) item.bound.show(facts);
      item.facts = facts; // panels replace what they change, so the same is unchanged
      if (item.node === next) next = next.nextElementSibling;
      else this.#node.insertBefore(item.node, next);
    }
  }

  #add(id) {
    const node = this.#node.querySelector(":scope > template").content.firstElementChild.cloneNode(true);
    node.dataset.id = id;
    return this.#keep(id, node);
  }

  #keep(id, node) {
    const item = { node, bound: new Bound(node, node.parentElement ? this.#node : null) };
    this.#items.set(id, item);
    return item;
  }
}

/** All that is bound inside `root`, its lists included. */
export class Panel {
  #bound;
  #lists;

  constructor(root) {
    this.#bound = new Bound(root);
    this.#lists = [...root.querySelectorAll("[data-list]")].map((node) => new List(node));
  }

  show(state) {
    this.#bound.show(state);
    for (const list of this.#lists) list.show(state);
  }
}
