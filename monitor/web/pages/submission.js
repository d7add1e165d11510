// What the form of a submission means: as the body of a request and as a command.

import { parse_duration } from "./settings.js";

const options = ["queue", "priority", "delay", "deadline", "attempts", "run_max", "id"];
const numeric = new Set(["priority", "attempts"]);
const durations = new Set(["delay", "run_max"]);

// The arguments as the text of a JSON array, or null. Text, because numbers of 64 bits do not
// survive JSON.parse. Without a bracket they are words as on the command line.
export function args_text(typed) {
    const text = typed.trim();
    if (text.startsWith("[")) {
        return is_json(text) ? text : null;
    }
    return `[${words_of(text)
        .map(({ word, is_quoted }) => (!is_quoted && is_kept(word) ? word : JSON.stringify(word)))
        .join(",")}]`;
}

// Numbers, arrays and objects stay what they are, everything else is a string.
function is_kept(word) {
    return /^[-\d[{]/.test(word) && is_json(word);
}

function is_json(text) {
    try {
        JSON.parse(text);
        return true;
    } catch {
        return false;
    }
}

function words_of(text) {
    const words = [];
    for (const [, double, single, plain] of text.matchAll(/"((?:[^"\\]|\\.)*)"|'([^']*)'|(\S+)/g)) {
        words.push(
            plain !== undefined
                ? { word: plain, is_quoted: false }
                : { word: single ?? double.replace(/\\(.)/g, "$1"), is_quoted: true },
        );
    }
    return words;
}

// {field, text} of the first thing that is wrong, or null.
export function fault_of(form) {
    if (!/^[A-Za-z0-9_.:-]{1,48}$/.test(form.kind.trim())) {
        return { field: "kind", text: "letters, digits and _ - . : up to 48" };
    }
    if (form.input === "args" && args_text(form.args) === null) {
        return { field: "args", text: "This is not a JSON array yet." };
    }
    for (const name of options) {
        const value = form[name].trim();
        if (value !== "" && numeric.has(name) && !/^\d+$/.test(value)) {
            return { field: name, text: "a whole number" };
        }
        if (value !== "" && durations.has(name) && parse_duration(value) === null) {
            return { field: name, text: "a duration such as 30s or 10m" };
        }
    }
    return null;
}

export function body_of(form) {
    const fields = [`"kind":${JSON.stringify(form.kind.trim())}`];
    fields.push(
        form.input === "args"
            ? `"args":${args_text(form.args)}`
            : `"payload":${JSON.stringify(form.payload)}`,
    );
    for (const name of options) {
        const value = form[name].trim();
        if (value !== "") {
            fields.push(`"${name}":${numeric.has(name) ? value : JSON.stringify(value)}`);
        }
    }
    return `{${fields.join(",")}}`;
}

function quoted(word) {
    return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;
}

export function command_of(form) {
    const parts = ["xebec-client submit", quoted(form.kind.trim())];
    const flags = [];
    if (form.input === "payload") {
        flags.push(`--payload ${quoted(form.payload)}`);
    } else if (form.args.trim().startsWith("[")) {
        flags.push(`--payload ${quoted(form.args.trim())} --content-type json`);
    } else {
        parts.push(...words_of(form.args).map(({ word }) => quoted(word)));
    }
    for (const name of options) {
        const value = form[name].trim();
        if (value !== "") {
            flags.push(`--${name.replace("_", "-")} ${quoted(value)}`);
        }
    }
    return [...parts, ...flags, "--wait"].join(" ");
}
