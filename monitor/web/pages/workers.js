// Who works, on what, and who is missing? Machines with their workers, a lane for every slot.

import { get, post } from "./api.js";
import { exact, plural, octets, whole_duration } from "./format.js";
import { Lanes, lanes_view } from "./lanes.js";
import { last_known_at, live, was_never_a_broker } from "./live.js";
import {
    busy_slots,
    by_host,
    column_heads,
    host_head,
    kinds_legend,
    lost_workers,
} from "./machines.js";
import { action, say } from "./notices.js";
import {
    choice,
    command,
    empty,
    last_known,
    no_broker,
    number,
    trouble,
    waiting,
} from "./parts.js";
import { lend_workers } from "./search.js";
import { h } from "./vdom.js";

export const workers = {
    name: "workers",
    title: () => "Workers",
    start: (context) => new Workers(context),
};

const spans = { "30s": 30_000, "2m": 120_000, "10m": 600_000 };
const with_lanes_max = 60; // more workers than this show their lanes when asked
const silent_warning_ms = 2500; // they are heard every second

class Workers {
    constructor(context) {
        this.context = context;
        this.list = null;
        this.lost = [];
        this.fault = null;
        this.lanes = new Map(); // worker key -> Lanes
        this.are_all_shown = false;
        this.look = context.poll(1000, () => this.ask());
        context.poll(2000, async () => {
            this.lost = await get("/workers/lost");
        });
    }

    span() {
        return spans[this.context.query.get("span")] ?? spans["30s"];
    }

    async ask() {
        if (this.list && last_known_at() !== null) {
            return; // what it was told last stays
        }
        try {
            this.list = (await get("/workers?recent=1")).sort(
                (a, b) =>
                    a.host.localeCompare(b.host) ||
                    a.name.localeCompare(b.name, "en", { numeric: true }),
            );
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
            lanes.add(
                { ...worker, current: worker.current ?? [], recent: worker.recent ?? [] },
                this.span(),
            );
            this.lanes.set(key_of(worker), lanes);
        }
    }

    view() {
        return h(
            "div",
            {
                key: "workers",
                class: `workers ${last_known_at() === null ? "" : "is-last-known"}`,
            },
            h(
                "div",
                { class: "page-head" },
                h("h1", {}, "Workers"),
                h("p", { class: "faint" }, this.summary()),
                this.list?.length ? this.span_choice() : null,
            ),
            this.fault && !was_never_a_broker() ? trouble(this.fault) : null,
            last_known(),
            this.lost.length > 0 ? lost_workers(this.lost) : null,
            this.body(),
        );
    }

    body() {
        if (was_never_a_broker()) {
            return no_broker();
        }
        if (!this.list) {
            return this.fault ? null : waiting("Asking the broker for its workers.");
        }
        if (this.list.length === 0) {
            return empty(
                "No worker is connected",
                h(
                    "p",
                    {},
                    "Tasks wait until one comes. This starts four that serve add, echo, sleep and other kinds that need no code.",
                ),
                command("xebec-worker --count 4"),
            );
        }
        const limit = this.are_all_shown ? Infinity : with_lanes_max;
        let place = 0;
        return [
            kinds_legend(this.list),
            by_host(this.list).map(([host, of_host]) =>
                h(
                    "section",
                    {
                        key: host,
                        class: "host",
                        "data-host": host,
                        "aria-label": `Machine ${host}`,
                    },
                    host_head(host, of_host),
                    column_heads(this.span()),
                    h(
                        "ul",
                        {},
                        of_host.map((worker) => this.worker(worker, ++place <= limit)),
                    ),
                ),
            ),
            this.list.length > limit
                ? h(
                      "button",
                      {
                          type: "button",
                          onclick: () => {
                              this.are_all_shown = true;
                          },
                      },
                      `Show the lanes of all ${exact(this.list.length)} workers`,
                  )
                : null,
        ];
    }

    summary() {
        if (!this.list || this.list.length === 0) {
            return "";
        }
        const slots = this.list.reduce((sum, worker) => sum + worker.slots, 0);
        const busy = this.list.reduce((sum, worker) => sum + busy_slots(worker), 0);
        const hosts = by_host(this.list).length;
        const use =
            last_known_at() === null
                ? `${exact(busy)} of ${exact(slots)} slots busy`
                : plural(slots, "slot");
        return `${exact(this.list.length)} on ${plural(hosts, "machine")}, ${use}`;
    }

