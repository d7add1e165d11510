#include "protocol/blob.h"

#include "protocol/check.h"

#include <algorithm>
#include <cstring>
#include <new>

namespace xebec {

namespace {

constexpr std::uint32_t size_max = INT32_MAX;

// What glibc takes for so many octets.
constexpr std::size_t allocated(std::size_t octets) {
    constexpr std::size_t unit = 16;
    constexpr std::size_t least = 32;
    return std::max(least, (octets + sizeof(std::size_t) + unit - 1) / unit * unit);
}

}  // namespace

// The header of every buffer. Own octets follow it directly; a foreign buffer's description does.
struct Blob::Block {
    std::atomic<std::uint32_t> handles{1};
    std::uint32_t size : 31;
    std::uint32_t is_foreign : 1;

    char* own() { return reinterpret_cast<char*>(this) + sizeof(Block); }
};

Blob Blob::copy_of(std::string_view octets) {
    if (octets.empty()) {
        return {};
    }
    check(octets.size() <= size_max, "a blob is smaller than 2 GiB");
    void* memory = ::operator new(sizeof(Block) + octets.size());
    auto* block = new (memory)
        Block{.size = static_cast<std::uint32_t>(octets.size()) & size_max, .is_foreign = 0};
    std::memcpy(block->own(), octets.data(), octets.size());
    return Blob(block);
}

Blob Blob::adopt(Foreign foreign) {
    constexpr std::size_t room = sizeof(Block) + sizeof(Foreign);
    check(foreign.size <= size_max, "a blob is smaller than 2 GiB");
    void* memory = ::operator new(room);
    auto* block = new (memory)
        Block{.size = static_cast<std::uint32_t>(foreign.size) & size_max, .is_foreign = 1};
    std::memcpy(block->own(), &foreign, sizeof foreign);
    return Blob(block);
}

std::string_view Blob::view() const {
    if (block_ == nullptr) {
        return {};
    }
    if (block_->is_foreign == 0) {
        return {block_->own(), block_->size};
    }
    Foreign foreign;
    std::memcpy(&foreign, block_->own(), sizeof foreign);
    return {foreign.data, foreign.size};
}

std::size_t Blob::footprint() const {
    if (block_ == nullptr) {
        return 0;
    }
    return block_->is_foreign == 0
               ? allocated(sizeof(Block) + block_->size)
               : allocated(sizeof(Block) + sizeof(Foreign)) + allocated(block_->size);
}

void Blob::retain() const noexcept {
    if (block_ != nullptr) {
        block_->handles.fetch_add(1, std::memory_order_relaxed);
    }
}

void Blob::drop() noexcept {
    if (block_ == nullptr || block_->handles.fetch_sub(1, std::memory_order_acq_rel) != 1) {
        return;
    }
    if (block_->is_foreign != 0) {
        Foreign foreign;
        std::memcpy(&foreign, block_->own(), sizeof foreign);
        foreign.release(foreign.owner);
    }
    block_->~Block();
    ::operator delete(block_);
    block_ = nullptr;
}

}  // namespace xebec
