// Every kind has one colour for as long as the page is open.

import { live } from "./live.js";

const colours_count = 10;
const indexes = new Map();

export function kind_class(kind) {
    if (indexes.size === 0) {
        for (const known of [...(live.now?.kinds ?? [])].sort()) {
            indexes.set(known, indexes.size);
        }
    }
    if (!indexes.has(kind)) {
        indexes.set(kind, indexes.size);
    }
    return `kind-${indexes.get(kind) % colours_count}`;
}