    span_choice() {
        const chosen =
            this.context.query.get("span") in spans ? this.context.query.get("span") : "30s";
        const titles = { "30s": "30 s", "2m": "2 min", "10m": "10 min" };
        const options = Object.keys(spans).map((name) => ({ name, title: titles[name] }));
        const choose = (name) =>
            this.context.set_query({ span: name === "30s" ? "" : name }, { replace: true });
        return choice("Time shown", options, chosen, choose);
    }

    worker(worker, is_with_lanes) {
        const is_old = last_known_at() !== null;
        const is_silent = !is_old && worker.silent_ms > silent_warning_ms;
        return h(
            "li",
            {
                key: key_of(worker),
                class: `row worker ${is_silent ? "is-silent" : ""}`,
                tabindex: "-1",
                "data-worker": worker.name,
            },
            h(
                "div",
                { class: "worker-who" },
                h(
                    "a",
                    {
                        class: "name",
                        href: `/tasks?worker=${encodeURIComponent(worker.name)}`,
                        title: worker.name,
                    },
                    h("span", { class: "clip" }, worker.name),
                ),
                worker.draining ? h("span", { class: "tag" }, "draining") : null,
                h(
                    "div",
                    {
                        class: "faint clip",
                        title: `process ${worker.process}; kinds ${worker.kinds.join(", ")}; queues ${worker.queues.join(", ") || "all"}`,
                    },
                    `process ${worker.process}`,
                    worker.queues.length > 0 ? `, only ${worker.queues.join(", ")}` : "",
                ),
            ),
            h(
                "dl",
                { class: "worker-figures" },
                figure(
                    "Busy",
                    `${is_old ? "–" : busy_slots(worker)}/${worker.slots}`,
                    `holds ${worker.held} tasks, at most ${worker.credit}`,
                ),
                figure(
                    "Done",
                    number(worker.succeeded),
                    `${exact(worker.succeeded)} attempts succeeded since ${worker.since}`,
                ),
                figure(
                    "Failed",
                    number(worker.failed),
                    `${exact(worker.failed)} attempts failed`,
                    worker.failed > 0 ? "" : "zero",
                ),
                figure(
                    "Heard",
                    is_old
                        ? "–"
                        : is_silent
                        ? h("strong", { class: "is-late" }, whole_duration(worker.silent_ms))
                        : `${(worker.silent_ms / 1000).toFixed(1)} s`,
                    "the last time it was heard, ago",
                ),
                figure(
                    "Memory",
                    worker.resources ? octets(worker.resources.process_resident) : "–",
                    "of this process",
                ),
            ),
            is_with_lanes
                ? lanes_view(
                      this.lanes.get(key_of(worker)) ?? new Lanes(),
                      worker.slots,
                      this.span(),
                      last_known_at(),
                  )
                : h("div", { class: "lanes" }),
            h(
                "div",
                { class: "worker-act", "data-actions": "" },
                live.now?.read_only || worker.draining || is_old ? null : this.drain_button(worker),
            ),
        );
    }

    drain_button(worker) {
        return action({
            id: `drain ${key_of(worker)}`,
            label: "Drain",
            name: "drain",
            icon_name: "drain",
            hot_key: "D",
            question: drain_question(worker.held),
            run: async () => {
                await post(`/workers/${encodeURIComponent(worker.name)}/drain`);
                say(`${worker.name} takes nothing new and leaves when it is done.`);
                this.look();
            },
        });
    }
}

function drain_question(held) {
    return held === 0
        ? "It holds no task. Let it leave?"
        : `Let it finish ${held === 1 ? "one task" : `${exact(held)} tasks`} and leave?`;
}

// Two may have one name: nothing keeps a user from that.
function key_of({ name, host, process, session }) {
    return `${name} ${host} ${process} ${session}`;
}

function figure(label, value, title, extra = "") {
    return h("div", { title }, h("dt", {}, label), h("dd", { class: extra }, value));
}
