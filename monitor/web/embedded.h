#pragma once
// The table of files that the build puts into the program; see CMakeLists.txt.

#include <span>
#include <string_view>

namespace xebec::monitor::web {

struct EmbeddedFile {
    std::string_view name;  // relative to the folder of pages
    std::string_view content;
};

std::span<const EmbeddedFile> embedded_files();

}  // namespace xebec::monitor::web
