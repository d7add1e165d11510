// Payloads and results as text or hexadecimal.

import { exact, octets as write_octets } from "./format.js";
import { h } from "./vdom.js";
import { choice, copy_button } from "./parts.js";
import { refresh } from "./router.js";

const shown_max = 65_536;
const hex_shown_max = 8192;
const per_line = 16;

export function as_text(octets) {
    try {
        return new TextDecoder("utf-8", { fatal: true }).decode(octets);
    } catch {
        return null;
    }
}

// Indents JSON as text: integers of 64 bits would not survive being parsed.
export function indent_json(text) {
    let depth = 0;
    let result = "";
    let is_string = false;
    for (let i = 0; i < text.length; ++i) {
        const character = text[i];
        if (is_string) {
            result += character;
            if (character === "\\") {
                result += text[++i] ?? "";
            } else if (character === '"') {
                is_string = false;
            }
        } else if (character === '"') {
            is_string = true;
            result += character;
        } else if ("{[".includes(character)) {
            const is_empty = /^\s*[}\]]/.test(text.slice(i + 1, i + 40));
            ++depth;
            result += is_empty ? character : character + line_start(depth);
        } else if ("}]".includes(character)) {
            --depth;
            result = /[{[]$/.test(result)
                ? result + character
                : result + line_start(depth) + character;
        } else if (character === ",") {
            result += `,${line_start(depth)}`;
        } else if (character === ":") {
            result += ": ";
        } else if (!/\s/.test(character)) {
            result += character;
        }
    }
    return result;
}

function line_start(depth) {
    return `\n${"  ".repeat(Math.max(0, depth))}`;
}

export function as_hex(octets) {
    const lines = [];
    for (let at = 0; at < Math.min(octets.length, hex_shown_max); at += per_line) {
        const part = octets.slice(at, at + per_line);
        const digits = [...part].map((octet) => octet.toString(16).padStart(2, "0"));
        const text = [...part]
            .map((octet) => (octet >= 32 && octet < 127 ? String.fromCharCode(octet) : "·"))
            .join("");
        const left = digits.slice(0, 8).join(" ").padEnd(23);
        const right = digits.slice(8).join(" ").padEnd(23);
        lines.push(`${at.toString(16).padStart(6, "0")}  ${left}  ${right}  ${text}`);
    }
    return lines.join("\n");
}

const forms = new Map(); // what is shown -> "text" | "hex", as the user chose

// `body`: {octets, type}.
export function octets_view(name, body, { href }) {
    const text = as_text(body.octets);
    const form = text === null ? "hex" : (forms.get(name) ?? "text");
    const is_json = body.type.includes("json");
    const whole =
        form === "hex"
            ? as_hex(body.octets)
            : is_json && text.length < shown_max
              ? indent_json(text)
              : text;
    const shown = whole.slice(0, shown_max);
    const is_cut =
        shown.length < whole.length || (form === "hex" && body.octets.length > hex_shown_max);
    const choose = (next) => {
        forms.set(name, next);
        refresh();
    };
    return h(
        "div",
        { class: "octets", "data-octets": name },
        h(
            "div",
            { class: "octets-head" },
            h(
                "span",
                { class: "faint" },
                `${is_json ? "JSON" : text === null ? "octets" : "text"}, ${body.octets.length < 1000 ? `${exact(body.octets.length)} octets` : write_octets(body.octets.length)}`,
            ),
            text === null
                ? null
                : choice(
                      `Form of the ${name}`,
                      [
                          { name: "text", title: "Text" },
                          { name: "hex", title: "Hex" },
                      ],
                      form,
                      choose,
                  ),
            copy_button(form === "hex" ? whole : text, "Copy", `the ${name}`),
            h("a", { href, download: "", class: "button quiet" }, "Download"),
        ),
        body.octets.length === 0
            ? h("p", { class: "faint" }, "Empty.")
            : h("pre", { tabindex: "0", "aria-label": name }, shown),
        is_cut
            ? h(
                  "p",
                  { class: "faint" },
                  `The first ${form === "hex" ? write_octets(hex_shown_max) : write_octets(shown_max)} of it; the download has all.`,
              )
            : null,
    );
}
