// What happened to it, step by step, and why?

import { get, get_octets, task_path } from "./api.js";
import { date_exact, duration, exact, instant, now, ran, whole_duration } from "./format.js";
import { h } from "./vdom.js";
import { icon } from "./icons.js";
import { live } from "./live.js";
import { octets_view } from "./octets.js";
import {
    card,
    copy_button,
    empty,
    has_payload,
    is_final,
    since,
    state_badge,
    trouble,
    waiting,
} from "./parts.js";
import { can_go_back, go, go_back } from "./router.js";
import { task_actions } from "./task_row.js";
import { timeline } from "./timeline.js";

export const task = {
    name: "task",
    title: (key) => `Task ${key}`,
    start: (context) => new TaskPage(context),
};

const look_ms = 1000;
const service_looks = 5; // of a task that is ready: what keeps it waiting changes less often
// One that has ended changes only when somebody retries it: it is looked at every tenth time.
const calm_looks = 10;

class TaskPage {
    constructor(context) {
        this.context = context;
        this.task = null;
        this.fault = null;
        this.payload = {};
        this.result = {};
        this.looks = 0;
        this.servers = null; // how many workers serve it, of one that is ready
        this.ready_looks = 0;
        this.look = context.poll(look_ms, () => this.ask());
    }

    async ask() {
        const is_settled = (this.task && is_final(this.task.state)) || this.fault?.status === 404;
        if (is_settled && ++this.looks % calm_looks !== 0) {
            return;
        }
        try {
            this.take(await get(task_path(this.task?.number ?? this.context.key)));
            this.fault = null;
        } catch (error) {
            this.fault = error;
            return;
        }
        await Promise.all([this.fetch_payload(), this.fetch_result(), this.count_servers()]);
    }

    async count_servers() {
        if (this.task.state !== "ready") {
            this.servers = null;
            this.ready_looks = 0;
        } else if (this.ready_looks++ % service_looks === 0) {
            const all = await get("/workers");
            this.servers = all.filter((worker) => serves(worker, this.task)).length;
        }
    }

    why_it_waits() {
        const { kind, queue } = this.task;
        if (live.now?.queues.some(({ name, paused }) => name === queue && paused)) {
            return `waits because queue ${queue} is paused`;
        }
        if (this.servers === null) {
            return "waits for a worker";
        }
        switch (this.servers) {
            case 0:
                return `waits because no worker serves ${kind} of queue ${queue}`;
            case 1:
                return "waits for room at the worker that serves it";
            default:
                return `waits for room at one of the ${exact(this.servers)} workers that serve it`;
        }
    }

    take(told) {
        const is_other =
            this.task && (this.task.state !== told.state || this.task.series !== told.series);
        this.task = { ...told, history: told.history ?? this.task?.history };
        if (is_other) {
            this.result = {};
            this.looks = 0;
        }
        if (this.context.key === "last") {
            go(`/tasks/${told.number}`, { replace: true });
        }
    }

    async fetch_payload() {
        if (has_payload(this.task.state)) {
            await this.fetch_octets("payload", this.payload);
        }
    }

    async fetch_result() {
        if (this.task.state === "succeeded") {
            await this.fetch_octets("result", this.result);
        }
    }

    // Once: neither changes.
    async fetch_octets(name, into) {
        if (into.body || into.fault) {
            return;
        }
        try {
            into.body = await get_octets(task_path(this.task.number, `/${name}`));
        } catch (error) {
            if (error.status !== 0 && error.status < 500) {
                into.fault = error;
            }
        }
    }

    view() {
        const { task: shown } = this;
        if (!shown) {
            return h(
                "div",
                { key: "task" },
                back_link(),
                h("div", { class: "page-head" }, h("h1", {}, `Task ${this.context.key}`)),
                !this.fault
                    ? waiting("Asking the broker for it.")
                    : this.fault.status === 404
                      ? empty(
                            "There is no such task",
                            h(
                                "p",
                                {},
                                "The number may be wrong, or it ended so long ago that it was removed: ended tasks are kept as long as their queue's settings say.",
                            ),
                            h("a", { class: "button", href: "/tasks" }, "All tasks"),
                        )
                      : trouble(this.fault),
            );
        }
        return h(
            "article",
            { key: "task", class: "task", "data-task": shown.number, "data-state": shown.state },
            back_link(),
            this.head(),
            this.fault ? trouble(this.fault) : null,
            h(
                "div",
                { class: "task-columns" },
                h(
                    "div",
                    {},
                    card(
                        "Timeline",
                        { aside: attempts_words(shown) },
                        timeline(shown, this.why_it_waits()),
                    ),
                    this.octets_card("Result", "result", this.result),
                    this.octets_card("Payload", "payload", this.payload),
                ),
                h("aside", { "aria-label": "Facts" }, facts(shown)),
            ),
        );
    }

