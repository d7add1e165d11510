// Where is my task? Filters, which live in the address, and the list, newest first.

import { change_matching, get, query_text } from "./api.js";
import { exact, plural, short } from "./format.js";
import { h } from "./vdom.js";
import { icon } from "./icons.js";
import { live, was_never_a_broker } from "./live.js";
import { action, say } from "./notices.js";
import { command, empty, is_final, no_broker, states, table, trouble, waiting } from "./parts.js";
import { TaskList } from "./task_list.js";
import { refresh } from "./router.js";
import { task_columns, task_row } from "./task_row.js";

export const tasks = {
    name: "tasks",
    title: () => "Tasks",
    start: (context) => new Tasks(context),
};

const ages = { "10m": "10 min", "1h": "1 h", "6h": "6 h", "24h": "1 day", "168h": "7 days" };
const filter_names = ["state", "queue", "kind", "worker", "error", "id_prefix", "since", "until"];

class Tasks {
    constructor(context) {
        this.context = context;
        this.matching = null; // how many a bulk action would change; null while it is counted
        this.list = new TaskList();
        this.list.search(this.filter());
        context.poll(2000, () => this.list.look());
    }

    stop() {
        this.list.stop();
    }

    query_changed() {
        this.list.search(this.filter());
    }

    // {state: "dead,ready", queue: …} of those that are set.
    filter() {
        const filter = {};
        for (const name of filter_names) {
            const value = this.context.query.get(name);
            if (value) {
                filter[name] = value;
            }
        }
        return filter;
    }

    chosen_states() {
        return (this.context.query.get("state") ?? "")
            .split(",")
            .filter((state) => states.includes(state));
    }

    view() {
        const { list } = this;
        return h(
            "div",
            { key: "tasks", class: `tasks ${list.newer ? "has-newer" : ""}` },
            h(
                "div",
                { class: "page-head", "data-actions": "" },
                h("h1", {}, "Tasks"),
                h("p", { class: "faint", role: "status" }, this.summary()),
                live.now?.read_only ? null : this.bulk_actions(),
            ),
            this.state_chips(),
            this.filters(),
            list.fault && !was_never_a_broker() ? trouble(list.fault) : null,
            list.newer
                ? h(
                      "button",
                      {
                          type: "button",
                          class: "newer",
                          "data-action": "newer",
                          onclick: () => list.search(this.filter()),
                      },
                      icon("up"),
                      list.newer,
                  ) // above the head of the table, which makes room for it
                : null,
            this.rows(),
            this.end(),
        );
    }

    summary() {
        const { list } = this;
        if (list.tasks.length === 0) {
            return "";
        }
        return `${exact(list.tasks.length)} shown, newest first`;
    }

    rows() {
        const { list } = this;
        if (list.tasks.length > 0) {
            return table(
                "Tasks",
                task_columns,
                list.tasks.map((task) =>
                    task_row(task, { list, is_read_only: live.now?.read_only }),
                ),
                { class: "list tasks-table" },
            );
        }
        if (was_never_a_broker()) {
            return no_broker();
        }
        if (list.is_busy) {
            return waiting("Searching.");
        }
        return list.fault || list.cursor !== null ? null : this.nothing();
    }

    nothing() {
        return Object.keys(this.filter()).length > 0
            ? empty(
                  "No task is like that",
                  h(
                      "p",
                      {},
                      "Nothing that the broker still has fits these filters. Ended tasks are kept as long as their queue's settings say.",
                  ),
                  h("button", { type: "button", onclick: () => this.clear() }, "Clear the filters"),
              )
            : empty(
                  "No task yet",
                  h("p", {}, "This submits one and waits for what comes of it:"),
                  command("xebec-client submit add 2 3 --wait"),
              );
    }

    end() {
        const { list } = this;
        if (list.cursor === null) {
            return list.tasks.length > 0
                ? h("p", { class: "list-end faint" }, "That is all.")
                : null;
        }
        const words = list.is_busy ? "Searching" : "Go on";
        return h(
            "div",
            { class: "list-end" },
            h(
                "span",
                { class: "faint" },
                `${list.tasks.length === 0 ? "Nothing that fits so far. " : ""}Searched down to task ${list.cursor}.`,
            ),
            h(
                "button",
                {
                    type: "button",
                    "data-action": "more",
                    disabled: list.is_busy,
                    onclick: () => list.more(),
                },
                words,
            ),
        );
    }

    clear() {
        this.context.set_query(Object.fromEntries(filter_names.map((name) => [name, ""])));
    }

    state_chips() {
        const chosen = this.chosen_states();
        const counts = was_never_a_broker() ? null : live.now?.tasks;
        const toggle = (state) => {
            const next = chosen.includes(state)
                ? chosen.filter((other) => other !== state)
                : [...chosen, state];
            this.context.set_query({ state: next.join(",") });
        };
        return h(
            "div",
            { class: "chips", role: "group", "aria-label": "States" },
            h(
                "button",
                {
                    type: "button",
                    class: "chip",
                    "aria-pressed": String(chosen.length === 0),
                    "data-state-filter": "all",
                    onclick: () => this.context.set_query({ state: "" }),
                },
                "all",
            ),
            states.map((state) =>
                h(
                    "button",
                    {
                        type: "button",
                        class: "chip",
                        "aria-pressed": String(chosen.includes(state)),
                        "data-state-filter": state,
                        onclick: () => toggle(state),
                    },
                    h("span", { class: `state ${state}` }, h("i", { class: "dot" }), state),
                    counts
                        ? h(
                              "span",
                              { class: "chip-count", title: exact(counts[state]) },
                              short(counts[state]),
                          )
                        : null,
                ),
            ),
        );
    }

