// The settings of a queue as a form: durations as people write them, only what changed is sent.

import { patch } from "./api.js";
import { h } from "./vdom.js";
import { refresh } from "./router.js";
import { say } from "./notices.js";

const fields = [
    { name: "attempts", title: "Attempts", about: "tries before a task is dead" },
    { name: "lease_ms", title: "Lease", about: "a silent worker's task goes back after it" },
    { name: "run_max_ms", title: "Run at most", about: "an attempt may last so long" },
    { name: "pause_first_ms", title: "First pause", about: "before the first retry; doubles" },
    { name: "pause_max_ms", title: "Longest pause", about: "between two attempts" },
    { name: "retention_ms", title: "Keep", about: "ended tasks, for so long" },
    { name: "tasks_max", title: "Most tasks", about: "more are refused; 0: no limit" },
];

const units = { ms: 1, s: 1000, m: 60_000, min: 60_000, h: 3_600_000, d: 86_400_000 };

// "1h 30m" or "250 ms" as milliseconds; null where it is not a duration.
export function parse_duration(text) {
    const parts = [...text.trim().matchAll(/(\d+(?:\.\d+)?)\s*(ms|s|min|m|h|d)\s*/g)];
    const is_whole = parts.map((part) => part[0]).join("") === text.trim();
    return parts.length > 0 && is_whole
        ? Math.round(parts.reduce((sum, [, value, unit]) => sum + value * units[unit], 0))
        : null;
}

export function write_duration(ms) {
    for (const [unit, size] of [
        ["d", 86_400_000],
        ["h", 3_600_000],
        ["m", 60_000],
        ["s", 1000],
    ]) {
        if (ms >= size && ms % size === 0) {
            return `${ms / size}${unit}`;
        }
    }
    return `${ms}ms`;
}

function write(name, value) {
    if (value === null) {
        return ""; // as the broker has it
    }
    return name.endsWith("_ms") ? write_duration(value) : String(value);
}

function parse(name, text) {
    return name.endsWith("_ms")
        ? parse_duration(text)
        : /^\d+$/.test(text.trim())
          ? Number(text.trim())
          : null;
}

const faults = new Map(); // queue name -> {field, text}

export function settings_form(queue, { is_read_only, saved }) {
    const fault = faults.get(queue.name);
    return h(
        "form",
        {
            class: "settings",
            key: `settings ${queue.name}`,
            "data-action": "settings",
            onsubmit: (event) => save(event, queue, saved),
        },
        fields
            .filter(({ name }) => name in queue.settings)
            .map(({ name, title, about }) =>
                h(
                    "label",
                    { key: name, class: fault?.field === name ? "is-wrong" : "" },
                    h("span", {}, title),
                    h("input", {
                        name,
                        type: "text",
                        autocomplete: "off",
                        inputmode: name.endsWith("_ms") ? "text" : "numeric",
                        value: write(name, queue.settings[name]),
                        disabled: is_read_only,
                        "aria-describedby": `${queue.name}-${name}`,
                    }),
                    h(
                        "small",
                        { id: `${queue.name}-${name}`, class: "faint" },
                        fault?.field === name ? fault.text : about,
                    ),
                ),
            ),
        is_read_only
            ? null
            : h(
                  "div",
                  { class: "form-end" },
                  h("button", { type: "submit", class: "main" }, "Save"),
                  fault && !fault.field
                      ? h("span", { class: "fault", role: "alert" }, fault.text)
                      : null,
              ),
    );
}

async function save(event, queue, saved) {
    event.preventDefault();
    faults.delete(queue.name);
    const changes = {};
    const before = {};
    for (const { name } of fields.filter((field) => field.name in queue.settings)) {
        const text = event.target.elements[name].value;
        if (text.trim() === write(name, queue.settings[name])) {
            continue;
        }
        const value = parse(name, text);
        if (value === null) {
            faults.set(queue.name, {
                field: name,
                text: name.endsWith("_ms") ? "a duration such as 30s or 1h 30m" : "a whole number",
            });
            refresh();
            event.target.elements[name].focus();
            return;
        }
        changes[name] = value;
        before[name] = queue.settings[name];
    }
    if (Object.keys(changes).length === 0) {
        say("Nothing was changed.");
        return;
    }
    await send(queue.name, changes, before, saved);
}

async function send(queue_name, changes, before, saved) {
    const path = `/queues/${encodeURIComponent(queue_name)}`;
    try {
        await patch(path, changes);
        saved();
        const words = Object.keys(changes).map((name) =>
            fields.find((field) => field.name === name).title.toLowerCase(),
        );
        say(`${queue_name}: ${words.join(", ")} saved.`, {
            undo: async () => {
                await patch(path, before);
                saved();
            },
        });
    } catch (error) {
        faults.set(queue_name, { text: error.message });
    }
    refresh();
}
