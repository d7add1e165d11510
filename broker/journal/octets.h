#pragma once
// Numbers as octets, least significant first; and a growing buffer that is never cleared before it
// is written to.

#include "protocol/check.h"

#include <bit>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <new>
#include <string_view>

namespace xebec::broker::journal {

static_assert(std::endian::native == std::endian::little, "numbers are stored as they lie here");

template <class Number>
Number load(const char* from) {
    Number value;
    std::memcpy(&value, from, sizeof value);
    return value;
}

template <class Number>
void store(char* into, Number value) {
    std::memcpy(into, &value, sizeof value);
}

class Buffer {
public:
    char* data() { return memory_.get(); }
    const char* data() const { return memory_.get(); }
    std::size_t size() const { return size_; }
    std::size_t capacity() const { return capacity_; }
    std::string_view view() const { return {memory_.get(), size_}; }

    // At least `more` octets behind the end; what they hold is undefined.
    char* room(std::size_t more) {
        if (capacity_ - size_ < more) {
            grow(more);
        }
        return memory_.get() + size_;
    }
    void advance(std::size_t octets) { size_ += octets; }
    void resize(std::size_t size) {
        if (size > size_) {
            room(size - size_);
        }
        size_ = size;
    }
    void append(std::string_view octets) {
        if (!octets.empty()) {
            std::memcpy(room(octets.size()), octets.data(), octets.size());
            size_ += octets.size();
        }
    }
    void append_zeros(std::size_t count) {
        if (count > 0) {
            std::memset(room(count), 0, count);
            size_ += count;
        }
    }
    // Forgets the content; keeps the memory unless it is more than `octets_max`.
    void clear(std::size_t octets_max) {
        size_ = 0;
        if (capacity_ > octets_max) {
            memory_.reset();
            capacity_ = 0;
        }
    }

private:
    struct Free {
        void operator()(char* memory) const { std::free(memory); }
    };

    void grow(std::size_t more) {
        const std::size_t wanted = std::max(size_ + more, capacity_ + capacity_ / 2 + 4096);
        void* larger = std::realloc(memory_.get(), wanted);
        if (larger == nullptr) {
            throw std::bad_alloc();
        }
        [[maybe_unused]] char* const old = memory_.release();
        memory_.reset(static_cast<char*>(larger));
        capacity_ = wanted;
    }

    std::unique_ptr<char, Free> memory_;
    std::size_t size_ = 0;
    std::size_t capacity_ = 0;
};

}  // namespace xebec::broker::journal
