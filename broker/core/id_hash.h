#pragma once
// How the broker's tables hash tasks: by their ids, or by their places.

#include "broker/core/indices.h"

#include <xebec/task.h>

#include <absl/hash/hash.h>

#include <cstddef>
#include <cstdint>
#include <cstring>

namespace xebec::broker {

// Clients make ids, so the hash is seeded by each process: nobody can choose ids that collide.
struct IdHash {
    std::size_t operator()(const TaskId& id) const {
        std::uint64_t halves[2];
        static_assert(sizeof halves == sizeof id.octets);
        std::memcpy(halves, id.octets.data(), sizeof halves);
        return absl::HashOf(halves[0], halves[1]);
    }
};

// Tasks that come together mostly have neighbouring places: they are neighbours in the table too,
// and share the lines of the cache.
struct PlaceHash {
    std::size_t operator()(TaskIndex task) const {
        constexpr std::uint32_t neighbours = 64;
        constexpr std::size_t next_place = 1 << 7;  // the bits below tell entries apart
        const auto at = static_cast<std::uint32_t>(task);
        return absl::HashOf(at / neighbours) + at % neighbours * (next_place + 1);
    }
};

}  // namespace xebec::broker
