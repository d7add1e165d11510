#include "worker/command.h"

#include "protocol/names.h"

#include <utility>

namespace xebec::worker {

namespace {

Error malformed(std::string text) {
    return {ErrorCode::malformed, std::move(text), ""};
}

bool is_blank(char c) {
    return c == ' ' || c == '\t' || c == '\n';
}

class Splitter {
public:
    explicit Splitter(std::string_view text) : text_(text), rest_(text) {}

    Result<std::vector<std::string>> split() {
        while (!rest_.empty()) {
            const char c = take();
            if (is_blank(c)) {
                end_word();
                continue;
            }
            in_word_ = true;
            if (!take_part(c)) {
                return malformed("a quote or a backslash is left open in: " +
                                 escape_controls(text_));
            }
        }
        end_word();
        return std::move(words_);
    }

private:
    // One character, or what is between quotes. False: the text ends too soon.
    bool take_part(char c) {
        if (c == '\'') {
            return take_single_quoted();
        }
        if (c == '"') {
            return take_double_quoted();
        }
        if (c == '\\') {
            if (rest_.empty()) {
                return false;
            }
            c = take();
        }
        word_ += c;
        return true;
    }

    bool take_single_quoted() {
        const std::size_t end = rest_.find('\'');
        if (end == std::string_view::npos) {
            return false;
        }
        word_ += rest_.substr(0, end);
        rest_.remove_prefix(end + 1);
        return true;
    }

    bool take_double_quoted() {
        while (!rest_.empty()) {
            const char c = take();
            if (c == '"') {
                return true;
            }
            const bool is_escape =
                c == '\\' && !rest_.empty() &&
                std::string_view("\"\\$`").find(rest_[0]) != std::string_view::npos;
            word_ += is_escape ? take() : c;
        }
        return false;
    }

    char take() {
        const char c = rest_.front();
        rest_.remove_prefix(1);
        return c;
    }

    void end_word() {
        if (in_word_) {
            words_.push_back(std::exchange(word_, {}));
            in_word_ = false;
        }
    }

    std::string_view text_;
    std::string_view rest_;
    std::vector<std::string> words_;
    std::string word_;
    bool in_word_ = false;  // an empty pair of quotes is a word too
};

}  // namespace

Result<std::vector<std::string>> split_command(std::string_view text) {
    return Splitter(text).split();
}

Result<RunOption> parse_run_option(std::string_view text) {
    const std::size_t equals = text.find('=');
    if (equals == std::string_view::npos) {
        return malformed("\"" + escape_controls(text) + "\" is not KIND=COMMAND");
    }
    const std::string_view kind = text.substr(0, equals);
    if (!is_kind(kind)) {
        return malformed("\"" + escape_controls(kind) +
                         "\" is not a kind: 1 to 48 of A-Z a-z 0-9 _ . : -");
    }
    auto words = split_command(text.substr(equals + 1));
    if (!words) {
        return words.error();
    }
    if (words->empty() || words->front().empty()) {
        return malformed("there is no command for kind " + std::string(kind));
    }
    return RunOption{std::string(kind), std::move(*words)};
}

}  // namespace xebec::worker
