// The sheet that lists the keys.

import { h, render } from "./vdom.js";
import { icon } from "./icons.js";

const groups = [
    [
        "Go to",
        [
            ["g o", "Overview"],
            ["g q", "Queues"],
            ["g w", "Workers"],
            ["g t", "Tasks"],
            ["g s", "Submit"],
            ["g l", "the newest task"],
        ],
    ],
    [
        "Find",
        [
            ["/", "search"],
            ["j  k", "next, previous row"],
            ["enter", "open the row"],
            ["esc", "close, or go back"],
        ],
    ],
    [
        "Act",
        [
            ["R", "retry; asks first"],
            ["C", "cancel; asks first"],
            ["D", "drain the worker; asks first"],
            ["P", "pause or resume the queue, with an undo"],
        ],
    ],
    [
        "Look",
        [
            ["p", "pause live updates"],
            ["t", "theme: system, light, dark"],
            ["?", "this sheet"],
        ],
    ],
];

const searches = [
    ["4711", "the task with that number"],
    ["01a222fc", "ids that begin so"],
    ["thumbnail", "a kind, queue, worker or state known by that name"],
    ["anything else", "errors that contain it"],
    ["queue:mail state:dead error:smtp", "several at once"],
];

let is_open = false;
let focus_before = null;

export function toggle_help() {
    is_open = !is_open;
    if (is_open) {
        focus_before = document.activeElement;
    }
    render(document.getElementById("sheet"), is_open ? sheet() : null);
    if (!is_open) {
        focus_before?.focus?.();
    }
}

export function close_help() {
    const was_open = is_open;
    if (was_open) {
        toggle_help();
    }
    return was_open;
}

function sheet() {
    return h(
        "div",
        {
            class: "sheet-back",
            onclick: (event) => {
                if (event.target === event.currentTarget) toggle_help();
            },
        },
        h(
            "section",
            {
                class: "sheet",
                role: "dialog",
                "aria-modal": "true",
                "aria-label": "Keys and help",
                tabindex: "-1",
                onkeydown: keep_focus,
                mount: (element) => requestAnimationFrame(() => element.focus()),
            },
            h(
                "div",
                { class: "card-head" },
                h("h2", {}, "Keys"),
                h(
                    "button",
                    { type: "button", class: "quiet", "aria-label": "Close", onclick: toggle_help },
                    icon("close"),
                ),
            ),
            h(
                "div",
                { class: "sheet-groups" },
                groups.map(([title, keys]) =>
                    h(
                        "div",
                        {},
                        h("h3", {}, title),
                        h(
                            "dl",
                            {},
                            keys.map(([key, words]) => [
                                h(
                                    "dt",
                                    {},
                                    key
                                        .split(" ")
                                        .filter(Boolean)
                                        .map((one) => h("kbd", {}, one)),
                                ),
                                h("dd", {}, words),
                            ]),
                        ),
                    ),
                ),
            ),
            h("h3", {}, "The search box understands"),
            h(
                "dl",
                { class: "searches" },
                searches.map(([text, words]) => [
                    h("dt", { class: "mono" }, text),
                    h("dd", {}, words),
                ]),
            ),
        ),
    );
}

// The sheet has one button: what lies behind it is not reached while it is open.
function keep_focus(event) {
    if (event.key === "Tab") {
        event.preventDefault();
        event.currentTarget.querySelector("button").focus();
    }
}
