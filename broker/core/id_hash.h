#pragma once
// How the broker's tables hash the ids of tasks. Clients make those, so the hash is seeded by each
// process: nobody can choose ids that collide.

#include <xebec/task.h>

#include <absl/hash/hash.h>

#include <cstddef>
#include <cstdint>
#include <cstring>

namespace xebec::broker {

struct IdHash {
    std::size_t operator()(const TaskId& id) const {
        std::uint64_t halves[2];
        static_assert(sizeof halves == sizeof id.octets);
        std::memcpy(halves, id.octets.data(), sizeof halves);
        return absl::HashOf(halves[0], halves[1]);
    }
};

}  // namespace xebec::broker
