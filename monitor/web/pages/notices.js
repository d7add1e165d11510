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
let asker = null; // {focused, place}: what had the focus before, and where the button stands
const busy = new Set(); // the ids of those that work

export function close_question() {
    const was_open = asked !== null;
    if (was_open) {
        const id = asked;
        asked = null;
        refresh();
        requestAnimationFrame(() => give_focus_back(id));
    }
    return was_open;
}

// What was asked about is not shown any more.
export function forget_question() {
    asked = null;
    asker = null;
}

// To where it was, else to the button or what stands in its place; not from where it went since.
function give_focus_back(id) {
    if (!asker || (document.activeElement && document.activeElement !== document.body)) {
        return;
    }
    const { focused, place } = asker;
    const is_row = place?.matches(".row");
    const fitting = [
        focused,
        document.querySelector(`[data-action-id="${CSS.escape(id)}"]`),
        is_row ? place : place?.querySelector("button, a"),
        document.querySelector("#main h1"),
    ];
    fitting.find((element) => element?.isConnected)?.focus({ preventScroll: true });
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
    const start = (event) => {
        if (is_busy) {
            return;
        }
        if (question) {
            open_question(id, prepare, event.currentTarget);
        } else {
            work(id, run, label);
        }
    };
    return h(
        "button",
        {
            type: "button",
            key: `action ${id}`,
            class: `${is_main ? "main" : ""} ${is_danger ? "danger" : ""}`,
            "data-action": name,
            "data-action-id": id,
            "data-hot-key": hot_key,
            disabled: is_disabled,
            "aria-disabled": is_busy ? "true" : null, // and keeps the focus
            "aria-busy": is_busy ? "true" : null,
            title: title ?? (hot_key ? `${label} (${hot_key})` : null),
            onclick: start,
        },
        icon_name ? icon(icon_name) : null,
        h("span", {}, label),
    );
}

function open_question(id, prepare, button) {
    const focused = document.activeElement;
    asker = {
        focused: focused === button || focused === document.body ? null : focused,
        place: button.closest(".row, [data-actions]"),
    };
    asked = id;
    prepare?.();
    refresh();
}

function question_box({ id, question, run, name, is_danger, label }) {
    const found = typeof question === "function" ? question() : question;
    const text = found ?? "Counting the tasks that match.";
    const is_careful = is_danger || found === null; // what has the focus is what enter does
    return h(
        "span",
        {
            key: `question ${id}`,
            class: "question",
            role: "group",
            "aria-label": text,
            onkeydown: close_on_escape,
            mount: (box) => box.querySelector("[data-first]").focus(),
        },
        h("span", {}, text),
        h(
            "button",
            {
                type: "button",
                key: found === null ? "not yet" : "yes",
                class: is_danger ? "danger filled" : "main",
                "data-action": `${name}-yes`,
                "data-first": !is_careful,
                disabled: found === null,
                mount: (button) => {
                    // It was counted, and nobody went elsewhere meanwhile.
                    if (!is_careful && button.parentElement.contains(document.activeElement)) {
                        button.focus();
                    }
                },
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
                "data-first": is_careful,
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
    requestAnimationFrame(() => give_focus_back(id));
    try {
        await run();
    } catch (error) {
        say_error(`${label} failed`, error);
    }
    busy.delete(id);
    refresh();
    requestAnimationFrame(() => give_focus_back(id));
}
