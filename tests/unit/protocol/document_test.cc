// docs/protocol.md is normative, so it must not drift from the code: its hexadecimal examples are
// what the codec writes, and its tables list every message and key there is.

#include "protocol/codec.h"
#include "protocol/envelope.h"
#include "protocol/errors.h"
#include "tests/unit/protocol/golden.h"
#include "tests/unit/protocol/hex.h"

#include <gtest/gtest.h>

#include <cctype>
#include <fstream>
#include <map>
#include <sstream>
#include <string>
#include <vector>

namespace xebec::protocol {
namespace {

using namespace xebec::testing;

std::vector<std::string> document_lines() {
    std::ifstream file(PROJECT_SOURCE_DIR "/docs/protocol.md");
    std::vector<std::string> lines;
    for (std::string line; std::getline(file, line);) {
        lines.push_back(line);
    }
    return lines;
}

std::vector<std::string> words_of(const std::string& line) {
    std::istringstream words(line);
    return {std::istream_iterator<std::string>(words), {}};
}

bool is_octet(const std::string& word) {
    return word.size() == 2 && hex_digit(word[0]) >= 0 && hex_digit(word[1]) >= 0;
}

// A block's frames: a word that is not an octet begins one, `#` begins a remark.
std::vector<std::string> frames_of(const std::vector<std::string>& block) {
    std::vector<std::string> frames;
    for (const std::string& line : block) {
        for (const std::string& word : words_of(line.substr(0, line.find('#')))) {
            if (!is_octet(word)) {
                frames.emplace_back();
            } else if (!frames.empty()) {
                frames.back() += from_hex(word);
            }
        }
    }
    return frames;
}

std::map<std::string, std::vector<std::string>> document_frames() {
    constexpr std::string_view fence = "```hex ";
    std::map<std::string, std::vector<std::string>> blocks;
    std::vector<std::string>* open = nullptr;
    for (const std::string& line : document_lines()) {
        if (line.starts_with(fence)) {
            open = &blocks[line.substr(fence.size())];
        } else if (line.starts_with("```")) {
            open = nullptr;
        } else if (open != nullptr) {
            open->push_back(line);
        }
    }
    for (auto& [name, block] : blocks) {
        block = frames_of(block);
    }
    return blocks;
}

TEST(Document, ShowsTheFramesThatTheCodecWrites) {
    auto shown = document_frames();

    for (const Golden& golden : golden_frames()) {
        const auto found = shown.find(golden.name);
        ASSERT_NE(found, shown.end()) << "no block \"" << golden.name << "\" in the document";
        ASSERT_EQ(found->second.size(), golden.frames.size()) << golden.name;
        for (std::size_t i = 0; i < golden.frames.size(); ++i) {
            EXPECT_EQ(to_hex(found->second[i]), to_hex(golden.frames[i]))
                << golden.name << ", frame " << i;
        }
        shown.erase(found);
    }
    EXPECT_TRUE(shown.empty()) << "the codec was not asked for " << shown.begin()->first;
}

TEST(Document, ShowsFramesThatTheCodecReads) {
    for (const auto& [name, frames] : document_frames()) {
        SCOPED_TRACE(name);
        if (frames[0] == stat_topic) {
            EXPECT_TRUE(decode_figures(frames[1]));
        } else if (frames[0].starts_with(task_topic_prefix)) {
            const auto header = decode_updates_header(frames[1]);
            const auto updates = decode_updates(frames[2]);
            ASSERT_TRUE(header && updates);
            EXPECT_EQ(header->count, updates->size());
        } else {
            const std::vector<std::string_view> views(frames.begin(), frames.end());
            const auto envelope = parse_envelope(views);
            ASSERT_TRUE(envelope) << envelope.error().detail;
            std::vector<Blob> payloads;
            for (std::size_t i = envelope->payload_first; i < frames.size(); ++i) {
                payloads.push_back(Blob::copy_of(frames[i]));
            }
            const auto message = decode(envelope->header, frames[envelope->body], payloads);
            ASSERT_TRUE(message) << message.error().detail;
        }
    }
}

// ---- tables ----

template <auto Member>
std::string member_name() {
    const std::string text = __PRETTY_FUNCTION__;  // … Member = &xebec::protocol::Hello::role …
    const std::size_t start = text.find("Member = ");
    const std::size_t end = text.find_first_of(";]", start);
    const std::size_t colon = text.rfind(':', end);
    return text.substr(colon + 1, end - colon - 1);
}

// `SubmitItem` as the document's headings have it: submit item.
template <class T>
std::string type_title() {
    const std::string text = __PRETTY_FUNCTION__;  // … T = xebec::protocol::SubmitItem; …
    const std::size_t start = text.find("T = ");
    const std::size_t end = text.find_first_of(";]", start);
    const std::size_t colon = text.rfind(':', end);
    std::string title;
    for (const char c : text.substr(colon + 1, end - colon - 1)) {
        const bool is_upper = std::isupper(static_cast<unsigned char>(c)) != 0;
        title += is_upper && !title.empty() ? " " : "";
        title += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    }
    return title == "error answer" ? "error" : title;
}

template <class T>
struct TypeName {
    static std::string text() { return type_title<T>(); }
};
template <std::unsigned_integral T>
struct TypeName<T> {
    static std::string text() { return "u" + std::to_string(8 * sizeof(T)); }
};
template <>
struct TypeName<bool> {
    static std::string text() { return "bool"; }
};
template <>
struct TypeName<std::string_view> {
    static std::string text() { return "text"; }
};
template <>
struct TypeName<TaskId> {
    static std::string text() { return "id"; }
};
template <>
struct TypeName<TaskRef> {
    static std::string text() { return "task ref"; }
};
template <class T>
struct TypeName<std::vector<T>> {
    static std::string text() { return "[" + TypeName<T>::text() + "]"; }
};
template <class T>
struct TypeName<std::optional<T>> {
    static std::string text() { return TypeName<T>::text(); }
};

struct Row {
    std::string key;
    std::string name;
    std::string type;
    bool required = false;

