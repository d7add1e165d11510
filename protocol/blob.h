#pragma once
// Immutable octets shared by reference count, so that a payload is copied once at most on its way
// through a program. Copies of a handle may live on different threads, unless they are confined.

#include <atomic>
#include <cstdint>
#include <memory>
#include <string_view>
#include <utility>

namespace xebec {

class Blob {
public:
    // A buffer that somebody else owns: `release(owner)` is called once, on whichever thread drops
    // the last handle, and must neither block nor throw.
    struct Foreign {
        const char* data = nullptr;
        std::size_t size = 0;
        void (*release)(void* owner) noexcept = nullptr;
        void* owner = nullptr;
    };

    Blob() = default;
    static Blob copy_of(std::string_view octets);
    // One whose handles stay on one thread at a time, until `share`: counting them takes no atomic
    // operation, which waits for all that was written before.
    static Blob confined_copy_of(std::string_view octets);
    static Blob adopt(Foreign foreign);

    Blob(const Blob& other) noexcept : block_(other.block_) { retain(); }
    Blob(Blob&& other) noexcept : block_(std::exchange(other.block_, nullptr)) {}
    Blob& operator=(Blob other) noexcept {
        std::swap(block_, other.block_);
        return *this;
    }
    ~Blob() { drop(); }

    std::string_view view() const {
        return block_ == nullptr ? std::string_view{} : block_->view();
    }
    std::size_t size() const { return block_ == nullptr ? 0 : block_->size; }
    bool empty() const { return block_ == nullptr; }

    // From now on handles may live on different threads.
    void share() const noexcept {
        if (is_confined()) {
            block_->set_handles(block_->handles.load(std::memory_order_relaxed) & handles_mask);
        }
    }
    bool is_confined() const noexcept {
        return block_ != nullptr &&
               (block_->handles.load(std::memory_order_relaxed) & confined) != 0;
    }

    // Octets of memory this handle's buffer occupies, for accounting.
    std::size_t footprint() const;
    // Asks the processor for what dropping the handle looks at.
    void prefetch() const { __builtin_prefetch(block_); }

private:
    static constexpr std::uint32_t confined = 1U << 31;  // of `handles`, beside their number
    static constexpr std::uint32_t handles_mask = confined - 1;

    // The header of every buffer. Own octets follow it directly; a foreign buffer's description
    // does.
    struct Block {
        std::atomic<std::uint32_t> handles{1};
        std::uint32_t size : 31;
        std::uint32_t is_foreign : 1;

        void set_handles(std::uint32_t value) { handles.store(value, std::memory_order_relaxed); }
        char* own() { return reinterpret_cast<char*>(this) + sizeof(Block); }
        std::string_view view() {
            return is_foreign == 0 ? std::string_view{own(), size} : foreign();
        }
        std::string_view foreign();
    };

    explicit Blob(Block* block) : block_(block) {}
    static Block* make_block(std::size_t size, std::size_t room);
    void retain() const noexcept {
        if (block_ == nullptr) {
            return;
        }
        const std::uint32_t handles = block_->handles.load(std::memory_order_relaxed);
        if ((handles & confined) != 0) {
            block_->set_handles(handles + 1);
        } else {
            block_->handles.fetch_add(1, std::memory_order_relaxed);
        }
    }
    void drop() noexcept {
        if (block_ == nullptr) {
            return;
        }
        // Nobody else can make another handle of the only one.
        const std::uint32_t handles = block_->handles.load(std::memory_order_acquire);
        if ((handles & handles_mask) == 1) {
            free();
        } else if ((handles & confined) != 0) {
            block_->set_handles(handles - 1);
        } else if (block_->handles.fetch_sub(1, std::memory_order_acq_rel) == 1) {
            free();
        }
    }
    void free() noexcept;

    Block* block_ = nullptr;
};

// Octets as a message carries them: borrowed for the length of a call, or kept alive by `owner`.
struct Octets {
    std::string_view view;
    Blob owner;

    Octets() = default;
    Octets(std::string_view borrowed)
        : view(borrowed) {}  // NOLINT(google-explicit-constructor): octets borrow text
    Octets(Blob blob)
        : view(blob.view()),
          owner(std::move(blob)) {}  // NOLINT(google-explicit-constructor): octets share a blob

    // Word by word: as a whole, a view that was just made is loaded before both its words have
    // reached the cache.
    Octets(const Octets& other) noexcept
        : view(other.view.data(), other.view.size()), owner(other.owner) {}
    Octets(Octets&& other) noexcept
        : view(other.view.data(), other.view.size()), owner(std::move(other.owner)) {}
    Octets& operator=(const Octets& other) { return *this = Octets(other); }
    Octets& operator=(Octets&& other) noexcept {
        view = {other.view.data(), other.view.size()};
        owner = std::move(other.owner);
        return *this;
    }
    ~Octets() = default;

    // A handle that outlives the call: shared where there is an owner, else a copy.
    Blob keep() const { return owner.empty() ? Blob::copy_of(view) : owner; }
    // The same where it stays on this thread.
    Blob keep_confined() const { return owner.empty() ? Blob::confined_copy_of(view) : owner; }

    friend bool operator==(const Octets& a, const Octets& b) { return a.view == b.view; }
};

}  // namespace xebec
