#include "runtime/command_line.h"

#include "protocol/names.h"
#include "protocol/time_text.h"

#include <algorithm>
#include <cctype>
#include <cstdlib>
#include <iostream>
#include <iterator>
#include <memory>
#include <sstream>
#include <string_view>

namespace xebec::runtime {

namespace {

std::string environment_name(const std::string& program, const std::string& flag) {
    std::string name = "XEBEC_" + program + "_" + flag;
    std::transform(name.begin(), name.end(), name.begin(), [](unsigned char c) {
        return c == '-' ? '_' : static_cast<char>(std::toupper(c));
    });
    return name;
}

bool is_set(const std::string& variable) {
    const char* value = std::getenv(variable.c_str());
    return value != nullptr && *value != '\0';
}

// CLI11 reads the file before the environment and would let the file win; so keys that the
// environment sets are dropped from the file. It remembers the file, to say where an error is.
class FileBehindEnvironment : public CLI::ConfigTOML {
public:
    explicit FileBehindEnvironment(std::string program) : program_(std::move(program)) {}

    std::vector<CLI::ConfigItem> from_config(std::istream& input) const override {
        text_.emplace(std::istreambuf_iterator<char>(input), std::istreambuf_iterator<char>());
        std::istringstream copy(*text_);
        items_ = CLI::ConfigTOML::from_config(copy);
        std::erase_if(items_, [this](const CLI::ConfigItem& item) {
            std::string of = program_;
            for (const std::string& subcommand : item.parents) {
                of += "_" + subcommand;
            }
            return is_set(environment_name(of, item.name));
        });
        return items_;
    }

    void forget() {
        text_.reset();
        items_.clear();
    }

    bool was_read() const { return text_.has_value(); }
    const std::vector<CLI::ConfigItem>& items() const { return items_; }

