// What is written about the metrics must not drift from them: docs/metrics.md lists every one, and
// the alert rules and the dashboard use only such as there are.

#include "monitor/web/metrics.h"
#include "tests/unit/monitor/web/metrics_pictures.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <map>
#include <ostream>
#include <regex>
#include <set>
#include <sstream>
#include <string>
#include <vector>

namespace xebec::monitor::web {
namespace {

using testing::IsSubsetOf;

std::string content_of_file(const std::string& name) {
    std::ifstream file(PROJECT_SOURCE_DIR "/" + name);
    std::stringstream content;
    content << file.rdbuf();
    return content.str();
}

struct Described {
    std::string type;
    std::set<std::string> labels;

    friend bool operator==(const Described&, const Described&) = default;
    friend void PrintTo(const Described& described, std::ostream* out) {
        *out << described.type << testing::PrintToString(described.labels);
    }
};

// What the page itself says, by name.
std::map<std::string, Described> shown_metrics() {
    std::map<std::string, Described> shown;
    std::string family;
    for (const std::string& line : lines_of(metrics_text(whole_picture()))) {
        std::istringstream words(line);
        std::string hash;
        std::string word;
        words >> hash >> word;
        if (word == "TYPE") {
            words >> family;
            words >> shown[family].type;
        } else if (hash != "#") {
            static const std::regex label("([a-z]+)=\"");
            for (std::sregex_iterator i(line.begin(), line.end(), label), end; i != end; ++i) {
                if ((*i)[1] != "le") {
                    shown[family].labels.insert((*i)[1]);
                }
            }
        }
    }
    return shown;
}

// Rows such as: | `xebec_tasks` | gauge | `state` | … |
std::map<std::string, Described> documented_metrics() {
    static const std::regex row("\\| `(xebec_\\w+)` \\| (\\w+) \\|([^|]*)\\|.*");
    static const std::regex label("`([a-z]+)`");
    std::map<std::string, Described> documented;
    for (const std::string& line : lines_of(content_of_file("docs/metrics.md"))) {
        std::smatch found;
        if (std::regex_match(line, found, row)) {
            Described& described = documented[found[1]];
            described.type = found[2];
            const std::string labels = found[3];
            for (std::sregex_iterator i(labels.begin(), labels.end(), label), end; i != end; ++i) {
                described.labels.insert((*i)[1]);
            }
        }
    }
    return documented;
}

TEST(MetricsDocument, ListsAllMetricsAndNoOthers) {
    EXPECT_EQ(documented_metrics(), shown_metrics());
}

// The names of the series: those of a histogram are three.
std::set<std::string> series_names() {
    std::set<std::string> names;
    for (const auto& [name, described] : shown_metrics()) {
        if (described.type == "histogram") {
            names.insert({name + "_bucket", name + "_count", name + "_sum"});
        } else {
            names.insert(name);
        }
    }
    return names;
}

std::set<std::string> names_used_in(const std::string& file) {
    static const std::regex name("xebec_\\w+");
    const std::string content = content_of_file(file);
    std::set<std::string> names;
    for (std::sregex_iterator i(content.begin(), content.end(), name), end; i != end; ++i) {
        names.insert(i->str());
    }
    return names;
}

TEST(MetricsRules, UseMetricsThatThereAre) {
    const auto used = names_used_in("tools/prometheus/xebec.rules.yml");

    EXPECT_GT(used.size(), 8U);
    EXPECT_THAT(used, IsSubsetOf(series_names()));
}

TEST(MetricsDashboard, UsesMetricsThatThereAre) {
    const auto used = names_used_in("tools/grafana/xebec.json");

    EXPECT_GT(used.size(), 20U);
    EXPECT_THAT(used, IsSubsetOf(series_names()));
}

}  // namespace
}  // namespace xebec::monitor::web
