// backup: copies the broker's journal while the broker works.

#include "client/commands/backup_folder.h"
#include "client/commands/commands.h"
#include "client/json.h"
#include "protocol/time_text.h"
#include "runtime/clock.h"
#include "runtime/command_line.h"
#include "runtime/signals.h"
#include "runtime/terminal.h"

#include <algorithm>
#include <csignal>
#include <deque>
#include <future>
#include <iostream>
#include <memory>
#include <tuple>

namespace xebec::client {

namespace {

// So that what is under way comes through a slow line in time.
constexpr std::uint64_t piece_octets_max = 256 << 10;
constexpr std::size_t pieces_max = 4;
constexpr milliseconds piece_time{30'000};
constexpr milliseconds look{100};
constexpr milliseconds progress_every{200};

struct Piece {
    protocol::SegmentView segment;
    std::uint64_t offset = 0;
    std::uint64_t octets = 0;
    std::future<Connection::Answer> answer;

    bool is_last() const { return offset + octets == segment.octets; }
};

ConnectionOptions patient_options(const Options& options) {
    ConnectionOptions patient = connection_options(options);
    patient.core.answer_timeout = piece_time;  // one that comes slowly is not asked for again
    return patient;
}

class Copying {
public:
    Copying(const Options& options, std::filesystem::path folder)
        : options_(options),
          folder_path_(std::move(folder)),
          patience_(options),
          shows_progress_(runtime::is_terminal(STDERR_FILENO) &&
                          !(options.json && runtime::is_terminal(STDOUT_FILENO))),
          connection_(patient_options(options)) {}

    int run();

private:
    std::optional<Error> copy();
    void ask_ahead();
    std::optional<Error> write(Piece piece);
    std::future<Connection::Answer> ask(const protocol::Message& message, milliseconds time);
    Connection::Answer wait_for(std::future<Connection::Answer> answer);
    void show_progress(const std::string& text);
    int report() const;

    const Options& options_;
    const std::filesystem::path folder_path_;
    const Patience patience_;
    const bool shows_progress_;
    const Instant began_ = runtime::now().steady;
    const runtime::Signals signals_{SIGINT, SIGTERM};  // in front of the connection's thread

    protocol::BackupAnswer backup_;
    std::uint64_t octets_all_ = 0;
    std::optional<BackupFolder> folder_;
    std::size_t next_segment_ = 0;
    std::uint64_t next_offset_ = 0;
    std::deque<Piece> pieces_;  // asked for, in order
    std::uint64_t octets_ = 0;  // written
    Instant progress_at_{};
    Connection connection_;  // last: its thread uses what is above
};

int Copying::run() {
    const auto answer =
        answer_as<protocol::BackupAnswer>(wait_for(ask(protocol::Backup{}, answer_time(options_))));
    if (!answer) {
        return fail(options_, answer.error());
    }
    backup_ = *answer;
    for (const protocol::SegmentView& segment : backup_.segments) {
        octets_all_ += segment.octets;
    }
    folder_.emplace(folder_path_);
    const auto error = copy();
    show_progress("");
    if (error) {
        return fail(options_, *error, "the backup was given up");
    }
    folder_->finish(backup_.epoch);
    // Whether the broker hears it or not: everything is here.
    std::ignore =
        wait_for(ask(protocol::BackupEnd{.backup = backup_.backup}, answer_time(options_)));
    return report();
}

std::optional<Error> Copying::copy() {
    for (ask_ahead(); !pieces_.empty(); ask_ahead()) {
        Piece piece = std::move(pieces_.front());
        pieces_.pop_front();
        if (auto error = write(std::move(piece))) {
            return error;
        }
        show_progress(std::to_string(octets_ >> 20) + " of " + std::to_string(octets_all_ >> 20) +
                      " MiB");
    }
    return std::nullopt;
}

void Copying::ask_ahead() {
    while (pieces_.size() < pieces_max && next_segment_ < backup_.segments.size()) {
        const protocol::SegmentView& segment = backup_.segments[next_segment_];
        Piece piece{.segment = segment,
                    .offset = next_offset_,
                    .octets = std::min(piece_octets_max, segment.octets - next_offset_)};
        piece.answer = ask(protocol::BackupRead{.backup = backup_.backup,
                                                .segment = segment.segment,
                                                .offset = piece.offset,
                                                .octets = piece.octets},
                           patience_.left().value_or(piece_time));
        next_offset_ += piece.octets;
        if (piece.is_last()) {
            ++next_segment_;
            next_offset_ = 0;
        }
        pieces_.push_back(std::move(piece));
    }
}

std::optional<Error> Copying::write(Piece piece) {
    const Connection::Answer packet = wait_for(std::move(piece.answer));
    const auto answer = answer_as<protocol::BackupReadAnswer>(packet);
    if (!answer) {
        return is_no_answer(answer.error())
                   ? Error{ErrorCode::timed_out, options_.broker + " does not answer any more", ""}
                   : answer.error();
    }
    if (answer->piece.view.size() != piece.octets) {
        return Error{ErrorCode::corrupt, "the broker's answer is incomplete", ""};
    }
    if (piece.offset == 0) {
        folder_->begin_segment(piece.segment.segment);
    }
    folder_->append(answer->piece.view);
    if (piece.is_last()) {
        folder_->end_segment();
    }
    octets_ += piece.octets;
    return std::nullopt;
}

std::future<Connection::Answer> Copying::ask(const protocol::Message& message, milliseconds time) {
    auto promise = std::make_shared<std::promise<Connection::Answer>>();
    std::future<Connection::Answer> answer = promise->get_future();
    connection_.post([this, promise, message, time] {
        connection_.ask(
            message, connection_.now().steady + time,
            [promise](Connection::Answer packet) { promise->set_value(std::move(packet)); });
    });
    return answer;
}

Connection::Answer Copying::wait_for(std::future<Connection::Answer> answer) {
    while (answer.wait_for(look) != std::future_status::ready) {
        if (signals_.take()) {
            return Error{ErrorCode::refused, "interrupted", ""};
        }
    }
    return answer.get();
}

// One line of a terminal, written over and over; at the end it is wiped.
void Copying::show_progress(const std::string& text) {
    const Instant now = runtime::now().steady;
    if (shows_progress_ && (text.empty() || now >= progress_at_ + progress_every)) {
        std::cerr << "\r\x1b[K" << text << std::flush;
        progress_at_ = now;
    }
}

int Copying::report() const {
    const auto took =
        std::chrono::duration_cast<milliseconds>(runtime::now().steady - began_).count();
    if (options_.json) {
        std::cout << text_of({{"segments", backup_.segments.size()},
                              {"octets", octets_},
                              {"seconds", static_cast<double>(took) / 1'000},
                              {"epoch", backup_.epoch}})
                  << "\n";
    } else {
        std::cout << "backed up " << octets_ << " octets in " << backup_.segments.size()
                  << (backup_.segments.size() == 1 ? " segment" : " segments") << " within "
                  << format_duration(milliseconds{took}) << "\n";
    }
    return runtime::exit_done;
}

int back_up(const Options& options, const std::string& folder) {
    std::filesystem::path path = std::filesystem::absolute(folder).lexically_normal();
    if (!path.has_filename()) {  // a slash at its end
        path = path.parent_path();
    }
    const std::string problem = BackupFolder::problem(path);
    if (!problem.empty()) {
        throw UsageError{problem};
    }
    return Copying(options, path).run();
}

}  // namespace

void add_backup(CLI::App& app, const Options& options, Command& command) {
    auto folder = std::make_shared<std::string>();
    CLI::App* sub = app.add_subcommand("backup", "copy all that the broker has while it works");
    sub->add_option("folder", *folder,
                    "where to: a folder that is empty or not there yet; xebec-broker --data FOLDER "
                    "starts on it")
        ->required();
    sub->footer("Example: xebec-client backup /var/backups/xebec-monday");
    sub->callback([&options, &command, folder] {
        command = [&options, folder] { return back_up(options, unmarked(*folder)); };
    });
}

}  // namespace xebec::client
