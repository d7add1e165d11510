// An order that does not follow every change: rows that trade places each second cannot be read.

const kept_ms = 15_000;

export class SteadyOrder {
    constructor(compare) {
        this.compare = compare;
        this.places = new Map(); // name -> place
        this.sorted_at = -Infinity;
    }

    // Sorted now and then; what is new in between comes at the end.
    sort(list) {
        const now = performance.now();
        if (now - this.sorted_at > kept_ms) {
            this.sorted_at = now;
            this.places = new Map(
                [...list].sort(this.compare).map(({ name }, place) => [name, place]),
            );
        }
        const place = ({ name }) => this.places.get(name) ?? Infinity;
        return [...list].sort((a, b) =>
            place(a) === place(b) ? this.compare(a, b) : place(a) - place(b),
        );
    }
}
