#include "monitor/web/board.h"

namespace xebec::monitor::web {

namespace {

constexpr std::chrono::seconds interest{5};

}  // namespace

void Board::show(std::shared_ptr<const Picture> picture) {
    {
        const std::lock_guard lock(mutex_);
        picture_ = std::move(picture);
    }
    changed_.notify_all();
}

bool Board::is_workers_wanted(Instant now) const {
    const std::lock_guard lock(mutex_);
    return workers_wanted_at_ && now - *workers_wanted_at_ < interest;
}

void Board::want_workers(Instant now) {
    const std::lock_guard lock(mutex_);
    if (!workers_wanted_at_ || now - *workers_wanted_at_ >= interest) {
        hurry_ = true;
    }
    workers_wanted_at_ = now;
}

std::shared_ptr<const Picture> Board::picture() const {
    const std::lock_guard lock(mutex_);
    return picture_;
}

std::shared_ptr<const Picture> Board::wait_for_newer(const std::shared_ptr<const Picture>& seen,
                                                     milliseconds patience) const {
    std::unique_lock lock(mutex_);
    changed_.wait_for(lock, patience, [this, &seen] { return closed_ || picture_ != seen; });
    return closed_ ? seen : picture_;
}

void Board::close() {
    {
        const std::lock_guard lock(mutex_);
        closed_ = true;
    }
    changed_.notify_all();
}

bool Board::is_closed() const {
    const std::lock_guard lock(mutex_);
    return closed_;
}

}  // namespace xebec::monitor::web
