// Sentences instead of dialogs: what was done, with an undo where there is one, and questions in
// the place of the button that asked.

import { h, render } from "./vdom.js";
import { icon } from "./icons.js";
import { refresh } from "./router.js";

const shown_ms = 7000;
let notices = [];
let last_id = 0;

// Says one sentence at the bottom of the page; `undo` is a function that takes it back.
export function say(text, { undo = null, is_bad = false } = {}) {
    const notice = { id: ++last_id, text, undo, is_bad };
    notices = [...notices.slice(-2), notice];
    setTimeout(() => drop(notice), is_bad ? 2 * shown_ms : shown_ms);
    draw();
}

export function say_error(what, error) {
    say(`${what}: ${error.message}`, { is_bad: true });
}

function drop(notice) {
    notices = notices.filter((other) => other !== notice);
    draw();
}

function draw() {
    render(
        document.getElementById("notices"),
        notices.map((notice) =>
            h(
                "div",
                {
                    key: notice.id,
                    class: `notice ${notice.is_bad ? "is-bad" : ""}`,
                    role: notice.is_bad ? "alert" : "status",
                },
                h("span", {}, notice.text),
                notice.undo
                    ? h(
                          "button",
                          { type: "button", "data-action": "undo", onclick: () => undo(notice) },
                          "Undo",
                      )
                    : null,
                h(
                    "button",
                    {
                        type: "button",
                        class: "quiet",
                        "aria-label": "Close",
                        onclick: () => drop(notice),
                    },
                    icon("close"),
                ),
            ),
        ),
    );
}

async function undo(notice) {
    drop(notice);
    try {
        await notice.undo();
    } catch (error) {
        say_error("Not undone", error);
    }
    refresh();
}

let asked = null; // the id of the button whose question is open
const busy = new Set(); // the ids of those that work

export function close_question() {
    const was_open = asked !== null;
    asked = null;
    if (was_open) {
        refresh();
    }
    return was_open;
}

// A button that does something. With `question` it asks first, where it stands: a text, or a
// function that answers with one, or with null while it does not know how many tasks are meant.
// `prepare` is called when the question opens.
export function action({
    id,
    label,
    name,
    icon_name,
    hot_key,
    question,
    prepare,
    run,
    is_danger,
    is_main,
    is_disabled,
    title,
}) {
    if (asked === id) {
        return question_box({ id, question, run, name, is_danger, label });
    }
    const is_busy = busy.has(id);
    const start = () => (question ? open_question(id, prepare) : work(id, run, label));
    return h(
        "button",
        {
            type: "button",
            key: `action ${id}`,
            class: `${is_main ? "main" : ""} ${is_danger ? "danger" : ""}`,
            "data-action": name,
            "data-hot-key": hot_key,
            disabled: is_busy || is_disabled,
            "aria-busy": is_busy ? "true" : null,
            title: title ?? (hot_key ? `${label} (${hot_key})` : null),
            onclick: start,
        },
        icon_name ? icon(icon_name) : null,
        h("span", {}, label),
    );
}

function open_question(id, prepare) {
    asked = id;
    prepare?.();
    refresh();
}

function question_box({ id, question, run, name, is_danger, label }) {
    const found = typeof question === "function" ? question() : question;
    const text = found ?? "Counting the tasks that match.";
    return h(
        "span",
        {
            key: `question ${id}`,
            class: "question",
            role: "group",
            "aria-label": text,
            onkeydown: close_on_escape,
        },
        h("span", {}, text),
        h(
            "button",
            {
                type: "button",
                class: is_danger ? "danger filled" : "main",
                "data-action": `${name}-yes`,
                disabled: found === null,
                mount: (element) => element.focus(),
                onclick: () => {
                    asked = null;
                    work(id, run, label);
                },
            },
            label,
        ),
        h(
            "button",
            {
                type: "button",
                class: "quiet",
                "data-action": `${name}-no`,
                onclick: close_question,
            },
            "No",
        ),
    );
}

function close_on_escape(event) {
    if (event.key === "Escape") {
        event.stopPropagation();
        close_question();
    }
}

async function work(id, run, label) {
    busy.add(id);
    refresh();
    try {
        await run();
    } catch (error) {
        say_error(`${label} failed`, error);
    }
    busy.delete(id);
    refresh();
}
