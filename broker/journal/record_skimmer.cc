#include "broker/journal/record_skimmer.h"

#include "broker/journal/format.h"
#include "broker/journal/octets.h"

#include <cstring>
#include <utility>

namespace xebec::broker::journal {

// Each passes over one field of the next record; the names are those of docs/journal.md.
struct RecordSkimmer::Fields {
    using Field = void (*)(RecordSkimmer&);

    static void task(RecordSkimmer& in) { in.subject_.number = in.number(); }
    static void id(RecordSkimmer& in) {
        TaskId& id = in.subject_.id.emplace();
        if (const char* const octets = in.take(id.octets.size())) {
            std::memcpy(id.octets.data(), octets, id.octets.size());
        }
    }
    static void octet(RecordSkimmer& in) { in.take(1); }
    static void hash(RecordSkimmer& in) { in.take(sizeof(std::uint64_t)); }
    static void number(RecordSkimmer& in) { in.pass_number(); }
    static void time(RecordSkimmer& in) { in.pass_number(); }
    static void text(RecordSkimmer& in) { in.take(static_cast<std::size_t>(in.number())); }
    static void fence(RecordSkimmer& in) { all<number, number>(in); }
    static void charge(RecordSkimmer& in) {
        const char* const charge = in.take(1);
        time(in);
        if (charge != nullptr && *charge == static_cast<char>(Charge::explained)) {
            all<text, text>(in);
        }
    }
    static void payload(RecordSkimmer& in) {
        const char* const form = in.take(1);
        if (form == nullptr || *form == static_cast<char>(PayloadForm::empty)) {
            return;
        }
        const bool is_in_line = *form == static_cast<char>(PayloadForm::in_line);
        if (!is_in_line) {
            number(in);
        }
        const char* const prefix = in.take(payload_prefix_octets);
        if (is_in_line && prefix != nullptr) {
            in.take(load<std::uint32_t>(prefix));
        }
    }
    static void attempts(RecordSkimmer& in) {
        for (std::uint64_t left = in.number(); left > 0 && in.is_good(); --left) {
            all<number, fence, text, time, time, octet, text, text>(in);
        }
    }

    static void runs(RecordSkimmer& in) {
        for (std::uint64_t left = in.number(); left > 0 && in.is_good(); --left) {
            number(in);
        }
    }

    template <Field... fields>
    static void all(RecordSkimmer& in) {
        (fields(in), ...);
    }
};

const char* RecordSkimmer::take(std::size_t octets) {
    if (left() < octets) {
        stop();
        return nullptr;
    }
    return std::exchange(at_, at_ + octets);
}

void RecordSkimmer::pass_number() {
    while (at_ < end_) {
        if ((*at_++ & 0x80) == 0) {
            return;
        }
    }
    stop();
}

std::uint64_t RecordSkimmer::number() {
    std::uint64_t value = 0;
    for (unsigned shift = 0; shift < 64 && at_ < end_; shift += 7) {
        const auto octet = static_cast<std::uint8_t>(*at_++);
        value |= static_cast<std::uint64_t>(octet & 0x7F) << shift;
        if (octet < 0x80) {
            return value;
        }
    }
    stop();
    return 0;
}

bool RecordSkimmer::pass(RecordType type) {
    using F = Fields;
    switch (type) {
        case RecordType::task_accepted:
            F::all<F::task, F::id, F::hash, F::text, F::text, F::octet, F::octet, F::number,
                   F::time, F::time, F::time, F::time, F::payload>(*this);
            return true;
        case RecordType::attempt_started:
            F::all<F::task, F::fence, F::time, F::text>(*this);
            return true;
        case RecordType::attempt_returned:
            F::all<F::task, F::charge>(*this);
            return true;
        case RecordType::attempt_failed:
            F::all<F::task, F::text, F::text, F::time, F::number, F::time>(*this);
            return true;
        case RecordType::task_succeeded:
            F::all<F::task, F::octet, F::number, F::time, F::payload>(*this);
            return true;
        case RecordType::task_died:
            F::all<F::task, F::text, F::text, F::number, F::time>(*this);
            return true;
        case RecordType::task_due:
        case RecordType::task_cancelled:
        case RecordType::task_expired:
        case RecordType::task_removed_by_number:
            F::all<F::task, F::time>(*this);
            return true;
        case RecordType::task_retried:
            F::all<F::task, F::number, F::time>(*this);
            return true;
        case RecordType::queue_changed:
            F::all<F::text, F::octet, F::time, F::time, F::number, F::time, F::time, F::time,
                   F::number>(*this);
            return true;
        case RecordType::floor_raised:
            F::all<F::time>(*this);
            return true;
        case RecordType::task_carried:
            F::all<F::task, F::id, F::hash, F::text, F::text, F::octet, F::octet, F::octet,
                   F::octet, F::number, F::number, F::number, F::number, F::fence, F::time, F::time,
                   F::time, F::time, F::time, F::text, F::time, F::text, F::text, F::octet, F::time,
                   F::number, F::payload, F::payload>(*this);
            return true;
        case RecordType::tombstone_carried:
            F::all<F::id, F::task, F::hash, F::fence, F::octet, F::time>(*this);
            return true;
        case RecordType::bases_carried:
            F::all<F::number, F::number>(*this);
            return true;
        case RecordType::history_carried:
            F::all<F::task, F::attempts>(*this);
            return true;
        case RecordType::segment_shelved:
            F::all<F::number, F::number, F::octet, F::runs>(*this);
            return true;
        case RecordType::task_removed:
            F::all<F::task, F::id, F::hash, F::fence, F::octet, F::time>(*this);
            return true;
    }
    return false;
}

std::optional<Subject> RecordSkimmer::next() {
    if (at_ == end_) {
        return std::nullopt;
    }
    subject_ = {.type = static_cast<RecordType>(*at_++)};
    is_good_ = pass(subject_.type) && is_good_;
    return is_good_ ? std::optional(subject_) : std::nullopt;
}

}  // namespace xebec::broker::journal
