// Where does work pile up, and will it drain? One row per queue; its settings open beneath it.

import { get, post } from "./api.js";
import { exact, plural, rate, short } from "./format.js";
import { h } from "./vdom.js";
import { icon } from "./icons.js";
import { last_known_at, live, was_never_a_broker } from "./live.js";
import { action, say } from "./notices.js";
import { outlook } from "./outlook.js";
import {
    command,
    empty,
    last_known,
    no_broker,
    number,
    phone_label,
    state_badge,
    states,
    table,
    took,
    trouble,
    waiting,
} from "./parts.js";
import { settings_form } from "./settings.js";
import { SteadyOrder } from "./steady_order.js";
import { spark } from "./spark.js";

export const queues = {
    name: "queues",
    title: () => "Queues",
    start: (context) => new Queues(context),
};

const columns = [
    { name: "name", title: "Queue" },
    { name: "ready", title: "Ready", class: "figure" },
    { name: "spark", title: "Last 10 min", label: "Ready tasks in the last ten minutes" },
    { name: "outlook", title: "Outlook" },
    { name: "oldest", title: "Oldest waits", class: "figure" },
    { name: "in", title: "In /s", class: "figure", label: "Tasks that come, a second" },
    { name: "out", title: "Out /s", class: "figure", label: "Tasks that end, a second" },
    { name: "leased", title: "Leased", class: "figure" },
    { name: "scheduled", title: "Scheduled", class: "figure" },
    { name: "blocked", title: "Blocked", class: "figure" },
    { name: "dead", title: "Dead", class: "figure" },
    { name: "act", title: h("span", { class: "unseen" }, "Actions") },
];

const filter_from = 15; // more queues than this can be narrowed down by name

class Queues {
    constructor(context) {
        this.context = context;
        this.list = null;
        this.fault = null;
        this.order = new SteadyOrder(by_waiting);
        this.look = context.poll(2000, async () => {
            try {
                this.list = await get("/queues?spark=1");
                this.fault = null;
            } catch (error) {
                this.fault = error;
            }
        });
    }

    view() {
        return h(
            "div",
            { key: "queues", class: last_known_at() === null ? "" : "is-last-known" },
            h(
                "div",
                { class: "page-head" },
                h("h1", {}, "Queues"),
                h("p", { class: "faint" }, this.summary()),
            ),
            this.fault && !was_never_a_broker() ? trouble(this.fault) : null,
            last_known(),
            this.list?.length > filter_from ? this.name_filter() : null,
            this.body(),
        );
    }

    body() {
        if (was_never_a_broker()) {
            return no_broker();
        }
        if (!this.list) {
            return this.fault ? null : waiting("Asking the broker for its queues.");
        }
        if (this.list.length === 0) {
            return no_queues();
        }
        const opened = this.context.query.get("queue");
        const rows = this.sorted().map((queue) => this.row(queue, opened === queue.name));
        return table("Queues", columns, rows, { class: "list queues-table" });
    }

    summary() {
        if (!this.list || was_never_a_broker()) {
            return "";
        }
        const waiting_now = this.list.reduce((sum, queue) => sum + queue.tasks.ready, 0);
        const paused = this.list.filter((queue) => queue.paused).length;
        const parts = [
            plural(this.list.length, "queue"),
            `${short(waiting_now)} ready`,
            `${exact(paused)} paused`,
        ];
        return parts.slice(0, paused > 0 ? 3 : 2).join(", ");
    }

    name_filter() {
        return h(
            "div",
            { class: "filters" },
            h("input", {
                type: "search",
                "aria-label": "Queues whose name has this",
                placeholder: "name has",
                "data-filter": "name",
                value: this.context.query.get("name") ?? "",
                autocomplete: "off",
                spellcheck: "false",
                oninput: (event) =>
                    this.context.set_query({ name: event.target.value.trim() }, { replace: true }),
            }),
        );
    }

    sorted() {
        const part = (this.context.query.get("name") ?? "").toLowerCase();
        return this.order
            .sort(this.list)
            .filter((queue) => queue.name.toLowerCase().includes(part));
    }

