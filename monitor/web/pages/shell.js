// The frame around every page: the rail, the top with the state of things, and the banner that
// says what is away.

import { get } from "./api.js";
import { clock, exact, short, whole_duration } from "./format.js";
import { h, render } from "./vdom.js";
import { icon } from "./icons.js";
import { toggle_help } from "./help.js";
import { live, on_live, reconnect, set_paused, was_never_a_broker } from "./live.js";
import { current_page } from "./router.js";
import { draw_search } from "./search.js";
import { is_signed_in, is_token_asked, sign_out } from "./session.js";
import { next_theme, on_theme, theme } from "./theme.js";

const links = [
    { page: "overview", href: "/", title: "Overview", hot_key: "g o" },
    { page: "queues", href: "/queues", title: "Queues", hot_key: "g q" },
    { page: "workers", href: "/workers", title: "Workers", hot_key: "g w" },
    { page: "tasks", href: "/tasks", title: "Tasks", hot_key: "g t" },
    { page: "submit", href: "/submit", title: "Submit", hot_key: "g s" },
];

export function start_shell() {
    on_live(draw);
    on_live(probe);
    on_theme(draw);
    addEventListener("page-shown", draw);
    setInterval(() => {
        if (live.is_open === false) draw();
    }, 1000);
    draw();
}

function draw() {
    render(document.getElementById("rail"), rail());
    render(document.getElementById("top"), ...top());
    draw_search(document.getElementById("search"));
    if (!document.querySelector("#banner .session")) {
        render(document.getElementById("banner"), banner());
    }
}

function counts() {
    const { now } = live;
    if (!now || was_never_a_broker()) {
        return {};
    }
    const { tasks } = now;
    return {
        queues: now.queues.length,
        workers: now.workers,
        tasks: tasks.scheduled + tasks.blocked + tasks.ready + tasks.leased,
    };
}

function rail() {
    const at = current_page() === "task" ? "tasks" : current_page();
    const shown = counts();
    const all = links.filter((link) => link.page !== "submit" || !live.now?.read_only);
    return [
        h(
            "a",
            { class: "brand", href: "/", "aria-label": "xebec, overview" },
            h("img", { src: "/assets/icon.svg", alt: "", width: 24, height: 24 }),
            h("span", {}, "xebec"),
        ),
        h(
            "ul",
            {},
            all.map((link) =>
                h(
                    "li",
                    { key: link.page },
                    h(
                        "a",
                        {
                            href: link.href,
                            "data-nav": link.page,
                            "aria-current": at === link.page ? "page" : null,
                            title: `${link.title} (${link.hot_key})`,
                        },
                        icon(link.page),
                        h("span", { class: "rail-title" }, link.title),
                        shown[link.page] === undefined
                            ? null
                            : h(
                                  "span",
                                  {
                                      class: "rail-count",
                                      title: count_title(link.page, shown[link.page]),
                                  },
                                  short(shown[link.page]),
                              ),
                    ),
                ),
            ),
        ),
        h(
            "div",
            { class: "rail-foot" },
            broker_facts(),
            is_signed_in()
                ? h(
                      "button",
                      {
                          type: "button",
                          class: "quiet",
                          "data-action": "sign-out",
                          onclick: sign_out,
                      },
                      "Sign out",
                  )
                : null,
        ),
    ];
}

function count_title(page, count) {
    return page === "tasks" ? `${exact(count)} tasks not finished` : `${exact(count)} ${page}`;
}

