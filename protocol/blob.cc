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

std::string_view Blob::Block::foreign() {
    Foreign described;
    std::memcpy(&described, own(), sizeof described);
    return {described.data, described.size};
}

std::size_t Blob::footprint() const {
    if (block_ == nullptr) {
        return 0;
    }
    return block_->is_foreign == 0
               ? allocated(sizeof(Block) + block_->size)
               : allocated(sizeof(Block) + sizeof(Foreign)) + allocated(block_->size);
}

void Blob::free() noexcept {
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
