// The verdict: one sentence, and a line for each thing that needs a look.

import { clock, exact, now, whole_duration } from "./format.js";
import { icon } from "./icons.js";
import { live } from "./live.js";
import { refresh } from "./router.js";
import { h } from "./vdom.js";

const shown_max = 6; // more than these would push the charts off the screen
let are_all_shown = false;

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
        findings.length > 0 ? finding_list(findings) : null,
    );
}

// The worst come first.
function finding_list(findings) {
    const is_long = findings.length > shown_max + 1;
    const shown = is_long && !are_all_shown ? findings.slice(0, shown_max) : findings;
    const toggle = () => {
        are_all_shown = !are_all_shown;
        refresh();
    };
    return [
        h("ul", { class: "findings" }, shown.map(finding_line)),
        is_long
            ? h(
                  "button",
                  {
                      type: "button",
                      class: "quiet more-findings",
                      "data-action": "more-findings",
                      "aria-expanded": String(are_all_shown),
                      onclick: toggle,
                  },
                  icon(are_all_shown ? "up" : "down"),
                  are_all_shown
                      ? `only the first ${shown_max}`
                      : `and ${exact(findings.length - shown_max)} more`,
              )
            : null,
    ];
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

function since_words({ since }) {
    return since ? `for ${whole_duration(Math.max(0, now() - since))}` : "";
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
            since_words(finding),
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
