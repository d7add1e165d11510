// Backups: what a client reads of the journal, and for how long the journal keeps it.

#include "broker/core/core.h"
#include "protocol/check.h"

#include <algorithm>

namespace xebec::broker {

using namespace protocol;

namespace {

constexpr std::size_t backups_max = 2;
constexpr std::size_t pieces_max = 16;  // being read for one

bool is_within(const std::vector<SegmentUse>& segments, const BackupRead& wanted) {
    const auto segment =
        std::find_if(segments.begin(), segments.end(),
                     [&wanted](const SegmentUse& use) { return use.segment == wanted.segment; });
    return segment != segments.end() && wanted.octets > 0 &&
           wanted.octets <= backup_piece_octets_max && wanted.octets <= segment->octets &&
           wanted.offset <= segment->octets - wanted.octets;
}

}  // namespace

// ---- what a client says ----

void Core::on(const Request& request, const Backup&) {
    if (is_stopping_) {
        refuse(request, Refusal::shutting_down);
    } else if (backups_.size() >= backups_max) {
        refuse(request, Refusal::retry_later, "two backups are under way already");
    } else {
        const std::uint64_t number = random_() | 1;
        backups_[number] = {.asker = {request.peer, request.header},
                            .ends_at = step_.now.steady + options_.backup_liveness};
        step_.effects->backups_begun.push_back(number);
    }
}

// The number is proof enough, in whichever session its client is by now.
void Core::on(const Request& request, const BackupRead& message) {
    const auto entry = backups_.find(message.backup);
    if (entry == backups_.end()) {
        refuse(request, Refusal::backup_over);
        return;
    }
    OpenBackup& backup = entry->second;
    backup.asker = {request.peer, request.header};
    backup.ends_at = step_.now.steady + options_.backup_liveness;
    if (!is_within(backup.segments, message)) {
        refuse(request, Refusal::bad_value, "the backup has no such octets");
    } else if (backup.pieces >= pieces_max) {
        refuse(request, Refusal::retry_later, "sixteen pieces of this backup are being read");
    } else {
        ++backup.pieces;
        pieces_[++piece_last_] = {backup.asker, message.backup};
        step_.effects->pieces.push_back(
            {.at = {message.segment, static_cast<std::uint32_t>(message.offset)},
             .octets = static_cast<std::uint32_t>(message.octets),
             .token = piece_last_});
    }
}

void Core::on(const Request& request, const BackupEnd& message) {
    const auto backup = backups_.find(message.backup);
    if (backup != backups_.end()) {
        end_backup(backup, "its client is done with it");
    }
    answer(request, BackupEndAnswer{});
}

// ---- what the journal says ----

void Core::on(const BackupHeld& event) {
    const auto entry = backups_.find(event.backup);
    if (entry == backups_.end()) {
        return;  // its client has left in the same step
    }
    OpenBackup& backup = entry->second;
    const auto request = request_of(backup.asker);
    if (event.segments.empty() && request) {
        refuse(*request, Refusal::no_journal);
    }
    if (event.segments.empty() || !request) {
        step_.effects->backups_ended.push_back(event.backup);
        backups_.erase(entry);
        return;
    }
    backup.segments = event.segments;
    BackupAnswer reply{.backup = event.backup, .epoch = epoch_};
    BackupBegan notice{.segments = event.segments.size()};
    for (const SegmentUse& use : event.segments) {
        reply.segments.push_back({use.segment, use.octets});
        notice.octets += use.octets;
    }
    step_.effects->notices.push_back(notice);
    answer(*request, reply);
}

// What belongs to a backup that has ended may have been overwritten while it was read.
void Core::on(const PieceRead& event) {
    auto node = pieces_.extract(event.token);
    check(!node.empty(), "a piece that is read was asked for");
    const auto backup = backups_.find(node.mapped().backup);
    const bool is_there = backup != backups_.end() && event.fault.empty();
    if (backup != backups_.end()) {
        --backup->second.pieces;
        if (!event.fault.empty()) {
            end_backup(backup, event.fault);
        }
    }
    const auto request = request_of(node.mapped().asker);
    if (!request) {
        return;
    }
    if (is_there) {
        answer(*request, BackupReadAnswer{event.octets}, Leaves::at_once);
    } else {
        refuse(*request, Refusal::backup_over, event.fault);
    }
}

// ---- ends ----

void Core::end_backup(Backups::iterator backup, std::string_view reason) {
    step_.effects->backups_ended.push_back(backup->first);
    step_.effects->notices.push_back(BackupEnded{std::string(reason)});
    backups_.erase(backup);
}

template <class Predicate>
void Core::end_backups(std::string_view reason, Predicate is_over) {
    for (auto backup = backups_.begin(); backup != backups_.end();) {
        const auto next = std::next(backup);
        if (is_over(backup->second)) {
            end_backup(backup, reason);
        }
        backup = next;
    }
}

void Core::end_backups_of(std::uint64_t session) {
    end_backups("its client has left", [session](const OpenBackup& backup) {
        return backup.asker.header.session == session;
    });
}

void Core::end_all_backups(std::string_view reason) {
    end_backups(reason, [](const OpenBackup&) { return true; });
}

void Core::end_silent_backups() {
    end_backups("its client is silent", [this](const OpenBackup& backup) {
        return step_.now.steady >= std::max(backup.ends_at, grace_until_);
    });
}

}  // namespace xebec::broker
