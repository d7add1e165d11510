// The one search box: understands what was typed and offers what it may mean, the likeliest first.

import { h, render } from "./vdom.js";
import { icon } from "./icons.js";
import { live } from "./live.js";
import { go } from "./router.js";
import { states } from "./parts.js";
import { query_text } from "./api.js";

const offers_max = 7;
const filter_names = ["queue", "kind", "worker", "state", "error", "id_prefix"];
let host = null;
let text = "";
let is_open = false;
let chosen = 0;
let known_workers = [];

// Pages that know workers by name lend the names.
export function lend_workers(names) {
    known_workers = names;
}

export function draw_search(element) {
    host = element ?? host;
    if (host) {
        render(host, box());
    }
}

export function focus_search() {
    const input = host?.querySelector("input");
    input?.focus();
    input?.select();
}

// [{words, about, href}], the likeliest first.
export function understand(typed) {
    const value = typed.trim();
    if (value === "") {
        return [];
    }
    const named = named_filters(value);
    if (named) {
        return [
            { words: value, about: "tasks with all of these", href: `/tasks${query_text(named)}` },
        ];
    }
    const offers = [];
    const add = (words, about, href) => offers.push({ words, about, href });
    const plain_number = value.match(/^#?(\d{1,19})$/);
    if (plain_number) {
        add(`#${plain_number[1]}`, "open the task", `/tasks/${plain_number[1]}`);
    }
    const hexadecimal = value.replaceAll("-", "").toLowerCase();
    if (/^[0-9a-f]{4,32}$/.test(hexadecimal)) {
        if (hexadecimal.length === 32) {
            add(value, "open the task with this id", `/tasks/${value}`);
        } else {
            add(
                `${value}…`,
                "tasks whose id begins so",
                `/tasks${query_text({ id_prefix: hexadecimal })}`,
            );
        }
    }
    add_known(value.toLowerCase(), add);
    if (!plain_number) {
        add(`“${value}”`, "tasks whose error says so", `/tasks${query_text({ error: value })}`);
    }
    return offers.slice(0, offers_max);
}

function add_known(value, add) {
    const names = [
        ["state", states],
        ["queue", (live.now?.queues ?? []).map((queue) => queue.name)],
        ["kind", live.now?.kinds ?? []],
        ["worker", known_workers],
    ];
    const found = names.flatMap(([filter, all]) =>
        all
            .filter(
                (name) =>
                    name.toLowerCase().startsWith(value) ||
                    (value.length > 2 && name.toLowerCase().includes(value)),
            )
            .map((name) => ({ filter, name, is_exact: name.toLowerCase() === value })),
    );
    found.sort((a, b) => b.is_exact - a.is_exact);
    for (const { filter, name } of found) {
        add(
            name,
            `tasks of this ${filter}`.replace("of this state", "in this state"),
            `/tasks${query_text({ [filter]: name })}`,
        );
    }
}

// {queue: "mail", state: "dead"} of "queue:mail state:dead"; null where it is not of that form.
function named_filters(value) {
    const filters = {};
    let last = null;
    for (const word of value.split(/\s+/)) {
        const parts = word.match(/^([a-z_]+):(.*)$/);
        if (parts && filter_names.includes(parts[1])) {
            last = parts[1];
            filters[last] = parts[2];
        } else if (last === "error") {
            filters.error += ` ${word}`; // an error may have several words
        } else {
            return null;
        }
    }
    return last ? filters : null;
}

function box() {
    const offers = is_open ? understand(text) : [];
    chosen = Math.min(chosen, Math.max(0, offers.length - 1));
    return h(
        "div",
        { class: "search" },
        icon("search"),
        h("input", {
            type: "text",
            role: "combobox",
            autocomplete: "off",
            spellcheck: "false",
            enterkeyhint: "search",
            "aria-label": "Search tasks by number, id, kind, queue, worker, state or error",
            "aria-expanded": String(offers.length > 0),
            "aria-controls": "search-offers",
            "aria-autocomplete": "list",
            "aria-activedescendant": offers.length ? `search-offer-${chosen}` : null,
            placeholder: "Number, id, kind or error",
            "data-search": "",
            oninput: (event) => {
                text = event.target.value;
                is_open = true;
                chosen = 0;
                draw_search();
            },
            onfocus: () => {
                is_open = true;
                draw_search();
            },
            onblur: () => {
                is_open = false;
                draw_search();
            },
            onkeydown: press,
        }),
        h("kbd", { "aria-hidden": "true" }, "/"),
        h(
            "ul",
            {
                id: "search-offers",
                role: "listbox",
                "aria-label": "What it may mean",
                hidden: offers.length === 0,
            },
            offers.map((offer, index) =>
                h(
                    "li",
                    {
                        id: `search-offer-${index}`,
                        role: "option",
                        "aria-selected": String(index === chosen),
                        onmousedown: (event) => {
                            event.preventDefault();
                            take(offer);
                        },
                    },
                    h("span", { class: "offer-words" }, offer.words),
                    h("span", { class: "faint" }, offer.about),
                ),
            ),
        ),
    );
}

function press(event) {
    const offers = understand(text);
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step && offers.length) {
        event.preventDefault();
        chosen = (chosen + step + offers.length) % offers.length;
        draw_search();
    } else if (event.key === "Enter" && offers.length) {
        event.preventDefault();
        take(offers[chosen]);
    }
}

function take(offer) {
    text = "";
    is_open = false;
    const input = host.querySelector("input");
    input.value = "";
    input.blur();
    draw_search();
    go(offer.href);
}
