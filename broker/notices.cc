#include "broker/notices.h"

#include "protocol/names.h"

#include <spdlog/spdlog.h>

#include <chrono>

namespace xebec::broker {

void NoticeLog::write(const Notice& notice, Instant now) {
    if (has_room(now)) {
        std::visit([this](const auto& fact) { write(fact); }, notice);
    }
}

bool NoticeLog::has_room(Instant now) {
    if (now - second_began_ >= std::chrono::seconds{1}) {
        if (suppressed_ > 0) {
            spdlog::warn("{} more such lines in that second were left out", suppressed_);
        }
        second_began_ = now;
        lines_ = 0;
        suppressed_ = 0;
    }
    if (lines_ < lines_per_second_max) {
        ++lines_;
        return true;
    }
    ++suppressed_;
    return false;
}

void NoticeLog::write(const WorkerCame& notice) {
    if (notice.is_plain) {
        spdlog::info("worker {} came: a plain one", escape_controls(notice.name));
        return;
    }
    spdlog::info("worker {} came (host {}, process {}): {} slots, kinds {}{}",
                 escape_controls(notice.name), escape_controls(notice.host), notice.process,
                 notice.slots, notice.kinds,
                 notice.leases_confirmed == 0
                     ? ""
                     : fmt::format("; it still has {} of its tasks", notice.leases_confirmed));
}

void NoticeLog::write(const WorkerLeft& notice) {
    const std::string tasks =
        fmt::format("{} of its tasks went back{}", notice.returned,
                    notice.died == 0 ? "" : fmt::format(", {} are dead", notice.died));
    if (notice.was_lost) {
        spdlog::warn("worker {} lost: {}; {}", escape_controls(notice.name),
                     escape_controls(notice.reason), tasks);
    } else {
        spdlog::info("worker {} left: {}; {}", escape_controls(notice.name),
                     escape_controls(notice.reason), tasks);
    }
}

void NoticeLog::write(const LeasesUnclaimed& notice) {
    spdlog::info(
        "{} tasks were running when the broker last ended and their workers have not come "
        "back: they are ready again",
        notice.count);
}

void NoticeLog::write(const OctetsDamaged& notice) {
    spdlog::error("the {} of task {} is lost: {}", notice.is_result ? "result" : "payload",
                  notice.number, notice.fault);
}

void NoticeLog::write(const TaskDead& notice) {
    spdlog::warn("task {} ({} in queue {}) is dead after {} attempts: {}: {}", notice.number,
                 notice.kind, notice.queue, notice.attempts, escape_controls(notice.error_class),
                 escape_controls(notice.error_text));
}

void NoticeLog::write(const BackupBegan& notice) {
    spdlog::info("a backup has begun: {} octets in {} segments", notice.octets, notice.segments);
}

void NoticeLog::write(const BackupEnded& notice) {
    spdlog::info("a backup has ended: {}", notice.reason);
}

void NoticeLog::write(const LeaseExpired& notice) {
    spdlog::warn("lease of task {} at worker {} ended: {}", notice.number,
                 escape_controls(notice.worker), notice.reason);
}

}  // namespace xebec::broker
