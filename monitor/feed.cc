#include "monitor/feed.h"

#include "protocol/names.h"

#include <cstdint>
#include <limits>
#include <optional>
#include <utility>

namespace xebec::monitor {

namespace {

// The queue in `task.<queue>.`.
std::optional<std::string_view> queue_of(std::string_view topic) {
    if (!topic.starts_with(protocol::task_topic_prefix) || !topic.ends_with('.')) {
        return std::nullopt;
    }
    topic.remove_prefix(protocol::task_topic_prefix.size());
    topic.remove_suffix(topic.empty() ? 0 : 1);
    return is_queue_name(topic) ? std::optional(topic) : std::nullopt;
}

Event read_stat(std::span<const std::string_view> frames) {
    if (frames.size() != 2) {
        return UnreadableReceived{"figures have two frames"};
    }
    Result<protocol::Figures> figures = protocol::decode_figures(frames[1]);
    if (!figures) {
        return UnreadableReceived{figures.error().detail};
    }
    return StatReceived{std::move(*figures)};
}

Event read_updates(std::string_view queue, std::span<const std::string_view> frames) {
    if (frames.size() != 3) {
        return UnreadableReceived{"updates have three frames"};
    }
    const Result<protocol::UpdatesHeader> header = protocol::decode_updates_header(frames[1]);
    if (!header) {
        return UnreadableReceived{header.error().detail};
    }
    Result<std::vector<protocol::Update>> updates = protocol::decode_updates(frames[2]);
    if (!updates) {
        return UnreadableReceived{updates.error().detail};
    }
    if (header->count != updates->size() || header->count == 0) {
        return UnreadableReceived{"the header promises another number of updates"};
    }
    constexpr std::uint64_t sequence_max = std::numeric_limits<std::uint64_t>::max();
    if (header->sequence_first == 0 || header->sequence_first > sequence_max - header->count) {
        return UnreadableReceived{"sequences begin at 1 and do not wrap"};
    }
    return UpdatesReceived{queue, *header, std::move(*updates)};
}

}  // namespace

Event read_published(std::span<const std::string_view> frames) {
    if (!frames.empty() && frames[0] == protocol::stat_topic) {
        return read_stat(frames);
    }
    const auto queue = frames.empty() ? std::nullopt : queue_of(frames[0]);
    if (!queue) {
        return UnreadableReceived{"the topic is unknown"};
    }
    return read_updates(*queue, frames);
}

}  // namespace xebec::monitor
