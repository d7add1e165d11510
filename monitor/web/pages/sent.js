// What was submitted from this page, and what became of it.

import { get, get_octets, task_path } from "./api.js";
import { exact } from "./format.js";
import { as_text } from "./octets.js";
import { card, empty, is_final, state_badge, task_link } from "./parts.js";
import { time_of } from "./task_row.js";
import { h } from "./vdom.js";

const followed_max = 20;
const kept_max = 100;
const result_shown_max = 200;

let sent = []; // [{number, task, result}], newest first

// In the order of their acceptance.
export function add_sent(numbers) {
    const added = numbers.map((number) => ({ number, task: null, result: null }));
    sent = [...added.reverse(), ...sent].slice(0, kept_max);
}

// Asks how those are doing that have not ended.
export async function follow_sent() {
    const open = sent.filter(({ task }) => !task || !is_final(task.state)).slice(0, followed_max);
    await Promise.all(
        open.map(async (item) => {
            item.task = await get(task_path(item.number));
            if (item.task.state === "succeeded") {
                item.result = await get_octets(task_path(item.number, "/result")).catch(() => null);
            }
        }),
    );
}

export function sent_list() {
    if (sent.length === 0) {
        return card(
            "Submitted here",
            { class: "sent" },
            empty(
                "Nothing yet",
                h("p", {}, "What you submit appears here and changes as it goes on."),
            ),
        );
    }
    return card(
        "Submitted here",
        { class: "sent" },
        h("p", { class: "unseen", "aria-live": "polite" }, last_ended()),
        h("ul", {}, sent.map(sent_row)),
    );
}

function sent_row({ number, task, result }) {
    return h(
        "li",
        {
            key: number,
            class: "row",
            tabindex: "-1",
            "data-task": number,
            "data-state": task?.state ?? "",
        },
        task_link(number, `#${number}`),
        h("span", { class: "clip strong" }, task?.kind ?? ""),
        task ? state_badge(task.state) : h("span", { class: "faint" }, "accepted"),
        h("span", { class: "figure faint" }, task ? time_of(task) : ""),
        outcome(task, result),
    );
}

function last_ended() {
    const ended = sent.find(({ task }) => task && is_final(task.state));
    return ended ? `Task ${ended.number} ${ended.task.state}` : "";
}

function outcome(task, result) {
    if (task?.error) {
        const { class: error_class, text } = task.error;
        return h(
            "span",
            { class: "sent-outcome clip error-words", title: text },
            h("span", { class: "error-class" }, error_class),
            ` ${text.split("\n", 1)[0]}`,
        );
    }
    if (!result) {
        return null;
    }
    const text = as_text(result.octets);
    return h(
        "code",
        { class: "sent-outcome clip" },
        text === null
            ? `${exact(result.octets.length)} octets`
            : text.slice(0, result_shown_max) || "an empty result",
    );
}
