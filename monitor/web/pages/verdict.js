// The verdict: one sentence, and a line for each thing that needs a look.

import { clock, now, whole_duration } from "./format.js";
import { icon } from "./icons.js";
import { live } from "./live.js";
import { h } from "./vdom.js";

export function verdict({ verdict: told, findings, time }) {
    const is_known = live.is_open !== false;
    const words = is_known ? told : `Not known now. At ${clock(time)}: ${told}`;
    const level = !is_known
        ? "unknown"
        : findings.some((finding) => finding.level === "bad")
        ? "bad"
        : findings.length > 0
          ? "warn"
          : "good";
    return h(
        "section",
        { class: `verdict ${level}`, "aria-label": "Verdict", "data-verdict": level },
        h(
            "div",
            { class: "verdict-head" },
            h("span", { class: "verdict-mark" }, icon(is_known ? level : "help")),
            h("h1", { class: "verdict-words" }, words),
        ),
        h("p", { class: "unseen", "aria-live": "polite" }, announced(level, words, findings)),
        findings.length > 0 ? h("ul", { class: "findings" }, findings.map(finding_line)) : null,
    );
}

let last_announced = { of: null, words: "" };

// What a screen reader is told: not with every new figure, but when it is another verdict.
function announced(level, words, findings) {
    const of = `${level} ${findings.map((finding) => `${finding.level} ${finding.link}`).join()}`;
    if (of !== last_announced.of) {
        last_announced = {
            of,
            words: [words, ...findings.map((finding) => finding.text)].join(" "),
        };
    }
    return last_announced.words;
}

function finding_line(finding) {
    const parts = [
        h(
            "span",
            { class: `finding-mark ${finding.level}` },
            icon(finding.level),
            h("span", { class: "unseen" }, finding.level === "bad" ? "bad" : "to look at"),
        ),
        h("span", { class: "finding-words" }, finding.text),
        h(
            "span",
            { class: "faint finding-since" },
            finding.since ? `for ${whole_duration(Math.max(0, now() - finding.since))}` : "",
        ),
    ];
    const is_inside = finding.link?.startsWith("/") && !finding.link.startsWith("//");
    return h(
        "li",
        { "data-finding": finding.level },
        is_inside
            ? h("a", { href: finding.link }, ...parts, icon("right"))
            : h("span", {}, ...parts),
    );
}
