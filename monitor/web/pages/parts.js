// The small pieces that several pages are made of.

import {
    ago,
    clock,
    date_exact,
    duration,
    exact,
    now,
    octets,
    short,
    whole_duration,
} from "./format.js";
import { h } from "./vdom.js";
import { icon } from "./icons.js";
import { last_known_at, live } from "./live.js";
import { say } from "./notices.js";

const nearly_full = 0.9;

export const states = [
    "scheduled",
    "blocked",
    "ready",
    "leased",
    "succeeded",
    "dead",
    "cancelled",
    "expired",
];

export function is_final(state) {
    return (
        state === "succeeded" || state === "dead" || state === "cancelled" || state === "expired"
    );
}

// It goes with the end of a task, unless that is dead: then a retry needs it.
export function has_payload(state) {
    return !is_final(state) || state === "dead";
}

// A state is always its word and its colour.
export function state_badge(state) {
    return h(
        "span",
        { class: `state ${state}`, "data-state": state },
        h("i", { class: "dot" }),
        state,
    );
}

export function number(value) {
    const text = short(value);
    return value === null || value === undefined || text === exact(value)
        ? text
        : h("span", { title: exact(value) }, text);
}

export function since(time) {
    return time === null
        ? "–"
        : h("time", { datetime: new Date(time).toISOString(), title: date_exact(time) }, ago(time));
}

export function age(time) {
    return time === null
        ? "–"
        : h(
              "time",
              { datetime: new Date(time).toISOString(), title: date_exact(time) },
              whole_duration(now() - time),
          );
}

export function took(ms) {
    return ms === null || Number.isNaN(ms)
        ? "–"
        : h("span", { title: `${exact(ms)} ms` }, duration(ms));
}

// What a table's head says of a figure, for the rows of a phone, which have no head.
export function phone_label(text) {
    return h("span", { class: "phone-label" }, text);
}

export function task_link(task_number, ...children) {
    return h(
        "a",
        { class: "mono", href: `/tasks/${task_number}` },
        ...(children.length ? children : [`${task_number}`]),
    );
}

export function copy_button(text, label = "Copy", what = "") {
    return h(
        "button",
        {
            type: "button",
            class: "quiet",
            "data-action": "copy",
            "aria-label": what ? `Copy ${what}` : null,
            title: what ? `Copy ${what}` : null,
            onclick: () => copy(text, what),
        },
        icon("copy"),
        label,
    );
}

async function copy(text, what) {
    const is_copied = await write_clipboard(text);
    say(
        is_copied
            ? `Copied${what ? ` ${what}` : ""}.`
            : "This browser does not let the page copy. Select the text instead.",
    );
}

async function write_clipboard(text) {
    try {
        await navigator.clipboard.writeText(text);
        return true;
    } catch {
        return copy_by_selection(text); // browsers offer the clipboard to https and localhost only
    }
}

function copy_by_selection(text) {
    const area = document.createElement("textarea");
    area.value = text;
    area.className = "unseen";
    document.body.append(area);
    area.select();
    const is_copied = document.execCommand("copy");
    area.remove();
    return is_copied;
}

// A command to type, ready to copy.
export function command(text) {
    return h(
        "div",
        { class: "command" },
        h("code", {}, text),
        copy_button(text, "Copy", "the command"),
    );
}

export function empty(title, ...children) {
    return h("div", { class: "empty" }, h("p", { class: "empty-title" }, title), ...children);
}

// Said above figures that may have changed since.
export function last_known() {
    const at = last_known_at();
    return at === null
        ? null
        : h("p", { class: "last-known", "data-last-known": "" }, `Last known, as of ${clock(at)}.`);
}

export function no_broker() {
    return empty(
        "No broker has answered yet",
        h(
            "p",
            {},
            "This page goes on by itself once one does at ",
            h("span", { class: "mono" }, live.now.broker.address),
            ". This starts one:",
        ),
        command("xebec-broker"),
    );
}

