#include "tools/journal_dump/dump.h"

#include "tests/unit/journal/fixture.h"

#include <nlohmann/json.hpp>

#include <sstream>

namespace xebec::testing {

namespace {

struct JournalDump : JournalFixture {
    bool is_whole = false;

    std::string dump(const journal_dump::Options& options) {
        std::ostringstream out;
        is_whole = journal_dump::dump(disk, options, out);
        return out.str();
    }
};

TEST_F(JournalDump, TellsEveryRecordAsJson) {
    segment_octets = 64 << 10;
    open();
    append(records_of_every_type(std::string(1'000, '\xFF')));
    stop();

    std::istringstream lines(dump({.folder = folder, .is_json = true, .must_verify = true}));

    std::size_t records = 0;
    for (std::string line; std::getline(lines, line);) {
        records += nlohmann::json::parse(line).contains("record") ? 1U : 0U;
    }
    EXPECT_EQ(records, appended.size());
    EXPECT_TRUE(is_whole);
}

TEST_F(JournalDump, TellsOneTasksRecordsToPeople) {
    open();
    fill(1, 3, 5);

    EXPECT_EQ(dump({.folder = folder, .task = 2}),
              "segment 1  position 1  accepted  task 2  "
              "id \"1bca9312-8bda-0322-fbea-73326bfae342\"  content_hash 4354685564936845354  "
              "kind \"add\"  queue \"default\"  priority 0  attempts_max 5  "
              "at \"2023-11-14T22:13:20.002Z\"  payload_octets 5  payload_type \"octets\"  "
              "payload \"ccccc\"\n");
}

TEST_F(JournalDump, FindsADamagedPayloadWhenItVerifies) {
    open();
    fill(0, 30, 1'000);
    std::string content = disk.content(segment_path(2));
    content[1'024 + 700] ^= 1;  // in the middle of the first payload
    disk.set_content(segment_path(2), content);

    dump({.folder = folder});
    EXPECT_TRUE(is_whole) << "it does not look at payloads";
    const std::string text = dump({.folder = folder, .must_verify = true});
    EXPECT_FALSE(is_whole);
    EXPECT_NE(text.find("fault \"a payload is not what was written\""), std::string::npos);
}

}  // namespace

}  // namespace xebec::testing