    head() {
        const { task: shown } = this;
        return h(
            "header",
            { class: "task-head" },
            h(
                "div",
                { class: "task-title" },
                h(
                    "h1",
                    {},
                    h("span", { class: "mono" }, `#${shown.number}`),
                    " ",
                    h("span", { class: "clip", title: shown.kind }, shown.kind),
                ),
                state_badge(shown.state),
                h("span", { class: "faint" }, this.summary()),
            ),
            h(
                "div",
                { class: "actions", "data-actions": "" },
                live.now?.read_only ? null : task_actions(shown, (changed) => this.take(changed)),
                live.now?.read_only
                    ? null
                    : h(
                          "a",
                          {
                              class: "button",
                              href: `/submit?from=${shown.number}`,
                              "data-action": "submit-again",
                          },
                          icon("submit"),
                          "Submit again",
                      ),
                copy_button(`xebec-client status ${shown.number}`, "Command", "the command"),
            ),
        );
    }

    summary() {
        const { state, started_at, finished_at, accepted_at } = this.task;
        const started = instant(started_at);
        const finished = instant(finished_at);
        if (state === "leased") {
            return `runs for ${duration(Math.max(0, now() - started))}`;
        }
        if (finished !== null) {
            return ["in ", ran(finished - instant(accepted_at)), ", ", since(finished)];
        }
        return `waits for ${whole_duration(Math.max(0, now() - instant(accepted_at)))}`;
    }

    octets_card(title, name, { body, fault }) {
        const { task: shown } = this;
        const href = `/api/v1${task_path(shown.number, `/${name}`)}`;
        if (body) {
            return card(title, { class: "octets-card" }, octets_view(name, body, { href }));
        }
        if (fault) {
            return card(
                title,
                {},
                h(
                    "p",
                    { class: "faint" },
                    fault.status === 410 ? `No longer there: ${fault.message}.` : fault.message,
                ),
            );
        }
        if (name === "result") {
            return null; // the timeline says why there is none yet
        }
        if (!has_payload(shown.state)) {
            return card(title, {}, h("p", { class: "faint" }, "It went with the end of the task."));
        }
        return card(title, {}, waiting("Asking for it."));
    }
}

function serves({ kinds, queues, draining }, { kind, queue }) {
    return !draining && kinds.includes(kind) && (queues.length === 0 || queues.includes(queue));
}

function back_link() {
    const back = (event) => {
        const is_plain = !event.ctrlKey && !event.metaKey && !event.shiftKey;
        if (is_plain && go_back()) {
            event.preventDefault();
        }
    };
    const props = { class: "back", href: "/tasks", "data-back": "", onclick: back };
    return h("a", props, can_go_back() ? "Back" : "Tasks");
}

function attempts_words({ attempts, attempts_max }) {
    return h(
        "span",
        { class: "faint" },
        attempts === 0 ? "no attempt yet" : `attempt ${attempts} of ${attempts_max}`,
    );
}

function facts(shown) {
    const rows = [
        [
            "Id",
            h("span", { class: "mono break" }, shown.id, " ", copy_button(shown.id, "", "the id")),
        ],
        [
            "Kind",
            h(
                "a",
                { href: `/tasks?kind=${encodeURIComponent(shown.kind)}`, class: "break" },
                shown.kind,
            ),
        ],
        [
            "Queue",
            h(
                "a",
                { href: `/queues?queue=${encodeURIComponent(shown.queue)}`, class: "break" },
                shown.queue,
            ),
        ],
        ["Priority", String(shown.priority)],
        [
            "Worker",
            shown.worker
                ? h(
                      "a",
                      { href: `/tasks?worker=${encodeURIComponent(shown.worker)}`, class: "break" },
                      shown.worker,
                  )
                : "none yet",
        ],
        ["Accepted", time_fact(shown.accepted_at)],
        shown.due_at ? ["Due", time_fact(shown.due_at)] : null,
        shown.deadline ? ["Deadline", time_fact(shown.deadline)] : null,
        shown.started_at ? ["Last started", time_fact(shown.started_at)] : null,
        shown.finished_at ? ["Ended", time_fact(shown.finished_at)] : null,
        shown.series > 0
            ? ["Retried by hand", `${exact(shown.series)} time${shown.series === 1 ? "" : "s"}`]
            : null,
    ];
    return card(
        "Facts",
        {},
        h(
            "dl",
            { class: "facts tall" },
            rows.filter(Boolean).map(([name, value]) => [h("dt", {}, name), h("dd", {}, value)]),
        ),
    );
}

function time_fact(text) {
    const time = instant(text);
    return [
        h("time", { datetime: text }, date_exact(time)),
        h("span", { class: "faint block" }, since(time)),
    ];
}