const remedies = {
    no_answer:
        "The broker did not answer in time. What it accepted is safe on its disk; workers go on with what they hold. This page tries again by itself.",
    no_monitor:
        "The monitor this page comes from does not answer. This page tries again by itself.",
    forbidden: "This monitor does not allow it from here.",
    busy: "The monitor has more to do than it can. This page tries again by itself.",
};

// What happened, and what can be done about it.
export function trouble(error) {
    return h(
        "div",
        { class: "trouble", role: "alert", "data-error": error.error_class },
        icon("warn"),
        h(
            "div",
            {},
            h("p", {}, error.message),
            remedies[error.error_class]
                ? h("p", { class: "faint" }, remedies[error.error_class])
                : null,
        ),
    );
}

export function waiting(text) {
    return h("p", { class: "waiting faint" }, text);
}

export function card(title, props, ...children) {
    const { aside, ...rest } = props;
    return h(
        "section",
        { ...rest, class: `card ${props.class ?? ""}`, "aria-label": title },
        h(
            "header",
            { class: "card-head" },
            h("h2", {}, title),
            aside ? h("div", { class: "aside" }, aside) : null,
        ),
        ...children,
    );
}

// A few words side by side, one of them chosen.
export function choice(label, options, chosen, choose) {
    return h(
        "div",
        { class: "choice", role: "group", "aria-label": label },
        options.map(({ name, title }) =>
            h(
                "button",
                {
                    type: "button",
                    "aria-pressed": String(name === chosen),
                    "data-choice": name,
                    onclick: () => choose(name),
                },
                title,
            ),
        ),
    );
}

// How busy something is, as a bar with its words.
export function load_meter(label, permille, words = `${Math.round(permille / 10)} %`) {
    return meter(label, permille / 1000, words);
}

// How much is taken of something that must not run out: nearly full is marked.
export function room_meter(label, used, total, words = `${octets(used)} of ${octets(total)}`) {
    const share = total > 0 ? used / total : 0;
    return meter(label, share, words, share > nearly_full ? "high" : "");
}

function meter(label, share, words, level = "") {
    return h(
        "div",
        { class: "meter", title: `${label}: ${words}` },
        h("span", { class: "meter-label" }, label),
        h(
            "span",
            { class: `meter-bar ${level}` },
            h("i", { style: { width: `${(Math.min(1, share) * 100).toFixed(1)}%` } }),
        ),
        h("span", { class: "meter-words" }, words),
    );
}

// A table that stays one to a screen reader when a phone's style makes rows of two lines of it.
// columns: [{name, title, class?, label?}]; a row: {key, props, cells: [node…], after?: node}.
export function table(label, columns, rows, props = {}) {
    return h(
        "table",
        { ...props, role: "table", "aria-label": label },
        h(
            "thead",
            { role: "rowgroup" },
            h(
                "tr",
                { role: "row" },
                ...columns.map((column) =>
                    h(
                        "th",
                        {
                            scope: "col",
                            role: "columnheader",
                            class: column.class,
                            "data-column": column.name,
                            title: column.label ?? null,
                        },
                        column.title,
                    ),
                ),
            ),
        ),
        h(
            "tbody",
            { role: "rowgroup" },
            rows.flatMap((row) => table_row(columns, row)),
        ),
    );
}

function table_row(columns, row) {
    const cells = columns.map((column, index) =>
        h(
            index === 0 ? "th" : "td",
            {
                scope: index === 0 ? "row" : null,
                role: index === 0 ? "rowheader" : "cell",
                class: column.class,
                "data-column": column.name,
            },
            row.cells[index],
        ),
    );
    const made = [
        h(
            "tr",
            {
                role: "row",
                tabindex: "-1",
                ...row.props,
                key: row.key,
                class: `row ${row.props?.class ?? ""}`,
            },
            cells,
        ),
    ];
    if (row.after) {
        made.push(
            h(
                "tr",
                { role: "row", key: `${row.key} after`, class: "row-after" },
                h("td", { role: "cell", colspan: columns.length }, row.after),
            ),
        );
    }
    return made;
}
