// Who works, on what, and who is missing? Machines with their workers, a lane for every slot.

import { get, post } from "./api.js";
import { exact, instant, octets, short, whole_duration } from "./format.js";
import { h } from "./vdom.js";
import { icon } from "./icons.js";
import { kind_class } from "./kinds.js";
import { Lanes, lanes_view } from "./lanes.js";
import { live } from "./live.js";
import { action, say } from "./notices.js";
import { lend_workers } from "./search.js";
import { command, empty, meter, number, since, trouble, waiting } from "./parts.js";

export const workers = { name: "workers", title: () => "Workers", start: (context) => new Workers(context) };

const spans = { "30s": 30_000, "2m": 120_000, "10m": 600_000 };
const with_lanes_max = 60;     // more workers than this show their lanes when asked
const silent_warning_ms = 2500;  // they are heard every second

class Workers {
    constructor(context) {
        this.context = context;
        this.list = null;
        this.lost = [];
        this.fault = null;
        this.lanes = new Map();  // worker key -> Lanes
        this.are_all_shown = false;
        this.look = context.poll(1000, () => this.ask());
        context.poll(5000, async () => { this.lost = await get("/workers/lost"); });
    }

    span() {
        return spans[this.context.query.get("span")] ?? spans["30s"];
    }

    async ask() {
        try {
            this.list = (await get("/workers?recent=1")).sort((a, b) => a.host.localeCompare(b.host) || a.name.localeCompare(b.name, "en", { numeric: true }));
            this.fault = null;
        } catch (error) {
            this.fault = error;
            return;
        }
        lend_workers(this.list.map((worker) => worker.name));
        const before = this.lanes;
        this.lanes = new Map();
        for (const worker of this.list) {
            const lanes = before.get(key_of(worker)) ?? new Lanes();
            lanes.add({ ...worker, current: worker.current ?? [], recent: worker.recent ?? [] }, this.span());
            this.lanes.set(key_of(worker), lanes);
        }
    }

    view() {
        return h("div", { key: "workers", class: "workers" },
            h("div", { class: "page-head" }, h("h1", {}, "Workers"), h("p", { class: "faint" }, this.summary()), this.list?.length ? this.span_choice() : null),
            this.fault ? trouble(this.fault) : null,
            this.lost.length > 0 ? lost_workers(this.lost) : null,
            this.body());
    }

    body() {
        if (!this.list) {
            return this.fault ? null : waiting("Asking the broker for its workers.");
        }
        if (this.list.length === 0) {
            return empty("No worker is connected", h("p", {}, "Tasks wait until one comes. This starts four that serve add, echo, sleep and other kinds that need no code."), command("xebec-worker --count 4"));
        }
        const limit = this.are_all_shown ? Infinity : with_lanes_max;
        let place = 0;
        return [
            kinds_legend(this.list),
            by_host(this.list).map(([host, of_host]) => h("section", { key: host, class: "host", "data-host": host, "aria-label": `Machine ${host}` },
                host_head(host, of_host),
                column_heads(this.span()),
                h("ul", {}, of_host.map((worker) => this.worker(worker, ++place <= limit))))),
            this.list.length > limit ? h("button", { type: "button", onclick: () => { this.are_all_shown = true; } }, `Show the lanes of all ${exact(this.list.length)} workers`) : null,
        ];
    }

    summary() {
        if (!this.list || this.list.length === 0) {
            return "";
        }
        const slots = this.list.reduce((sum, worker) => sum + worker.slots, 0);
        const busy = this.list.reduce((sum, worker) => sum + busy_slots(worker), 0);
        const hosts = by_host(this.list).length;
        return `${exact(this.list.length)} on ${exact(hosts)} machine${hosts === 1 ? "" : "s"}, ${exact(busy)} of ${exact(slots)} slots busy`;
    }

    span_choice() {
        const chosen = this.context.query.get("span") in spans ? this.context.query.get("span") : "30s";
        const titles = { "30s": "30 s", "2m": "2 min", "10m": "10 min" };
        return h("div", { class: "choice", role: "group", "aria-label": "Time shown" }, Object.keys(spans).map((name) =>
            h("button", { type: "button", "aria-pressed": String(name === chosen), "data-choice": name, onclick: () => this.context.set_query({ span: name === "30s" ? "" : name }, { replace: true }) }, titles[name])));
    }

