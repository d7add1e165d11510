#pragma once
// Text in columns, for people.

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <vector>

namespace xebec::client {

enum class Align { left, right };

struct Column {
    std::string title;
    Align align = Align::left;
};

// Cells are made safe for a terminal. Widths count characters, so accents do not shift a line.
class Table {
public:
    explicit Table(std::vector<Column> columns) : columns_(std::move(columns)) {}

    void add(std::vector<std::string> cells);
    bool empty() const { return rows_.empty(); }

    // A line of titles, then a line for each row; no blanks at the ends of lines.
    std::string text() const;

private:
    void append_line(std::string& out, const std::vector<std::string>& cells,
                     const std::vector<std::size_t>& widths) const;

    std::vector<Column> columns_;
    std::vector<std::vector<std::string>> rows_;
};

// Names and values below each other, for one thing.
class Block {
public:
    void add(std::string_view name, std::string_view value);
    std::string text() const;

private:
    std::vector<std::pair<std::string, std::string>> lines_;
};

// 5368709120 as "5.0 GiB".
std::string size_text(std::uint64_t octets);

// At most so many characters; an ellipsis stands for what is left out.
std::string shortened(std::string_view text, std::size_t characters_max);

}  // namespace xebec::client
