#include "broker/journal/piece_reader.h"

#include "broker/journal/octets.h"

#include <utility>

namespace xebec::broker::journal {

void PieceReader::ask(std::span<const PieceRequest> requests) {
    const std::lock_guard lock(mutex_);
    requests_.insert(requests_.end(), requests.begin(), requests.end());
}

std::vector<PieceAnswer> PieceReader::take_answers() {
    const std::lock_guard lock(mutex_);
    return std::exchange(answers_, {});
}

bool PieceReader::work() {
    PieceRequest request;
    {
        const std::lock_guard lock(mutex_);
        if (requests_.empty()) {
            return false;
        }
        request = requests_.front();
        requests_.pop_front();
    }
    auto answer = read(request);
    must_retry_ = !answer;
    const std::lock_guard lock(mutex_);
    if (must_retry_) {
        requests_.push_front(request);
        return false;
    }
    answers_.push_back(std::move(*answer));
    return true;
}

// The file is closed again at once: an open one would keep its room on the disk when it is removed.
std::optional<PieceAnswer> PieceReader::read(const PieceRequest& request) {
    PieceAnswer answer{.token = request.token};
    const std::filesystem::path path = folder_ / segment_name(request.at.segment);
    try {
        const auto file = files_.open(path, runtime::FileAccess::read);
        Buffer octets;
        char* const into = octets.room(request.octets);
        octets.advance(file->read_at(request.at.offset, into, request.octets));
        if (octets.size() == request.octets) {
            answer.octets = Blob::copy_of(octets.view());
        } else {
            answer.fault = path.string() + " is shorter than it was";
        }
    } catch (const runtime::FileError& error) {
        if (error.is_passing()) {
            return std::nullopt;
        }
        answer.fault = error.what();
    }
    return answer;
}

}  // namespace xebec::broker::journal
