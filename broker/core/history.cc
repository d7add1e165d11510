#include "broker/core/history.h"

#include "protocol/limits.h"
#include "protocol/names.h"

#include <utility>

namespace xebec::broker {

namespace {

// Of all of them together: a hundred thousand dead tasks have to stay within the memory there is.
constexpr std::size_t texts_octets_max = 2 * history_text_octets_max;

bool are_equal(const Blob& a, const Blob& b) {
    return a.view() == b.view();
}

void share_with(const Blob& known, Blob& same) {
    if (are_equal(known, same)) {
        same = known;
    }
}

}  // namespace

void History::add(PastAttempt attempt) {
    if (attempt.error_text.size() > history_text_octets_max) {
        attempt.error_text =
            Blob::copy_of(to_utf8(attempt.error_text.view(), history_text_octets_max));
    }
    if (!attempts_.empty()) {
        share_with(attempts_.back().error_class, attempt.error_class);
        share_with(attempts_.back().error_text, attempt.error_text);
    }
    if (attempts_.size() == history_attempts_max) {
        attempts_.erase(attempts_.begin());
    }
    attempts_.reserve(attempts_.size() + 1);  // no more: there may be very many histories
    attempts_.push_back(std::move(attempt));
    forget_old_texts();
}

void History::forget_old_texts() {
    std::size_t octets = 0;
    const Blob* newer = nullptr;
    for (auto attempt = attempts_.rbegin(); attempt != attempts_.rend(); ++attempt) {
        const bool is_same = newer != nullptr && are_equal(*newer, attempt->error_text);
        octets += is_same ? 0 : attempt->error_text.size();
        if (octets > texts_octets_max) {
            attempt->error_text = {};
        }
        newer = &attempt->error_text;
    }
}

void History::share(Blob& error_class, Blob& error_text) const {
    for (const PastAttempt& attempt : attempts_) {
        share_with(attempt.error_class, error_class);
        share_with(attempt.error_text, error_text);
    }
}

std::uint64_t History::octets(const Blob& error_class, const Blob& error_text) const {
    std::uint64_t octets = sizeof(History) + attempts_.size() * sizeof(PastAttempt);
    const Blob* class_before = &error_class;
    const Blob* text_before = &error_text;
    const auto count = [](const Blob& blob, const Blob& own, const Blob& before) {
        return are_equal(blob, own) || are_equal(blob, before) ? 0 : blob.footprint();
    };
    for (const PastAttempt& attempt : attempts_) {
        octets += count(attempt.error_class, error_class, *class_before) +
                  count(attempt.error_text, error_text, *text_before);
        class_before = &attempt.error_class;
        text_before = &attempt.error_text;
    }
    return octets;
}

std::uint64_t History::record_octets() const {
    constexpr std::uint64_t fields = 8;  // of the record
    constexpr std::uint64_t attempt_fields = 25;
    std::uint64_t octets = fields;
    for (const PastAttempt& attempt : attempts_) {
        octets += attempt_fields + attempt.worker.size() + attempt.error_class.size() +
                  attempt.error_text.size();
    }
    return octets;
}

}  // namespace xebec::broker