    friend bool operator==(const Row&, const Row&) = default;
    friend void PrintTo(const Row& row, std::ostream* out) {
        *out << row.key << ' ' << row.name << ' ' << row.type << (row.required ? " required" : "");
    }
};
using Tables = std::map<std::string, std::vector<Row>>;

std::string trimmed(const std::string& text) {
    const auto words = words_of(text);
    std::string out;
    for (const std::string& word : words) {
        out += (out.empty() ? "" : " ") + word;
    }
    return out;
}

// Every table of keys in the document, by the heading it stands under.
Tables document_tables() {
    Tables tables;
    std::string heading;
    for (const std::string& line : document_lines()) {
        if (line.starts_with("#")) {
            heading = trimmed(line.substr(line.find_first_not_of('#')));
        }
        std::istringstream cells(line);
        std::string before, key, name, type, presence;
        std::getline(cells, before, '|');
        std::getline(cells, key, '|');
        std::getline(cells, name, '|');
        std::getline(cells, type, '|');
        std::getline(cells, presence, '|');
        if (trimmed(key) == "key") {
            tables[heading];
        } else if (const auto table = tables.find(heading);
                   table != tables.end() && line.starts_with("|") &&
                   std::isdigit(static_cast<unsigned char>(trimmed(key)[0])) != 0) {
            table->second.push_back(
                {trimmed(key), trimmed(name), trimmed(type), trimmed(presence) == "required"});
        }
    }
    return tables;
}

class CodeTables {
public:
    Tables all() {
        add_messages(static_cast<Message*>(nullptr));
        add<Figures>();
        add<Update>();
        return tables_;
    }

private:
    template <class... M>
    void add_messages(std::variant<M...>*) {
        (add<M>(), ...);
    }

    template <class T>
    void add() {
        if constexpr (requires { typename T::Fields; }) {
            std::string title = type_title<T>();
            if constexpr (requires { T::type; }) {
                title += " (" + std::to_string(T::type) + ")";
            }
            if (!tables_.contains(title)) {
                tables_[title] = {};
                add_fields<T>(tables_[title], typename T::Fields{});
            }
        }
    }
    template <class T>
    struct Inner {
        using Type = T;
    };
    template <class T>
    struct Inner<std::vector<T>> {
        using Type = T;
    };
    template <class T>
    struct Inner<std::optional<T>> {
        using Type = T;
    };

    template <class T, class... F>
    void add_fields(std::vector<Row>& rows, FieldList<F...>) {
        (rows.push_back(
             {std::to_string(F::key), member_name<F::member>(),
              TypeName<std::remove_reference_t<decltype(std::declval<T&>().*F::member)>>::text(),
              F::required}),
         ...);
        (add<typename Inner<
             std::remove_reference_t<decltype(std::declval<T&>().*F::member)>>::Type>(),
         ...);
    }

    Tables tables_;
};

TEST(Document, ListsEveryMessageAndEveryKey) {
    Tables shown = document_tables();

    // Messages without keys have a heading, and no table.
    for (const auto& [title, rows] : CodeTables().all()) {
        if (rows.empty()) {
            const auto lines = document_lines();
            EXPECT_NE(std::find(lines.begin(), lines.end(), "### " + title), lines.end()) << title;
        } else {
            EXPECT_EQ(shown[title], rows) << title;
        }
        shown.erase(title);
    }
    EXPECT_TRUE(shown.empty()) << "the code knows nothing of " << shown.begin()->first;
}

TEST(Document, ListsEveryErrorAndWhetherARetryHelps) {
    std::vector<std::string> rows;
    for (const std::string& line : document_lines()) {
        if (line.starts_with("|")) {
            rows.push_back(line);
        }
    }
    for (std::uint16_t code = 1; code < refusal_count; ++code) {
        const auto refusal = static_cast<Refusal>(code);
        const std::string start = "| " + std::to_string(code) + " | `" +
                                  std::string(to_string(refusal)) + "` | " +
                                  (can_retry(refusal) ? "yes" : "no") + " |";
        EXPECT_TRUE(std::any_of(rows.begin(), rows.end(), [&](const std::string& row) {
            return row.starts_with(start);
        })) << start;
    }
}

}  // namespace
}  // namespace xebec::protocol