    // "line 3" for a key such as `submit.queue`; empty if it cannot be told.
    std::string place_of(const std::string& full_name) const {
        std::istringstream lines(text_.value_or(std::string{}));
        std::string section;
        int number = 0;
        for (std::string line; std::getline(lines, line);) {
            ++number;
            CLI::detail::trim(line);
            if (line.starts_with('[') && line.ends_with(']')) {
                section = line.substr(1, line.size() - 2) + ".";
                continue;
            }
            std::string key = line.substr(0, line.find_first_of("=#"));
            CLI::detail::trim(key);
            CLI::detail::remove_quotes(key);
            if (section + key == full_name) {
                return "line " + std::to_string(number);
            }
        }
        return {};
    }

private:
    std::string program_;
    mutable std::optional<std::string> text_;
    mutable std::vector<CLI::ConfigItem> items_;  // that the file has a say in
};

void add_conventions_to_tree(CLI::App& app, const std::string& program) {
    app.fallthrough();
    app.allow_config_extras(CLI::config_extras_mode::error);
    for (CLI::Option* option : app.get_options()) {
        if (!option->get_lnames().empty() && option->get_lnames().front() != "help" &&
            option->get_lnames().front() != "version") {
            option->envname(environment_name(program, option->get_lnames().front()));
        }
    }
    for (CLI::App* subcommand : app.get_subcommands([](CLI::App*) { return true; })) {
        add_conventions_to_tree(*subcommand, program + "_" + subcommand->get_name());
    }
}

FileBehindEnvironment& file_of(const CLI::App& app) {
    return dynamic_cast<FileBehindEnvironment&>(*app.get_config_formatter());
}

std::string file_name(const CLI::App& app) {
    const auto names = app.get_config_ptr()->as<std::vector<std::string>>();
    return names.empty() ? std::string{} : names.front();
}

// The file that the environment names is the default of --config.
void set_file_from_environment(CLI::App& app) {
    CLI::Option& config = *app.get_config_ptr();
    const char* name = std::getenv(config.get_envname().c_str());
    config.default_str(name == nullptr ? "" : name);
}

bool is_mentioned(std::string_view flag, std::string_view text) {
    for (std::size_t at = text.find(flag); at != std::string_view::npos;
         at = text.find(flag, at + 1)) {
        const std::size_t end = at + flag.size();
        const bool is_longer =
            end < text.size() && (text[end] == '-' || text[end] == '_' ||
                                  std::isalnum(static_cast<unsigned char>(text[end])) != 0);
        if (!is_longer) {
            return true;
        }
    }
    return false;
}

std::string in_file(const CLI::App& app, const std::string& full_name) {
    const std::string place = file_of(app).place_of(full_name);
    return file_name(app) + ": " + (place.empty() ? "" : place + ": ");
}

// Of a key that the file must not have.
std::string unknown_key(const CLI::App& app, const std::string& what) {
    constexpr std::string_view extra = "INI was not able to parse ";
    constexpr std::string_view section_mark = ".++";
    if (!what.starts_with(extra)) {
        return file_name(app) + ": " + what;
    }
    const std::string key = what.substr(extra.size());
    if (key.ends_with(section_mark)) {
        return file_name(app) + ": there is no section [" +
               key.substr(0, key.size() - section_mark.size()) + "]";
    }
    return in_file(app, key) + "there is no key " + key;
}

// CLI11 does not say where a value came from: it came from the file if it is there and the command
// line does not have the flag.
std::string with_place(const CLI::App& app, const std::vector<std::string>& arguments,
                       const std::string& what) {
    for (const CLI::ConfigItem& item : file_of(app).items()) {
        const std::string flag = "--" + item.name;
        const bool is_given =
            std::any_of(arguments.begin(), arguments.end(), [&](const std::string& argument) {
                return argument == flag || argument.starts_with(flag + "=");
            });
        if (!is_given && is_mentioned(flag, what)) {
            return in_file(app, item.fullname()) + what;
        }
    }
    return what;
}

std::string no_command(const CLI::App& app) {
    const std::vector<std::string> left = app.remaining(true);
    if (left.empty()) {
        return "a command is missing";
    }
    return (left.front().starts_with('-') ? "there is no flag " : "there is no command ") +
           left.front();
}

std::string unreadable(const CLI::App& app) {
    return "the file " + file_name(app) + " cannot be read: is it there?";
}

std::string explain(const CLI::App& app, const std::vector<std::string>& arguments,
                    const CLI::ParseError& error) {
    const std::string what = error.what();
    if (dynamic_cast<const CLI::ConfigError*>(&error) != nullptr) {
        return unknown_key(app, what);
    }
    if (dynamic_cast<const CLI::FileError*>(&error) != nullptr) {
        return unreadable(app);
    }
    if (what == CLI::RequiredError::Subcommand(1).what()) {
        return no_command(app);
    }
    return with_place(app, arguments, what);
}

int refuse(const CLI::App& app, const std::string& text) {
    std::cerr << app.get_name() << ": " << escape_controls(text)
              << "\nRun with --help for more information.\n";
    return exit_usage;
}

}  // namespace

void add_conventions(CLI::App& app, const std::string& program) {
    app.name("xebec-" + program);
    app.set_config("--config", "", "read flags from this TOML file");
    app.config_formatter(std::make_shared<FileBehindEnvironment>(program));
    app.set_version_flag("--version", "xebec-" + program + " " XEBEC_VERSION);
    add_conventions_to_tree(app, program);
}

std::optional<int> parse(CLI::App& app, int argc, char** argv) {
    file_of(app).forget();
    set_file_from_environment(app);
    try {
        app.parse(argc, argv);
    } catch (const CLI::Success& asked) {
        app.exit(asked);
        return exit_done;
    } catch (const CLI::ParseError& error) {
        return refuse(app, explain(app, {argv, argv + argc}, error));
    }
    if (!file_name(app).empty() && !file_of(app).was_read()) {
        return refuse(app, unreadable(app));  // CLI11 passes over a default that is not there
    }
    return std::nullopt;
}

CLI::Option* add_duration(CLI::App& app, const std::string& name, std::chrono::milliseconds& value,
                          const std::string& description) {
    CLI::Option* option = app.add_option_function<std::string>(
        name,
        [&value, name](const std::string& text) {
            const auto duration = parse_duration(text);
            if (!duration) {
                throw CLI::ValidationError(
                    name, "\"" + text + "\" is not a duration such as 250ms, 30s, 10m, 24h or 7d");
            }
            value = *duration;
        },
        description);
    option->type_name("DURATION");
    if (value.count() > 0) {
        option->default_str(format_duration(value));
    }
    return option;
}

CLI::Validator is_endpoint(EndpointUse use) {
    return {[use](const std::string& text) {
                return endpoint_problem(text, use).value_or(std::string{});
            },
            ""};
}

}  // namespace xebec::runtime
