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

Blob::Block* Blob::make_block(std::size_t size, std::size_t room) {
    check(size <= size_max, "a blob is smaller than 2 GiB");
    auto* block = new (::operator new(sizeof(Block) + room)) Block;
    block->size = static_cast<std::uint32_t>(size) & size_max;
    block->is_foreign = 0;
    return block;
}

Blob Blob::copy_of(std::string_view octets) {
    if (octets.empty()) {
        return {};
    }
    Block* const block = make_block(octets.size(), octets.size());
    std::memcpy(block->own(), octets.data(), octets.size());
    return Blob(block);
}

Blob Blob::confined_copy_of(std::string_view octets) {
    Blob copy = copy_of(octets);
    if (copy.block_ != nullptr) {
        copy.block_->set_handles(confined | 1);
    }
    return copy;
}

Blob Blob::adopt(Foreign foreign) {
    Block* const block = make_block(foreign.size, sizeof foreign);
    block->is_foreign = 1;
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
