#include "tests/unit/protocol/golden.h"

#include "protocol/codec.h"
#include "protocol/ids.h"

namespace xebec::testing {

namespace {

using namespace xebec::protocol;

constexpr std::uint64_t session = 0x5A10'0000'0001;
constexpr std::uint64_t worker_session = 0x5A10'0000'0002;
constexpr std::uint64_t epoch = 7;
constexpr std::uint64_t noon = 1'767'355'200'000;  // 2026-01-02T12:00:00Z
constexpr std::string_view arguments = "[2,3]";
constexpr std::string_view text = "sixteen octets..";

TaskId first_id() {
    return parse_task_id("019b7e94-3200-7001-8000-00000000000a").value();
}
TaskId second_id() {
    return parse_task_id("019b7e94-3200-7001-8000-00000000000b").value();
}
std::uint64_t fence() {
    return Fence{.epoch = epoch, .attempt = 1}.value();
}

Golden message(const std::string& name, const Header& header, const Message& body,
               std::size_t inline_octets_max = Limits{}.inline_octets_max) {
    const Packet packet = encode(header, body, inline_octets_max);
    const auto head = encode(packet.header);
    Golden golden{name, {"", std::string(head.begin(), head.end()), packet.body}};
    for (const Blob& payload : packet.payloads) {
        golden.frames.emplace_back(payload.view());
    }
    return golden;
}

std::vector<Golden> client_frames() {
    Welcome welcome{.epoch = epoch, .time = noon, .heartbeat_ms = 6'000, .liveness_ms = 30'000};
    const Limits limits;
    welcome.limits = {limits.payload_octets_max, limits.result_octets_max,
                      limits.body_octets_max,    limits.batch_items_max,
                      limits.inline_octets_max,  limits.payload_frames_max,
                      limits.message_octets_max};
    const Submit submit{.items = {{.id = first_id(),
                                   .kind = "add",
                                   .payload = arguments,
                                   .content_type = ContentType::json},
                                  {.id = second_id(),
                                   .kind = "thumb",
                                   .payload = text,
                                   .queue = "nightly",
                                   .priority = 5,
                                   .delay_ms = 600'000}},
                        .wait = true};
    const SubmitAnswer submit_answer{
        {{.number = 42}, {.status = SubmitStatus::refused, .problem = {16, "the queue is full"}}}};
    return {
        message("client hello", {.correlation = 1}, Hello{}),
        message("client welcome", {.correlation = 1, .session = session}, welcome),
        message("ping", {.correlation = 2, .session = session}, Ping{}),
        message("pong", {.correlation = 2, .session = session}, Pong{}),
        // A small limit, so that the second payload is a frame of its own.
        message("submit", {.correlation = 3, .session = session}, submit, 8),
        message("submit answer", {.correlation = 3, .session = session}, submit_answer),
        message("outcomes", {.session = session},
                Outcomes{.items = {{.id = first_id(),
                                    .number = 42,
                                    .state = TaskState::succeeded,
                                    .result = std::string_view("5"),
                                    .content_type = ContentType::json,
                                    .fence = fence()}},
                         .sequence = 1}),
        message("query", {.correlation = 4, .session = session},
                Query{.tasks = {std::uint64_t{42}, second_id()}}),
        message("list", {.correlation = 6, .session = session},
                List{.filter = {.states = 1U << static_cast<unsigned>(TaskState::dead),
                                .error = "disk",
                                .accepted_from = noon,
                                .accepted_to = noon + 3'600'000},
                     .limit = 10}),
        message("error", {.correlation = 5, .session = session},
                ErrorAnswer{.code = 4,
                            .name = "not_registered",
                            .text = "say hello",
                            .retryable = true,
                            .epoch = epoch}),
    };
}

std::vector<Golden> worker_frames() {
    const Hello hello{.role = Role::worker,
                      .name = "host-1",
                      .epoch_seen = epoch,
                      .session_previous = session,
                      .kinds = {"add", "thumb"},
                      .queues = {"default", "nightly"},
                      .slots = 2,
                      .credit = 4,
                      .held = {{second_id(), fence()}},
                      .host = "host",
                      .process = 4711};
    const Assign assign{{{.id = first_id(),
                          .fence = fence(),
                          .number = 42,
                          .kind = "add",
                          .queue = "default",
                          .payload = arguments,
                          .content_type = ContentType::json,
                          .attempt = 1,
                          .lease_ms = 30'000,
                          .run_max_ms = 3'600'000}}};
    const Resources resources{.cpu_permille = 420,
                              .memory_used = std::uint64_t{5} << 30,
                              .memory_total = std::uint64_t{16} << 30,
                              .disk_used = std::uint64_t{50} << 30,
                              .disk_total = std::uint64_t{232} << 30,
                              .process_resident = 24 << 20,
                              .gpus = {{.name = "Tesla",
                                        .busy_permille = 900,
                                        .memory_used = std::uint64_t{8} << 30,
                                        .memory_total = std::uint64_t{16} << 30}}};
    const Header answered{.correlation = 9, .session = worker_session};
    return {
        message("worker hello", {.correlation = 1}, hello),
        message("worker welcome", {.correlation = 1, .session = worker_session},
                Welcome{.epoch = epoch,
                        .time = noon,
                        .heartbeat_ms = 1'000,
                        .liveness_ms = 5'000,
                        .held_ms = {12'000},
                        .credit_max = 8'192}),
        message("worker ping", {.correlation = 12, .session = worker_session}, Ping{resources}),
        message("credit", {.session = worker_session}, Credit{8}),
        message("assign", {.session = worker_session}, assign),
        message("extend", {.correlation = 8, .session = worker_session},
                Extend{{{first_id(), fence()}}}),
        message("extend answer", {.correlation = 8, .session = worker_session},
                ExtendAnswer{{30'000}}),
        message("done", answered,
                Done{{{.id = first_id(),
                       .fence = fence(),
                       .result = std::string_view("5"),
                       .content_type = ContentType::json,
                       .run_us = 1'250}}}),
        message("done answer", answered, DoneAnswer{{FinishStatus::accepted}}),
        message("fail", {.correlation = 10, .session = worker_session},
                Fail{{{.id = second_id(),
                       .fence = fence(),
                       .error = {"exit_1", "convert: no such file"},
                       .useless = true}}}),
        message("release", {.correlation = 11, .session = worker_session},
                Release{{{second_id(), fence()}}}),
    };
}

std::vector<Golden> backup_frames() {
    constexpr std::uint64_t backup = 0x3A'0000'0000'0001;
    return {
        message("backup", {.correlation = 6, .session = session}, Backup{}),
        message("backup answer", {.correlation = 6, .session = session},
                BackupAnswer{
                    .backup = backup, .epoch = epoch, .segments = {{3, 67'108'864}, {4, 2'560}}}),
        message("backup read", {.correlation = 7, .session = session},
                BackupRead{.backup = backup, .segment = 4, .offset = 2'544, .octets = 16}),
        // A small limit, so that the piece is a frame of its own, as it is when it is large.
        message("backup read answer", {.correlation = 7, .session = session},
                BackupReadAnswer{text}, 8),
        message("backup end", {.correlation = 8, .session = session}, BackupEnd{backup}),
    };
}

std::vector<Golden> update_frames() {
    const std::vector<Update> updates{{.number = 42,
                                       .id = first_id(),
                                       .kind = "add",
                                       .state = TaskState::leased,
                                       .attempt = 1,
                                       .worker = "host-1",
                                       .duration_us = 320,
                                       .version = 2},
                                      {.number = 42,
                                       .id = first_id(),
                                       .kind = "add",
                                       .state = TaskState::succeeded,
                                       .attempt = 1,
                                       .worker = "host-1",
                                       .duration_us = 1'250,
                                       .version = 3}};
    const auto numbers = encode(
        UpdatesHeader{.epoch = epoch, .sequence_first = 2, .count = updates.size(), .time = noon});
    Figures figures{.epoch = epoch, .time = noon, .uptime_ms = 5'000};
    figures.totals = {.submitted = 1, .succeeded = 1, .assigned = 1};
    figures.sizes = {.tasks = {0, 0, 0, 0, 1, 0, 0, 0}, .workers = 1, .slots = 2, .sessions = 2};
    figures.lanes = {{.queue = "default",
                      .kind = "add",
                      .created = 1,
                      .succeeded = 1,
                      .wait_us = {50, 1},
                      .run_us = {65, 1}}};
    figures.sequences = {{"default", 3}};
    return {{"updates",
             {task_topic("default"), {numbers.begin(), numbers.end()}, encode_updates(updates)}},
            {"figures", {std::string(stat_topic), encode_figures(figures)}}};
}

}  // namespace

std::vector<Golden> golden_frames() {
    std::vector<Golden> all = client_frames();
    for (const auto& more : {worker_frames(), backup_frames(), update_frames()}) {
        all.insert(all.end(), more.begin(), more.end());
    }
    return all;
}

}  // namespace xebec::testing