    row(queue, is_open) {
        const { name, tasks, paused } = queue;
        const is_old = last_known_at() !== null;
        const { level, words } = outlook(queue, tasks.ready);
        const toggle = () => this.context.set_query({ queue: is_open ? "" : name });
        return {
            key: name,
            props: {
                "data-queue": name,
                class: `${paused ? "is-paused" : ""} ${is_open ? "is-open" : ""}`,
            },
            cells: [
                name_button(queue, is_open, toggle),
                [task_count(name, "ready", tasks.ready), phone_label(" ready")],
                spark(queue.spark, spark_words(queue.spark ?? [])),
                h("span", { class: `outlook ${level}` }, words),
                tasks.ready > 0 ? [phone_label("oldest "), took(queue.oldest_wait_ms)] : "–",
                is_old ? "–" : rate(queue.in_per_s),
                is_old ? "–" : rate(queue.out_per_s),
                task_count(name, "leased", tasks.leased),
                task_count(name, "scheduled", tasks.scheduled),
                task_count(name, "blocked", tasks.blocked),
                task_count(name, "dead", tasks.dead),
                live.now?.read_only ? "" : this.pause_button(queue),
            ],
            after: is_open ? this.details(queue) : null,
        };
    }

    pause_button({ name, paused }) {
        return action({
            id: `pause ${name}`,
            label: paused ? "Resume" : "Pause",
            name: paused ? "resume" : "pause",
            icon_name: paused ? "play" : "pause",
            hot_key: "P",
            run: async () => {
                await this.set_paused(name, !paused);
                say(
                    `${name} is ${paused ? "given out again" : "paused: what runs goes on, nothing new is given out"}.`,
                    { undo: () => this.set_paused(name, paused) },
                );
            },
        });
    }

    async set_paused(name, is_paused) {
        await post(`/queues/${encodeURIComponent(name)}/${is_paused ? "pause" : "resume"}`);
        this.look();
    }

    details(queue) {
        const form = settings_form(queue, { is_read_only: live.now?.read_only, saved: this.look });
        return h(
            "div",
            { class: "details" },
            h(
                "div",
                {},
                h("h2", {}, "Tasks by state"),
                h(
                    "ul",
                    { class: "state-list" },
                    states.map((state) => state_line(queue, state)),
                ),
            ),
            h("div", { class: "details-main" }, h("h2", {}, "Settings"), form),
            h("div", {}, h("h2", {}, "Since the broker started"), totals(queue)),
        );
    }
}

// Most waiting first; of equals by name.
function by_waiting(a, b) {
    return b.tasks.ready - a.tasks.ready || a.name.localeCompare(b.name);
}

function name_button({ name, paused }, is_open, toggle) {
    const props = {
        type: "button",
        class: "name link",
        "data-open": "",
        "data-back": is_open, // escape closes it
        "aria-expanded": String(is_open),
        title: name,
        onclick: toggle,
    };
    return h(
        "button",
        props,
        icon(is_open ? "down" : "right"),
        h("span", { class: "clip" }, name),
        paused ? h("span", { class: "tag" }, "paused") : null,
    );
}

function spark_words(values) {
    return `Ready in the last ten minutes: at most ${short(Math.max(0, ...values.map((value) => value ?? 0)))}`;
}

function task_count(queue, state, count) {
    return count === 0
        ? h("span", { class: "zero" }, "0")
        : h(
              "a",
              {
                  class: `count ${state === "dead" ? "dead-count" : ""}`,
                  href: `/tasks?queue=${encodeURIComponent(queue)}&state=${state}`,
              },
              number(count),
          );
}

function state_line(queue, state) {
    const href = `/tasks?queue=${encodeURIComponent(queue.name)}&state=${state}`;
    return h(
        "li",
        {},
        h(
            "a",
            { href },
            state_badge(state),
            h("span", { class: "figure" }, number(queue.tasks[state])),
        ),
    );
}

function totals({ created, succeeded, failed, removed }) {
    const lines = [
        ["Created", created],
        ["Succeeded", succeeded],
        ["Attempts failed", failed],
        ["Removed", removed],
    ];
    return h(
        "dl",
        { class: "facts" },
        lines.map(([name, count]) => [h("dt", {}, name), h("dd", {}, number(count))]),
    );
}

function no_queues() {
    return empty(
        "No queue yet",
        h("p", {}, "A queue comes with its first task, or with its first setting."),
        command("xebec-client submit add 2 3 --queue default"),
    );
}
