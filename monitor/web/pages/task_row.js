// One task as a row: of the list, and of what was just submitted.

import { post, task_path } from "./api.js";
import { duration, exact, instant, now, ran, whole_duration } from "./format.js";
import { h } from "./vdom.js";
import { action, say } from "./notices.js";
import { age, is_final, phone_label, state_badge, task_link } from "./parts.js";

export const task_columns = [
    { name: "number", title: "Number" },
    { name: "state", title: "State" },
    { name: "kind", title: "Kind" },
    { name: "queue", title: "Queue" },
    { name: "attempts", title: "Attempts", class: "figure" },
    { name: "worker", title: "Worker" },
    { name: "time", title: "Time", class: "figure", label: "How long it ran, or waits" },
    { name: "age", title: "Age", class: "figure" },
    { name: "error", title: "Error" },
    { name: "act", title: h("span", { class: "unseen" }, "Actions") },
];

export function task_row(task, { list, is_read_only }) {
    const { error } = task;
    return {
        key: task.number,
        props: {
            "data-task": task.number,
            "data-state": task.state,
            class: list.gone.has(task.number) ? "is-gone" : "",
            title: list.gone.has(task.number) ? "No longer among these" : null,
        },
        cells: [
            task_link(task.number),
            state_badge(task.state),
            h("span", { class: "clip strong", title: task.kind }, task.kind),
            h("span", { class: "clip", title: task.queue }, task.queue),
            h(
                "span",
                { class: task.attempts > 1 ? "" : "faint" },
                `${task.attempts}/${task.attempts_max}`,
            ),
            h("span", { class: "clip faint", title: task.worker }, task.worker ?? "–"),
            time_of(task),
            [age(instant(task.accepted_at)), phone_label(" old")],
            error
                ? h(
                      "span",
                      { class: "clip error-words", title: error.text },
                      h("span", { class: "error-class" }, error.class),
                      ` ${error.text.split("\n", 1)[0]}`,
                  )
                : "",
            is_read_only ? "" : task_actions(task, (changed) => list.replace(changed), true),
        ],
    };
}

// What its time is spent on: run, running, waiting or not due yet.
export function time_of(task) {
    const started = instant(task.started_at);
    const finished = instant(task.finished_at);
    if (task.state === "leased" && started !== null) {
        return h(
            "span",
            { class: "is-live", title: "runs for so long" },
            phone_label("runs "),
            duration(Math.max(0, now() - started)),
        );
    }
    if (task.state === "scheduled" && task.due_at) {
        const left = instant(task.due_at) - now();
        return h(
            "span",
            { title: `due at ${task.due_at}` },
            left > 0 ? `in ${whole_duration(left)}` : "due",
        );
    }
    if (task.state === "ready") {
        const from = Math.max(instant(task.accepted_at), instant(task.due_at) ?? 0);
        return h(
            "span",
            { title: "waits for so long" },
            `waits ${whole_duration(Math.max(0, now() - from))}`,
        );
    }
    // Others may have ended while they waited.
    const is_run = task.state === "succeeded" || task.state === "dead";
    if (is_run && finished !== null && started !== null && finished >= started) {
        return h(
            "span",
            { title: `ran for ${exact(finished - started)} ms` },
            phone_label("ran "),
            ran(finished - started),
        );
    }
    return "–";
}

export function task_actions(task, changed, is_small = false) {
    const key = task.number;
    if (task.state === "dead") {
        return action({
            id: `retry ${key}`,
            label: "Retry",
            name: "retry",
            icon_name: "retry",
            hot_key: "R",
            is_main: !is_small,
            question: "Give it new attempts?",
            run: async () => {
                changed(await post(task_path(key, "/retry")));
                say(`Task ${key} has new attempts.`);
            },
        });
    }
    if (is_final(task.state)) {
        return "";
    }
    return action({
        id: `cancel ${key}`,
        label: "Cancel",
        name: "cancel",
        icon_name: "close",
        hot_key: "C",
        is_danger: true,
        question: task.state === "leased" ? "End it while it runs?" : "Cancel it for good?",
        run: async () => {
            changed(await post(task_path(key, "/cancel")));
            say(`Task ${key} is cancelled.`);
        },
    });
}
