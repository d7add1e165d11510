#pragma once
// Entries that never move, addressed by small numbers that are used again. Grows by chunks, so that
// growth never copies what is there.

#include <cstdint>
#include <memory>
#include <new>
#include <vector>

namespace xebec::broker {

// `Index` is an enum over std::uint32_t, so that indices of different slabs cannot be mixed up.
template <class T, class Index, std::uint32_t chunk_entries = 1024>
class Slab {
public:
    static constexpr Index none = static_cast<Index>(UINT32_MAX);

    Index acquire() {
        ++size_;
        if (!free_.empty()) {
            const Index index = free_.back();
            free_.pop_back();
            return index;
        }
        if (used_ % chunk_entries == 0) {
            chunks_.push_back(std::make_unique<T[]>(chunk_entries));
        }
        return static_cast<Index>(used_++);
    }

    // In place, member by member: a temporary would be cleared as a whole and moved.
    void release(Index index) {
        T* const entry = &(*this)[index];
        std::destroy_at(entry);
        ::new (static_cast<void*>(entry)) T{};
        free_.push_back(index);
        --size_;
    }

    T& operator[](Index index) {
        const auto at = static_cast<std::uint32_t>(index);
        return chunks_[at / chunk_entries][at % chunk_entries];
    }
    const T& operator[](Index index) const {
        const auto at = static_cast<std::uint32_t>(index);
        return chunks_[at / chunk_entries][at % chunk_entries];
    }

    // Asks the processor for the entry, so that looking at several of them overlaps.
    void prefetch(Index index) const {
        const auto* const octets = reinterpret_cast<const char*>(&(*this)[index]);
        for (std::size_t at = 0; at < sizeof(T); at += 64) {
            __builtin_prefetch(octets + at);
        }
        __builtin_prefetch(octets + sizeof(T) - 1);
    }

    std::uint32_t size() const { return size_; }
    std::uint32_t used() const { return used_; }  // indices 0 to used() - 1 have been given out

private:
    std::vector<std::unique_ptr<T[]>> chunks_;
    std::vector<Index> free_;
    std::uint32_t used_ = 0;
    std::uint32_t size_ = 0;
};

}  // namespace xebec::broker
