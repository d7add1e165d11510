// Light, dark or as the system has it. The choice stays in this browser.

const name = "xebec-theme";
export const themes = ["system", "light", "dark"];

export function theme() {
    const stored = localStorage.getItem(name);
    return themes.includes(stored) ? stored : "system";
}

const dark_wanted = matchMedia("(prefers-color-scheme: dark)");
const listeners = new Set();

export function on_theme(listener) {
    listeners.add(listener);
}

function apply() {
    const chosen = theme();
    document.documentElement.dataset.theme =
        chosen === "system" ? (dark_wanted.matches ? "dark" : "light") : chosen;
    for (const listener of listeners) {
        listener();
    }
}

export function next_theme() {
    const next = themes[(themes.indexOf(theme()) + 1) % themes.length];
    localStorage.setItem(name, next);
    apply();
}

// The value of a custom property, for what is drawn on a canvas.
export function colour(property) {
    return getComputedStyle(document.documentElement).getPropertyValue(`--${property}`).trim();
}

dark_wanted.addEventListener("change", apply);
apply();
