#pragma once
// Queues, kinds and the lanes between them, by name and by number. None is ever removed; their
// count is limited.

#include "broker/core/indices.h"
#include "broker/core/lanes.h"
#include "protocol/time.h"

#include <xebec/task.h>

#include <absl/container/btree_map.h>
#include <absl/container/flat_hash_map.h>

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace xebec::broker {

struct Settings {
    milliseconds lease{30'000};
    milliseconds run_max{3'600'000};
    std::uint32_t attempts_max = 5;
    milliseconds pause_first{1'000};  // before the first retry, then doubling
    milliseconds pause_max{600'000};
    milliseconds retention{86'400'000};
    std::uint64_t tasks_max = 0;  // unfinished ones; 0: no limit

    friend bool operator==(const Settings&, const Settings&) = default;
};

struct Queue {
    std::string name;
    Settings settings;
    bool is_paused = false;
    std::uint32_t settings_told_in = 0;                   // the segment of the journal; 0: in none
    bool is_changed = false;                              // since the last `stat.` update
    std::array<std::uint64_t, task_state_count> tasks{};  // now, by state
    std::uint64_t restored = 0;                           // were there when the broker started
    std::uint64_t created = 0;                            // since
    std::uint64_t removed = 0;                            // by retention
    std::uint64_t sequence = 0;                           // of its latest update
    std::optional<std::size_t> updates_at;                // the batch that the next one goes to
    std::vector<LaneIndex> lanes;
    TaskLine finals;  // oldest end first

    std::uint64_t unfinished() const;
};

class QueueTable {
public:
    static constexpr std::size_t names_max = 10'000;  // of queues, and of kinds
    static constexpr std::size_t lanes_max = 4 * names_max;

    QueueTable();

    std::optional<QueueIndex> find(std::string_view name) const;
    std::optional<KindIndex> find_kind(std::string_view name) const;

    // Nothing if there are too many already.
    std::optional<QueueIndex> make(std::string_view name);
    std::optional<KindIndex> make_kind(std::string_view name);
    std::optional<LaneIndex> find_lane(QueueIndex queue, KindIndex kind) const;
    std::optional<LaneIndex> find_lane(std::string_view queue, std::string_view kind) const;
    LaneIndex make_lane(QueueIndex queue, KindIndex kind);  // there must be none yet

    bool has_room_for(std::string_view queue, std::string_view kind) const;

    Queue& operator[](QueueIndex queue) { return *queues_[static_cast<std::size_t>(queue)]; }
    const Queue& operator[](QueueIndex queue) const {
        return *queues_[static_cast<std::size_t>(queue)];
    }
    Lane& operator[](LaneIndex lane) { return *lanes_[static_cast<std::size_t>(lane)]; }
    const Lane& operator[](LaneIndex lane) const { return *lanes_[static_cast<std::size_t>(lane)]; }
    std::string_view name(KindIndex kind) const { return *kinds_[static_cast<std::size_t>(kind)]; }

    std::size_t lane_count() const { return lanes_.size(); }
    std::size_t queue_count() const { return queues_.size(); }
    const absl::btree_map<std::string_view, QueueIndex>& by_name() const { return by_name_; }

private:
    // They never move: names are borrowed for as long as the broker runs.
    std::vector<std::unique_ptr<Queue>> queues_;
    std::vector<std::unique_ptr<const std::string>> kinds_;
    std::vector<std::unique_ptr<Lane>> lanes_;
    absl::btree_map<std::string_view, QueueIndex> by_name_;
    absl::flat_hash_map<std::string_view, KindIndex> kinds_by_name_;
    absl::flat_hash_map<std::uint64_t, LaneIndex> lanes_by_pair_;
    // What was found last by name: the items of a message mostly have the same.
    mutable std::optional<QueueIndex> queue_last_;
    mutable std::optional<LaneIndex> lane_last_;
};

}  // namespace xebec::broker