    filters() {
        const { query } = this.context;
        const queues = (live.now?.queues ?? []).map((queue) => queue.name).sort();
        const is_any = filter_names.some((name) => query.get(name));
        const toggle = () => {
            this.are_filters_open = !this.are_filters_open;
            refresh();
        };
        return h(
            "form",
            {
                class: `filters may-fold ${is_any || this.are_filters_open ? "is-open" : ""}`,
                "aria-label": "Filters",
                onsubmit: (event) => event.preventDefault(),
            },
            is_any
                ? null
                : h(
                      "button",
                      {
                          type: "button",
                          class: "filters-toggle",
                          "aria-expanded": String(Boolean(this.are_filters_open)),
                          onclick: toggle,
                      },
                      icon(this.are_filters_open ? "down" : "right"),
                      "Filters",
                  ),
            this.select(
                "queue",
                "Queue",
                "any queue",
                queues.map((name) => [name, name]),
            ),
            this.select(
                "kind",
                "Kind",
                "any kind",
                (live.now?.kinds ?? []).map((name) => [name, name]),
            ),
            this.select(
                "since",
                "Accepted",
                "at any time",
                Object.entries(ages).map(([name, words]) => [name, `in the last ${words}`]),
            ),
            this.field("worker", "Worker", "any worker"),
            this.field("error", "Error", "error says…"),
            query.get("id_prefix")
                ? h(
                      "button",
                      {
                          type: "button",
                          class: "chip",
                          "data-filter": "id_prefix",
                          onclick: () => this.context.set_query({ id_prefix: "" }),
                      },
                      `id ${query.get("id_prefix")}…`,
                      icon("close"),
                  )
                : null,
            query.get("until")
                ? h(
                      "button",
                      {
                          type: "button",
                          class: "chip",
                          "data-filter": "until",
                          onclick: () => this.context.set_query({ until: "" }),
                      },
                      `until ${query.get("until")}`,
                      icon("close"),
                  )
                : null,
            is_any
                ? h(
                      "button",
                      {
                          type: "button",
                          class: "quiet",
                          "data-action": "clear",
                          "data-back": "",
                          onclick: () => this.clear(),
                      },
                      "Clear",
                  )
                : null,
        );
    }

    select(name, label, none, options) {
        const value = this.context.query.get(name) ?? "";
        const all =
            value && !options.some(([known]) => known === value)
                ? [[value, value], ...options]
                : options;
        return h(
            "select",
            {
                name,
                "aria-label": label,
                "data-filter": name,
                class: value ? "is-set" : "",
                key: `${name} ${all.length} ${value}`,
                value,
                onchange: (event) => this.context.set_query({ [name]: event.target.value }),
            },
            h("option", { value: "" }, none),
            all.map(([option, words]) => h("option", { value: option }, words)),
        );
    }

    field(name, label, none) {
        const value = this.context.query.get(name) ?? "";
        return h("input", {
            type: "search",
            name,
            "aria-label": label,
            placeholder: none,
            "data-filter": name,
            class: value ? "is-set" : "",
            value,
            spellcheck: "false",
            autocomplete: "off",
            onchange: (event) => this.context.set_query({ [name]: event.target.value.trim() }),
        });
    }

    // Where the chosen states allow one thing to be done to all that match, it is offered.
    bulk_actions() {
        const chosen = this.chosen_states();
        const is_retry = chosen.length === 1 && chosen[0] === "dead";
        const is_cancel = chosen.length > 0 && chosen.every((state) => !is_final(state));
        if (!is_retry && !is_cancel) {
            return null;
        }
        const verb = is_retry ? "retry" : "cancel";
        const label = is_retry ? "Retry all" : "Cancel all";
        return action({
            id: "bulk",
            label,
            name: `${verb}-all`,
            icon_name: is_retry ? "retry" : "close",
            hot_key: is_retry ? "R" : "C",
            is_danger: is_cancel,
            prepare: () => this.count(),
            question: () =>
                this.matching === null
                    ? null
                    : `${is_retry ? "Retry" : "Cancel"} ${plural(this.matching, "task")} that ${this.matching === 1 ? "matches" : "match"}?`,
            run: () => this.change(verb),
        });
    }

    async count() {
        this.matching = null;
        let count = 0;
        let cursor = null;
        do {
            const step = await get(`/tasks/count${query_text({ ...this.filter(), cursor })}`);
            count += step.count;
            cursor = step.cursor;
        } while (cursor !== null);
        this.matching = count;
    }

    async change(verb) {
        const filter = { ...this.filter(), state: this.chosen_states() };
        const done = verb === "retry" ? "given new attempts" : "cancelled";
        const changed = await change_matching(verb, filter, (so_far) => {
            this.list.newer = `${plural(so_far, "task")} ${done} so far`;
        });
        say(`${plural(changed, "task")} ${done}.`);
        this.list.search(this.filter());
    }
}
