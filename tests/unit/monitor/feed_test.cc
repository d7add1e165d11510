#include "monitor/feed.h"

#include <gtest/gtest.h>

#include <limits>
#include <string>
#include <vector>

namespace xebec::monitor {
namespace {

using protocol::Update;
using protocol::UpdatesHeader;

struct Message {
    std::vector<std::string> frames;

    Event read() const {
        const std::vector<std::string_view> views(frames.begin(), frames.end());
        return read_published(views);
    }
};

Message updates_message(const std::string& topic, const UpdatesHeader& header,
                        const std::vector<Update>& updates) {
    const auto octets = protocol::encode(header);
    return {{topic, std::string(octets.data(), octets.size()), protocol::encode_updates(updates)}};
}

std::string reason_of(const Event& event) {
    const auto* unreadable = std::get_if<UnreadableReceived>(&event);
    return unreadable == nullptr ? "" : unreadable->reason;
}

const UpdatesHeader two_updates{.epoch = 4, .sequence_first = 10, .count = 2, .time = 99};

TEST(Feed, ReadsUpdatesOfAQueue) {
    const std::vector<Update> updates{{.number = 1, .kind = "add"}, {.number = 2, .kind = "echo"}};
    const Message message = updates_message("task.night-1.", two_updates, updates);

    const Event event = message.read();

    const auto& read = std::get<UpdatesReceived>(event);
    EXPECT_EQ(read.queue, "night-1");
    EXPECT_EQ(read.header, two_updates);
    EXPECT_EQ(read.updates, updates);
}

TEST(Feed, ReadsFigures) {
    protocol::Figures figures{.epoch = 4, .uptime_ms = 12};
    figures.sequences = {{.queue = "a", .sequence = 9}};
    const Message message{{"stat.", protocol::encode_figures(figures)}};

    const Event event = message.read();

    EXPECT_EQ(std::get<StatReceived>(event).figures, figures);
}

TEST(Feed, RefusesUnknownTopics) {
    for (const std::string topic :
         {"", "stat", "stat.x", "task.", "task..", "task.a", "task.a b.", "other.", "task.a.b."}) {
        const Message message = updates_message(topic, two_updates, {{}, {}});

        EXPECT_EQ(reason_of(message.read()), "the topic is unknown") << topic;
    }
    EXPECT_EQ(reason_of(Message{}.read()), "the topic is unknown");
}

TEST(Feed, RefusesOtherNumbersOfFrames) {
    Message updates = updates_message("task.a.", two_updates, {{}, {}});
    updates.frames.emplace_back();
    const Message figures{{"stat."}};

    EXPECT_EQ(reason_of(updates.read()), "updates have three frames");
    EXPECT_EQ(reason_of(figures.read()), "figures have two frames");
}

TEST(Feed, RefusesACountThatIsNotTheNumberOfUpdates) {
    EXPECT_EQ(reason_of(updates_message("task.a.", two_updates, {{}}).read()),
              "the header promises another number of updates");
    EXPECT_EQ(reason_of(updates_message("task.a.", {.epoch = 1, .sequence_first = 1}, {}).read()),
              "the header promises another number of updates");
}

TEST(Feed, RefusesSequencesThatCannotBe) {
    UpdatesHeader header = two_updates;
    for (const std::uint64_t first :
         {std::uint64_t{0}, std::numeric_limits<std::uint64_t>::max() - 1}) {
        header.sequence_first = first;

        EXPECT_EQ(reason_of(updates_message("task.a.", header, {{}, {}}).read()),
                  "sequences begin at 1 and do not wrap");
    }
}

TEST(Feed, RefusesWhatDoesNotDecode) {
    Message cut = updates_message("task.a.", two_updates, {{}, {}});
    cut.frames[2].pop_back();
    Message short_header = updates_message("task.a.", two_updates, {{}, {}});
    short_header.frames[1].pop_back();
    const Message figures{{"stat.", "\xC1"}};

    EXPECT_NE(reason_of(cut.read()), "");
    EXPECT_NE(reason_of(short_header.read()), "");
    EXPECT_NE(reason_of(figures.read()), "");
}

}  // namespace
}  // namespace xebec::monitor