function broker_facts() {
    const broker = live.now?.broker;
    if (!broker) {
        return null;
    }
    return h(
        "dl",
        {},
        h("dt", {}, "Broker"),
        h("dd", { class: "mono", title: broker.address }, broker.address.replace(/^tcp:\/\//, "")),
        broker.state === "connected"
            ? [
                  h("dt", {}, "Up for"),
                  h(
                      "dd",
                      { title: `boot epoch ${broker.epoch}` },
                      whole_duration(broker.uptime_ms),
                  ),
              ]
            : null,
    );
}

function top() {
    const chosen = theme();
    return [
        broker_state(),
        h("div", { id: "search", opaque: true, role: "search" }),
        h(
            "div",
            { class: "tools" },
            live.now?.read_only
                ? h(
                      "span",
                      {
                          class: "tag",
                          "data-read-only": "",
                          title: "This monitor was started with --read-only",
                      },
                      "read only",
                  )
                : null,
            tool(
                live.is_paused ? "play" : "pause",
                live.is_paused ? "Go on with live updates (p)" : "Pause live updates (p)",
                "pause-live",
                () => set_paused(!live.is_paused),
                live.is_paused,
            ),
            tool(chosen, `Theme: ${chosen}`, "theme", next_theme),
            tool("help", "Keys and help (?)", "help", toggle_help),
            is_signed_in()
                ? tool("leave", "Sign out", "sign-out-here", sign_out, undefined, "only-phone")
                : null, // a phone has no room for it beneath the pages
        ),
    ];
}

function tool(icon_name, label, name, onclick, is_pressed, extra = "") {
    return h(
        "button",
        {
            type: "button",
            class: `tool ${extra}`,
            "aria-label": label,
            title: label,
            "data-action": name,
            onclick,
            "aria-pressed": is_pressed === undefined ? null : String(is_pressed),
        },
        icon(icon_name),
    );
}

function broker_state() {
    const { level, words } = state_words();
    return h(
        "div",
        {
            class: `broker-state ${level} ${live.is_paused && live.is_open ? "is-paused" : ""}`,
            "data-broker": level,
        },
        h("i", { class: "dot" }),
        h("span", { "aria-hidden": "true" }, words),
        h(
            "span",
            { class: "unseen", role: "status" },
            `Broker: ${words.replace(/ (for|at) .*/, "")}`,
        ),
    ); // not with every second
}

function state_words() {
    if (is_token_asked()) {
        return { level: "unknown", words: "signed out" };
    }
    if (live.is_open === false) {
        return live.is_full
            ? { level: "warn", words: "no room" }
            : { level: "bad", words: "monitor away" };
    }
    if (!live.now) {
        return { level: "unknown", words: "connecting" };
    }
    if (live.is_paused) {
        return { level: "warn", words: `paused at ${clock(live.now.time)}` };
    }
    const { state, silent_ms } = live.now.broker;
    if (state === "connected") {
        return { level: "good", words: "connected" };
    }
    return state === "silent"
        ? { level: "warn", words: `silent for ${whole_duration(Math.max(1000, silent_ms))}` }
        : { level: "bad", words: "no broker" };
}

function banner() {
    if (live.is_open === false) {
        return h(
            "div",
            {
                key: "monitor",
                class: "banner bad",
                role: "region",
                "aria-label": "Connection",
                "data-banner": "monitor",
            },
            icon("warn"),
            h(
                "p",
                { role: "alert" },
                h(
                    "strong",
                    {},
                    live.is_full
                        ? "Too many dashboards, or other requests, are open. "
                        : "The monitor does not answer. ",
                ),
                live.now ? `What you see is of ${clock(live.now.time)}. ` : "",
                live.is_full
                    ? "This one goes on by itself once another is closed."
                    : "Broker and workers go on without it.",
            ),
            h("button", { type: "button", onclick: reconnect }, `Try now${retry_words()}`),
        );
    }
    const broker = live.now?.broker;
    if (!broker || broker.state === "connected" || live.is_paused) {
        return null;
    }
    const silent = whole_duration(Math.max(1000, broker.silent_ms));
    const [first, rest] = was_never_a_broker()
        ? ["No broker has answered yet. ", "This page goes on by itself once one does at "]
        : [
              `The broker has been silent for ${silent}. `,
              "What it accepted is on its disk; workers finish what they hold and tell it later. ",
          ];
    return h(
        "div",
        {
            key: "broker",
            class: "banner warn",
            role: "region",
            "aria-label": "Connection",
            "data-banner": "broker",
        },
        icon("warn"),
        h(
            "p",
            {},
            h("strong", {}, first),
            rest,
            h("span", { class: "mono" }, broker.address),
        ),
    );
}

function retry_words() {
    const left = Math.ceil(((live.retry_at ?? 0) - Date.now()) / 1000);
    return left > 0 ? ` (again in ${left} s)` : "";
}

let is_probed = false;

// A stream that is refused does not say why: a plain request finds out whether a token is missing.
function probe() {
    if (live.is_open === false && !is_probed) {
        is_probed = true;
        get("/stats").catch(() => {});
    } else if (live.is_open) {
        is_probed = false;
    }
}
