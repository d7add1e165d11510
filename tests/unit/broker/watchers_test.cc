#include "broker/watchers.h"

#include "protocol/codec.h"

#include <gtest/gtest.h>

namespace xebec::broker {
namespace {

using protocol::stat_topic;
using protocol::task_topic_prefix;

std::string subscribe(const std::string& topic) {
    return "\x01" + topic;
}
std::string unsubscribe(const std::string& topic) {
    return std::string(1, '\0') + topic;
}

TEST(Watchers, WantNothingAtFirst) {
    const Watchers watchers;

    EXPECT_FALSE(watchers.wants(task_topic_prefix));
    EXPECT_FALSE(watchers.wants(stat_topic));
}

TEST(Watchers, WantATopicFromTheSubscriptionToItsEnd) {
    Watchers watchers;

    watchers.take(subscribe("task.nightly."));
    EXPECT_TRUE(watchers.wants(task_topic_prefix));
    EXPECT_FALSE(watchers.wants(stat_topic));
    watchers.take(unsubscribe("task.nightly."));

    EXPECT_FALSE(watchers.wants(task_topic_prefix));
}

TEST(Watchers, WantEverythingThatAPrefixMatches) {
    Watchers watchers;
    watchers.take(subscribe(""));
    EXPECT_TRUE(watchers.wants(task_topic_prefix));
    EXPECT_TRUE(watchers.wants(stat_topic));
    watchers.take(unsubscribe(""));

    watchers.take(subscribe("st"));

    EXPECT_TRUE(watchers.wants(stat_topic));
    EXPECT_FALSE(watchers.wants(task_topic_prefix));
}

TEST(Watchers, IgnoreFramesThatAreNoSubscription) {
    Watchers watchers;

    watchers.take("");
    watchers.take("task.");
    watchers.take(unsubscribe("task."));

    EXPECT_FALSE(watchers.wants(task_topic_prefix));
}

TEST(Watchers, AreNotDrownedByTopicsThatNobodyPublishes) {  // F22
    Watchers watchers;
    for (int i = 0; i < 20'000; ++i) {
        watchers.take(subscribe("junk" + std::to_string(i)));
        watchers.take(subscribe("task." + std::string(100, 'x') + std::to_string(i)));
    }

    watchers.take(subscribe("stat."));

    EXPECT_TRUE(watchers.wants(stat_topic));
    EXPECT_FALSE(watchers.wants(task_topic_prefix));
}

}  // namespace
}  // namespace xebec::broker
