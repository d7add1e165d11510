// Every kind has a colour of its own, in the order in which this browser first saw them. After ten
// the colours come again with a pattern.

import { live } from "./live.js";

const name = "xebec-kinds";
const colours_count = 10;
const patterns_count = 3; // none, a line along, lines across
const remembered_max = 300;
const indexes = new Map(remembered().map((kind, index) => [kind, index]));

function remembered() {
    try {
        const kinds = JSON.parse(localStorage.getItem(name) ?? "[]");
        return kinds.length < remembered_max ? kinds : [];
    } catch {
        return [];
    }
}

function remember(kinds) {
    for (const kind of kinds) {
        if (!indexes.has(kind)) {
            indexes.set(kind, indexes.size);
        }
    }
    try {
        localStorage.setItem(name, JSON.stringify([...indexes.keys()]));
    } catch {
        // They are another's colours next time.
    }
}

export function kind_class(kind) {
    if (!indexes.has(kind)) {
        remember([...(live.now?.kinds ?? []), kind]);
    }
    const index = indexes.get(kind);
    const pattern = Math.floor(index / colours_count) % patterns_count;
    return `kind-${index % colours_count} pattern-${pattern}`;
}