    worker(worker, is_with_lanes) {
        const is_silent = worker.silent_ms > silent_warning_ms;
        return h("li", { key: key_of(worker), class: `row worker ${is_silent ? "is-silent" : ""}`, tabindex: "-1", "data-worker": worker.name },
            h("div", { class: "worker-who" },
                h("a", { class: "name", href: `/tasks?worker=${encodeURIComponent(worker.name)}`, title: worker.name }, h("span", { class: "clip" }, worker.name)),
                worker.draining ? h("span", { class: "tag" }, "draining") : null,
                h("div", { class: "faint clip", title: `process ${worker.process}; kinds ${worker.kinds.join(", ")}; queues ${worker.queues.join(", ") || "all"}` },
                    `process ${worker.process}`, worker.queues.length > 0 ? `, only ${worker.queues.join(", ")}` : "")),
            h("dl", { class: "worker-figures" },
                figure("Busy", `${busy_slots(worker)}/${worker.slots}`, `holds ${worker.held} tasks, at most ${worker.credit}`),
                figure("Done", number(worker.succeeded), `${exact(worker.succeeded)} attempts succeeded since ${worker.since}`),
                figure("Failed", number(worker.failed), `${exact(worker.failed)} attempts failed`, worker.failed > 0 ? "" : "zero"),
                figure("Heard", is_silent ? h("strong", { class: "is-late" }, whole_duration(worker.silent_ms)) : `${(worker.silent_ms / 1000).toFixed(1)} s`, "the last time it was heard, ago"),
                figure("Memory", worker.resources ? octets(worker.resources.process_resident) : "–", "of this process")),
            is_with_lanes ? lanes_view(this.lanes.get(key_of(worker)) ?? new Lanes(), worker.slots, this.span()) : h("div", { class: "lanes" }),
            h("div", { class: "worker-act", "data-actions": "" }, live.now?.read_only || worker.draining ? null : this.drain_button(worker)));
    }

    drain_button(worker) {
        return action({
            id: `drain ${key_of(worker)}`, label: "Drain", name: "drain", icon_name: "drain", hot_key: "D",
            question: `Let it finish ${worker.held === 1 ? "one task" : `${worker.held} tasks`} and leave?`,
            run: async () => {
                await post(`/workers/${encodeURIComponent(worker.name)}/drain`);
                say(`${worker.name} takes nothing new and leaves when it is done.`);
                this.look();
            },
        });
    }
}

// Two may have one name: nothing keeps a user from that.
function key_of({ name, host, process, session }) {
    return `${name} ${host} ${process} ${session}`;
}

function busy_slots(worker) {
    return Math.min(worker.slots, (worker.current ?? []).length);
}

function figure(label, value, title, extra = "") {
    return h("div", { title }, h("dt", {}, label), h("dd", { class: extra }, value));
}

// Seen once for a machine; a screen reader hears the name with every figure instead.
function column_heads(span_ms) {
    return h("div", { class: "worker worker-heads faint", "aria-hidden": "true" },
        h("span", {}, "Worker"),
        h("div", { class: "worker-figures" }, ["Busy", "Done", "Failed", "Heard", "Memory"].map((name) => h("span", {}, name))),
        h("div", { class: "lane lane-axis" },
            h("div", {}, [1, 0.75, 0.5, 0.25].map((share) => h("span", {}, share === 1 ? `${whole_duration(span_ms)} ago` : axis_words(span_ms * share))), h("span", {}, "now")),
            h("span", {}, "Runs now")));
}

function axis_words(ms) {
    return ms < 60_000 ? `${ms / 1000} s` : `${ms / 60_000} min`;
}

function by_host(list) {
    const hosts = new Map();
    for (const worker of list) {
        hosts.set(worker.host, [...(hosts.get(worker.host) ?? []), worker]);
    }
    return [...hosts];
}

function host_head(host, of_host) {
    const resources = of_host.find((worker) => worker.resources)?.resources;
    const slots = of_host.reduce((sum, worker) => sum + worker.slots, 0);
    return h("header", { class: "host-head" },
        h("h2", {}, host), h("span", { class: "faint" }, `${of_host.length} worker${of_host.length === 1 ? "" : "s"}, ${slots} slots`),
        resources ? h("div", { class: "host-meters" },
            meter("CPU", resources.cpu_permille, 1000, `${Math.round(resources.cpu_permille / 10)} %`),
            meter("Memory", resources.memory_used, resources.memory_total, `${octets(resources.memory_used)} of ${octets(resources.memory_total)}`),
            meter("Disk", resources.disk_used, resources.disk_total, `${octets(resources.disk_used)} of ${octets(resources.disk_total)}`),
            (resources.gpus ?? []).map((gpu) => meter("GPU", gpu.busy_permille, 1000, `${Math.round(gpu.busy_permille / 10)} %, ${octets(gpu.memory_used)} of ${octets(gpu.memory_total)}`)))
            : h("span", { class: "faint" }, "tells nothing of its machine"));
}

function kinds_legend(list) {
    const kinds = [...new Set(list.flatMap((worker) => worker.kinds))].sort();
    return h("ul", { class: "legend", "aria-label": "Kinds served" }, kinds.map((kind) =>
        h("li", { key: kind }, h("a", { href: `/tasks?kind=${encodeURIComponent(kind)}` }, h("i", { class: `swatch ${kind_class(kind)}` }), h("span", { class: "clip" }, kind)))),
        h("li", { key: " failed" }, h("i", { class: "swatch failed" }), "hatched: failed"));
}

function lost_workers(lost) {
    const tasks = lost.reduce((sum, worker) => sum + worker.held, 0);
    return h("section", { class: "lost", "aria-label": "Lost workers", "data-lost": lost.length },
        h("h2", {}, icon("bad"), `${exact(lost.length)} lost in the last hour, ${short(tasks)} tasks went back`),
        h("ul", {}, lost.slice(0, 12).map((worker) => h("li", { key: `${worker.name} ${worker.lost_at}`, "data-worker": worker.name },
            h("span", { class: "name" }, worker.name), h("span", { class: "faint" }, since(instant(worker.lost_at)), `, held ${worker.held} of ${worker.slots}`)))));
}
