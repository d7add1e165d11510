#include "broker/journal/payload_reader.h"

#include "broker/journal/octets.h"

#include <algorithm>
#include <utility>

namespace xebec::broker::journal {

namespace {

constexpr std::size_t first_read_octets = 8 << 10;  // most payloads, with one call
constexpr std::size_t open_segments_max = 32;

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
        std::swap(requests, requests_);
    }
    if (requests.empty()) {
        return false;
    }
    // In the order of the disk.
    std::stable_sort(requests.begin(), requests.end(),
                     [](const auto& a, const auto& b) { return a.locator < b.locator; });
    std::vector<ReadAnswer> answers;
    std::vector<ReadRequest> later;
    for (const ReadRequest& request : requests) {
        if (auto answer = read(request)) {
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

std::optional<ReadAnswer> PayloadReader::read(const ReadRequest& request) {
    ReadAnswer answer{.locator = request.locator, .token = request.token};
    try {
        runtime::File& file = open(request.locator.segment);
        Buffer octets;
        octets.room(first_read_octets);
        octets.advance(file.read_at(request.locator.offset, octets.data(), first_read_octets));
        const std::size_t size =
            octets.size() < payload_prefix_octets ? 0 : load<std::uint32_t>(octets.data());
        const std::size_t whole = payload_prefix_octets + size;
        if (size > 0 && size < segment_octets_max && whole > octets.size()) {
            const std::size_t missing = whole - octets.size();
            char* const into = octets.room(missing);
            octets.advance(file.read_at(request.locator.offset + octets.size(), into, missing));
        }
        const bool is_whole =
            size > 0 && whole <= octets.size() &&
            load<std::uint64_t>(octets.data() + 4) ==
                payload_checksum(octets.view().substr(payload_prefix_octets, size));
        if (is_whole) {
            answer.octets = Blob::copy_of(octets.view().substr(payload_prefix_octets, size));
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
