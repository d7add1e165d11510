#pragma once
// Limits on what may go on at a time.

#include <atomic>
#include <cstddef>
#include <memory>
#include <utility>

namespace xebec::monitor::web {

class Places {
public:
    explicit Places(std::size_t most) : most_(most) {}

    // One of them, until nobody holds it any more; nothing: all are taken.
    std::shared_ptr<void> take() const {
        if (taken_->fetch_add(1) >= most_) {
            taken_->fetch_sub(1);
            return nullptr;
        }
        return std::shared_ptr<void>(taken_.get(),
                                     [taken = taken_](void*) { taken->fetch_sub(1); });
    }

private:
    const std::size_t most_;
    const std::shared_ptr<std::atomic<std::size_t>> taken_ =
        std::make_shared<std::atomic<std::size_t>>(0);
};

}  // namespace xebec::monitor::web
