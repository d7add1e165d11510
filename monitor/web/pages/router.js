// Which page is shown: from the path, with its filters in the query. Pages are plain objects:
// {name, title, start(context)}, and start answers {view(), stop?(), query_changed?()}.

import { forget_question } from "./notices.js";
import { render } from "./vdom.js";
import { live, on_live } from "./live.js";

let find_page = null;
let root = null;
let shown = null; // {page, key, instance, context}
let is_due = false;

export function start_router(element, finder) {
    root = element;
    find_page = finder;
    addEventListener("popstate", show);
    document.addEventListener("click", follow);
    on_live(refresh);
    show();
}

export function current_page() {
    return shown?.page.name ?? "";
}

function follow(event) {
    open_row(event);
    const link = event.target.closest?.("a[href]");
    const is_plain =
        event.button === 0 && !event.metaKey && !event.ctrlKey && !event.shiftKey && !event.altKey;
    if (
        !link ||
        !is_plain ||
        event.defaultPrevented ||
        link.target ||
        link.hasAttribute("download")
    ) {
        return;
    }
    const href = link.getAttribute("href");
    if (href.startsWith("/") && !href.startsWith("/api/") && !href.startsWith("/assets/")) {
        event.preventDefault();
        go(href);
    }
}

// A click beside the links and buttons of a row means the row.
function open_row(event) {
    const row = event.target.closest?.("#main tr.row");
    if (row && !event.target.closest("a, button, input, .question") && getSelection().isCollapsed) {
        row.querySelector("[data-open], a[href]")?.click();
    }
}

// How many steps back the dashboard began.
function depth() {
    return history.state?.depth ?? 0;
}

// To where one came from within the dashboard; false where there is no such place.
export function go_back() {
    if (!can_go_back()) {
        return false;
    }
    history.back();
    return true;
}

export function can_go_back() {
    return depth() > 0;
}

export function go(address, { replace = false } = {}) {
    if (address === location.pathname + location.search) {
        return;
    }
    if (replace) {
        history.replaceState(history.state, "", address);
    } else {
        history.pushState({ depth: depth() + 1 }, "", address);
    }
    show();
}

// The page that the address names. Its heading has the focus then, so that it is announced.
function show() {
    const { page, key } = find_page(location.pathname);
    forget_question();
    if (shown && shown.page === page && shown.key === key) {
        shown.context.query = new URLSearchParams(location.search);
        shown.instance?.query_changed?.(); // none: it just starts, and sets its filters
        refresh();
        if (document.activeElement === document.body) {
            focus_heading(); // as after a search
        }
        return;
    }
    const is_first = shown === null;
    leave();
    const context = new Context(key);
    shown = { page, key, context, instance: null };
    shown.instance = page.start(context);
    show_title();
    document.body.dataset.page = page.name;
    render(root, shown.instance.view());
    if (!is_first) {
        focus_heading();
    }
    scrollTo(0, 0);
    dispatchEvent(new Event("page-shown"));
}

function focus_heading() {
    const heading = root.querySelector("h1") ?? root;
    heading.setAttribute("tabindex", "-1");
    heading.focus({ preventScroll: true });
}

// A page that comes to know more may have another heading.
function draw() {
    const is_heading = document.activeElement?.matches("#main h1");
    render(root, shown.instance.view());
    if (is_heading && document.activeElement === document.body) {
        focus_heading();
    }
}

// What needs a look is counted in the title: a tab that is not in front tells it too.
function show_title() {
    const found = live.now?.findings.length ?? 0;
    const title = `${found > 0 ? `(${found}) ` : ""}${shown.page.title(shown.key)} · xebec`;
    if (document.title !== title) {
        document.title = title;
    }
}

function leave() {
    if (shown) {
        shown.instance.stop?.();
        shown.context.stop();
        render(root);
    }
}

// Draws what changed, once, at the next frame.
export function refresh() {
    if (is_due) {
        return;
    }
    is_due = true;
    requestAnimationFrame(() => {
        is_due = false;
        if (shown?.instance) {
            draw();
            show_title();
        }
    });
}

// What a page may use of the world around it.
class Context {
    constructor(key) {
        this.key = key;
        this.query = new URLSearchParams(location.search);
        this.timers = new Set();
        this.is_stopped = false;
    }

    // Sets the filters named in `changes` (empty: takes them out) and lets the others be.
    set_query(changes, options) {
        const query = new URLSearchParams(location.search);
        for (const [name, value] of Object.entries(changes)) {
            if (value === "" || value === null || value === undefined) {
                query.delete(name);
            } else {
                query.set(name, value);
            }
        }
        const text = query.toString().replaceAll("%2C", ",");
        go(location.pathname + (text === "" ? "" : `?${text}`), options);
    }

    // Calls `work` now and then every `ms`, one at a time; not while hidden or paused. Answers
    // with a function that makes it due at once; its `stop` ends it before the page does.
    poll(ms, work) {
        const state = { timer: null, is_busy: false, is_wanted: false, is_stopped: false };
        const run = async (is_asked) => {
            clearTimeout(state.timer);
            if (this.is_stopped || state.is_stopped) {
                return;
            }
            if (state.is_busy) {
                state.is_wanted ||= is_asked;
                return;
            }
            if (is_asked || (document.visibilityState === "visible" && !live.is_paused)) {
                state.is_busy = true;
                await work().catch((error) => console.warn(error.message));
                state.is_busy = false;
                refresh();
            }
            const is_again = state.is_wanted;
            state.is_wanted = false;
            if (!this.is_stopped && !state.is_stopped) {
                state.timer = setTimeout(() => run(is_again), is_again ? 0 : ms);
                this.timers.add(state);
            }
        };
        run(true);
        const now_due = () => run(true);
        now_due.stop = () => {
            state.is_stopped = true;
            clearTimeout(state.timer);
        };
        return now_due;
    }

    stop() {
        this.is_stopped = true;
        for (const state of this.timers) {
            clearTimeout(state.timer);
        }
    }
}
