#include "runtime/command_line.h"

#include "protocol/time_text.h"

#include <algorithm>
#include <cctype>
#include <cstdlib>
#include <iostream>
#include <memory>

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
// environment sets are dropped from the file.
class FileBehindEnvironment : public CLI::ConfigTOML {
public:
    explicit FileBehindEnvironment(std::string program) : program_(std::move(program)) {}

    std::vector<CLI::ConfigItem> from_config(std::istream& input) const override {
        std::vector<CLI::ConfigItem> found = CLI::ConfigTOML::from_config(input);
        std::erase_if(found, [this](const CLI::ConfigItem& item) {
            return is_set(environment_name(program_, item.name));
        });
        return found;
    }

private:
    std::string program_;
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
        add_conventions_to_tree(*subcommand, program);
    }
}

}  // namespace

void add_conventions(CLI::App& app, const std::string& program) {
    app.set_config("--config", "", "read flags from this TOML file");
    app.config_formatter(std::make_shared<FileBehindEnvironment>(program));
    app.set_version_flag("--version", "xebec-" + program + " " XEBEC_VERSION);
    add_conventions_to_tree(app, program);
}

std::optional<int> parse(CLI::App& app, int argc, char** argv) {
    try {
        app.parse(argc, argv);
        return std::nullopt;
    } catch (const CLI::ParseError& error) {
        return app.exit(error) == 0 ? exit_done : exit_usage;
    }
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
