// The keyboard: g and a letter for pages, rows by j and k, capital letters for what acts.

import { close_help, toggle_help } from "./help.js";
import { live, set_paused } from "./live.js";
import { close_question } from "./notices.js";
import { go } from "./router.js";
import { focus_search } from "./search.js";
import { next_theme } from "./theme.js";

const prefix_ms = 1200;
const places = { o: "/", q: "/queues", w: "/workers", t: "/tasks", s: "/submit", l: "/tasks/last" };
let prefix_at = -Infinity;

export function start_keys() {
    document.addEventListener("keydown", (event) => {
        if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing) {
            return;
        }
        const is_typing = event.target.closest?.("input, textarea, select, [contenteditable]");
        if (event.key === "Escape" ? escape(event) : !is_typing && press(event)) {
            event.preventDefault();
        }
    });
}

function press(event) {
    if (performance.now() - prefix_at < prefix_ms) {
        prefix_at = -Infinity;
        return event.key in places ? (go(places[event.key]), true) : false;
    }
    switch (event.key) {
        case "g":
            prefix_at = performance.now();
            return true;
        case "/":
            focus_search();
            return true;
        case "?":
            toggle_help();
            return true;
        case "p":
            set_paused(!live.is_paused);
            return true;
        case "t":
            next_theme();
            return true;
        case "j":
            return step(1);
        case "k":
            return step(-1);
        case "ArrowDown":
            return in_rows() && step(1);
        case "ArrowUp":
            return in_rows() && step(-1);
        case "Enter":
            return open(event);
        default:
            return act(event.key);
    }
}

function escape(event) {
    if (close_help() || close_question()) {
        return true;
    }
    if (event.target.matches?.("input, textarea, select")) {
        event.target.blur();
        return true;
    }
    const back = document.querySelector("[data-back]");
    if (back) {
        back.click();
        return true;
    }
    return false;
}

function rows() {
    return [...document.querySelectorAll("#main .row")].filter((row) => row.offsetParent !== null);
}

function selected() {
    return document.activeElement?.closest?.("#main .row") ?? null;
}

function in_rows() {
    return document.activeElement?.matches?.("#main .row") ?? false;
}

function step(by) {
    const all = rows();
    if (all.length === 0) {
        return false;
    }
    const at = all.indexOf(selected());
    const next =
        all[
            at < 0 ? (by > 0 ? 0 : all.length - 1) : Math.min(all.length - 1, Math.max(0, at + by))
        ];
    next.focus();
    next.scrollIntoView({ block: "nearest" });
    return true;
}

function open(event) {
    if (!event.target.matches?.("#main .row")) {
        return false; // a button or link: enter is its own
    }
    const question = event.target.querySelector(".question [data-first]");
    if (question) {
        question.focus(); // it is asked for its answer, not opened
        return true;
    }
    event.target.querySelector("[data-open], a[href]")?.click();
    return true;
}

// A capital letter presses the button that carries it: in the selected row first, else on the page.
function act(key) {
    if (!/^[A-Z]$/.test(key)) {
        return false;
    }
    const row = selected();
    const after = row?.nextElementSibling?.matches(".row-after") ? row.nextElementSibling : null;
    const within = [row, after, document.querySelector("#main [data-actions]")];
    for (const place of within) {
        const button = place?.querySelector(`[data-hot-key="${key}"]`);
        if (button?.offsetParent) {
            // Rows of a narrow window have none, and what is not seen must not ask.
            button.click();
            return true;
        }
    }
    return false;
}
