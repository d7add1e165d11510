#include "broker/journal/payload_reader.h"

#include <algorithm>
#include <cstddef>
#include <iterator>
#include <utility>

namespace xebec::broker::journal {

namespace {

constexpr std::size_t window_octets = 8 << 10;  // most payloads, or many, with one call
constexpr std::size_t open_segments_max = 32;
constexpr std::ptrdiff_t requests_per_work = 2'048;  // so that their answers come in parts

std::string name_of(const Locator& locator) {
    return "the payload at octet " + std::to_string(locator.offset) + " of " +
           segment_name(locator.segment);
}

}  // namespace

void PayloadReader::ask(std::span<const ReadRequest> requests) {
    const std::lock_guard lock(mutex_);
    requests_.insert(requests_.end(), requests.begin(), requests.end());
}

std::vector<ReadAnswer> PayloadReader::take_answers() {
    const std::lock_guard lock(mutex_);
    return std::exchange(answers_, {});
}

bool PayloadReader::work() {
    std::vector<ReadRequest> requests;
    {
        const std::lock_guard lock(mutex_);
        const auto end = requests_.begin() + std::min(std::ssize(requests_), requests_per_work);
        requests.assign(requests_.begin(), end);
        requests_.erase(requests_.begin(), end);
    }
    if (requests.empty()) {
        return false;
    }
    // In the order of the disk.
    std::stable_sort(requests.begin(), requests.end(),
                     [](const auto& a, const auto& b) { return a.locator < b.locator; });
    std::vector<ReadAnswer> answers;
    std::vector<ReadRequest> later;
    Window window;
    for (const ReadRequest& request : requests) {
        if (auto answer = read(request, window)) {
            answers.push_back(std::move(*answer));
        } else {
            later.push_back(request);
        }
    }
    must_retry_ = !later.empty();
    if (must_retry_) {
        open_.clear();  // what they take may be what is missing
    }
    const std::lock_guard lock(mutex_);
    requests_.insert(requests_.end(), later.begin(), later.end());
    std::move(answers.begin(), answers.end(), std::back_inserter(answers_));
    return !answers.empty();
}

std::optional<ReadAnswer> PayloadReader::read(const ReadRequest& request, Window& window) {
    ReadAnswer answer{.locator = request.locator, .token = request.token};
    try {
        const std::string_view prefix = look(request.locator, payload_prefix_octets, window);
        const bool has_prefix = prefix.size() == payload_prefix_octets;
        const std::size_t size = has_prefix ? load<std::uint32_t>(prefix.data()) : 0;
        const std::uint64_t checksum = has_prefix ? load<std::uint64_t>(prefix.data() + 4) : 0;
        std::string_view payload;
        if (size > 0 && size < segment_octets_max) {
            const std::string_view both =
                look(request.locator, payload_prefix_octets + size, window);
            payload = both.substr(std::min(payload_prefix_octets, both.size()));
        }
        if (size > 0 && payload.size() == size && payload_checksum(payload) == checksum) {
            answer.octets = Blob::copy_of(payload);
        } else {
            answer.fault = name_of(request.locator) + " is damaged";
        }
    } catch (const runtime::FileError& error) {
        if (error.is_passing()) {
            return std::nullopt;
        }
        answer.fault = error.what();
    }
    return answer;
}

std::string_view PayloadReader::look(const Locator& at, std::size_t octets, Window& window) {
    const bool is_in_window = window.at.segment == at.segment && window.at.offset <= at.offset &&
                              at.offset + octets <= window.at.offset + window.octets.size();
    if (!is_in_window) {
        window.octets.clear(window_octets);
        window.at = at;
        const std::size_t more = std::max(octets, window_octets);
        char* const into = window.octets.room(more);
        window.octets.advance(open(at.segment).read_at(at.offset, into, more));
    }
    return window.octets.view().substr(at.offset - window.at.offset, octets);
}

runtime::File& PayloadReader::open(std::uint32_t segment) {
    const auto found = std::find_if(open_.begin(), open_.end(), [segment](const auto& entry) {
        return entry.segment == segment;
    });
    if (found != open_.end()) {
        open_.splice(open_.begin(), open_, found);
    } else {
        open_.push_front(
            {segment, files_.open(folder_ / segment_name(segment), runtime::FileAccess::read)});
    }
    if (open_.size() > open_segments_max) {
        open_.pop_back();
    }
    return *open_.front().file;
}

}  // namespace xebec::broker::journal
