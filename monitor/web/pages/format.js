// Turns figures into what people read: short, with a unit, always of the same form.

// The broker's machine and this one may disagree about the time; the live events tell by how much.
let clock_offset = 0;

export function set_clock(broker_time) {
    clock_offset = broker_time - Date.now();
}

export function now() {
    return Date.now() + clock_offset;
}

const grouped = new Intl.NumberFormat("en", { maximumFractionDigits: 0 });

export function exact(number) {
    return grouped.format(number);
}

// 9,999 · 12.3 k · 1.2 M
export function short(number) {
    if (number === null || number === undefined) {
        return "–";
    }
    const size = Math.abs(number);
    if (size < 10_000) {
        return exact(number);
    }
    for (const [step, unit] of [
        [1e9, "G"],
        [1e6, "M"],
        [1e3, "k"],
    ]) {
        if (size >= step) {
            const scaled = number / step;
            return `${scaled < 99.95 ? scaled.toFixed(1) : exact(scaled)} ${unit}`;
        }
    }
    return exact(number);
}

// Tasks a second, without the unit: what happens now and then is not rounded away.
export function rate(number) {
    if (number === null || number === undefined) {
        return "–";
    }
    if (number === 0) {
        return "0";
    }
    if (number < 0.01) {
        return "< 0.01";
    }
    return number < 1 ? number.toFixed(2) : number < 9.95 ? number.toFixed(1) : short(number);
}

const octet_units = ["octets", "KiB", "MiB", "GiB", "TiB"];

export function octets(number) {
    if (number === null || number === undefined) {
        return "–";
    }
    let unit = 0;
    let scaled = number;
    while (scaled >= 1000 && unit + 1 < octet_units.length) {
        scaled /= 1024;
        ++unit;
    }
    return `${unit === 0 || scaled >= 99.5 ? exact(scaled) : scaled.toPrecision(2)} ${octet_units[unit]}`;
}

export function percent(part, whole) {
    return whole > 0 ? `${Math.round((100 * part) / whole)} %` : "–";
}

function exact_or_fraction(number) {
    return number >= 10 ? exact(number) : String(number);
}

function two_figures(number) {
    return exact_or_fraction(Number(number.toPrecision(2)));
}

const duration_units = [
    [86_400_000, "d"],
    [3_600_000, "h"],
    [60_000, "min"],
    [1000, "s"],
    [1, "ms"],
    [0.001, "µs"],
];

// Two significant figures: 40 ms · 1.2 s · 14 min.
export function duration(ms) {
    if (ms === null || ms === undefined || Number.isNaN(ms)) {
        return "–";
    }
    if (ms <= 0) {
        return "0 ms";
    }
    const [size, unit] = duration_units.find(([least]) => ms >= least * 0.995) ?? [0.001, "µs"];
    const scaled = ms / size;
    return `${two_figures(scaled)} ${unit}`;
}

// Of an attempt, whose times are told in milliseconds.
export function ran(ms) {
    return ms < 1 ? "< 1 ms" : duration(ms);
}

export function duration_us(us) {
    return us === null || us === undefined ? "–" : duration(us / 1000);
}

export function instant(text) {
    return text ? Date.parse(text) : null;
}

export function ago(time) {
    const passed = now() - time;
    if (Math.abs(passed) < 1500) {
        return "just now";
    }
    return passed > 0 ? `${whole_duration(passed)} ago` : `in ${whole_duration(-passed)}`;
}

// Without a fraction: it changes as it is read.
export function whole_duration(ms) {
    const [size, unit] = duration_units.find(([least]) => ms >= least) ?? [1, "ms"];
    return `${Math.floor(ms / size)} ${unit}`;
}

function two_digits(number) {
    return String(number).padStart(2, "0");
}

export function clock(time, with_seconds = true) {
    const date = new Date(time);
    const minutes = `${two_digits(date.getHours())}:${two_digits(date.getMinutes())}`;
    return with_seconds ? `${minutes}:${two_digits(date.getSeconds())}` : minutes;
}

export function clock_exact(time) {
    return `${clock(time)}.${String(new Date(time).getMilliseconds()).padStart(3, "0")}`;
}

export function date_exact(time) {
    const date = new Date(time);
    const day = `${date.getFullYear()}-${two_digits(date.getMonth() + 1)}-${two_digits(date.getDate())}`;
    return `${day} ${clock_exact(time)}`;
}

export function plural(number, noun) {
    return `${exact(number)} ${noun}${number === 1 ? "" : "s"}`;
}
