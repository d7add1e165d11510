// Workers by the machine they run on, what it uses, and those that are gone.

import { clock, exact, instant, octets, plural, short, whole_duration } from "./format.js";
import { icon } from "./icons.js";
import { kind_class } from "./kinds.js";
import { last_known_at } from "./live.js";
import { load_meter, room_meter, since } from "./parts.js";
import { h } from "./vdom.js";

export function busy_slots(worker) {
    return Math.min(worker.slots, (worker.current ?? []).length);
}

export function by_host(list) {
    const hosts = new Map();
    for (const worker of list) {
        hosts.set(worker.host, [...(hosts.get(worker.host) ?? []), worker]);
    }
    return [...hosts];
}

// Seen once for a machine; a screen reader hears the name with every figure instead.
export function column_heads(span_ms) {
    return h(
        "div",
        { class: "worker worker-heads faint", "aria-hidden": "true" },
        h("span", {}, "Worker"),
        h(
            "div",
            { class: "worker-figures" },
            ["Busy", "Done", "Failed", "Heard", "Memory"].map((name) => h("span", {}, name)),
        ),
        h(
            "div",
            { class: "lane lane-axis" },
            h(
                "div",
                {},
                [1, 0.75, 0.5, 0.25].map((share) =>
                    h(
                        "span",
                        {},
                        share === 1
                            ? `${whole_duration(span_ms)} ago`
                            : axis_words(span_ms * share),
                    ),
                ),
                h("span", {}, last_known_at() === null ? "now" : clock(last_known_at())),
            ),
            h("span", {}, last_known_at() === null ? "Runs now" : "Ran then"),
        ),
    );
}

function axis_words(ms) {
    return ms < 60_000 ? `${ms / 1000} s` : `${ms / 60_000} min`;
}

export function host_head(host, of_host) {
    const resources = of_host.find((worker) => worker.resources)?.resources;
    const slots = of_host.reduce((sum, worker) => sum + worker.slots, 0);
    return h(
        "header",
        { class: "host-head" },
        h("h2", {}, host),
        h(
            "span",
            { class: "faint" },
            `${plural(of_host.length, "worker")}, ${plural(slots, "slot")}`,
        ),
        resources
            ? h(
                  "div",
                  { class: "host-meters" },
                  load_meter("CPU", resources.cpu_permille),
                  room_meter("Memory", resources.memory_used, resources.memory_total),
                  room_meter("Disk", resources.disk_used, resources.disk_total),
                  (resources.gpus ?? []).map(gpu_meter),
              )
            : h("span", { class: "faint" }, "tells nothing of its machine"),
    );
}

function gpu_meter({ name, busy_permille, memory_used, memory_total }) {
    const words = `${Math.round(busy_permille / 10)} %, ${octets(memory_used)} of ${octets(memory_total)}`;
    return h("div", { title: name }, load_meter("GPU", busy_permille, words));
}

export function kinds_legend(list) {
    const kinds = [...new Set(list.flatMap((worker) => worker.kinds))].sort();
    return h(
        "ul",
        { class: "legend", "aria-label": "Kinds served" },
        kinds.map((kind) =>
            h(
                "li",
                { key: kind },
                h(
                    "a",
                    { href: `/tasks?kind=${encodeURIComponent(kind)}` },
                    h("i", { class: `swatch ${kind_class(kind)}` }),
                    h("span", { class: "clip" }, kind),
                ),
            ),
        ),
        h("li", { key: " failed" }, h("i", { class: "swatch failed" }), "hatched: failed"),
    );
}

export function lost_workers(lost) {
    const tasks = lost.reduce((sum, worker) => sum + worker.held, 0);
    return h(
        "section",
        { class: "lost", "aria-label": "Lost workers", "data-lost": lost.length },
        h(
            "h2",
            {},
            icon("bad"),
            `${exact(lost.length)} lost in the last hour, ${short(tasks)} ${tasks === 1 ? "task" : "tasks"} went back`,
        ),
        h(
            "ul",
            {},
            lost
                .slice(0, 12)
                .map((worker) =>
                    h(
                        "li",
                        { key: `${worker.name} ${worker.lost_at}`, "data-worker": worker.name },
                        h("span", { class: "name" }, worker.name),
                        h(
                            "span",
                            { class: "faint" },
                            since(instant(worker.lost_at)),
                            `, held ${worker.held} of ${worker.slots}`,
                        ),
                    ),
                ),
        ),
    );
}
