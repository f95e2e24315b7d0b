#pragma once

#include "base/storage.hpp"
#include "cairn/options.hpp"

#include <string_view>

/// Files that one rank writes or copies. Not collective; any thread.
namespace cairn::handlers {

/// Creates the file with these bytes. It is not flushed.
void write_file(const Path& path, std::string_view text, const FileOptions& files);

/// Creates `to` as a copy of the regular file `from`.
void copy_in(const Path& from, const Path& to, const FileOptions& files);

/// Makes `to` a copy of the file of that name in the directory, at once and flushed: whoever opens `to` finds
/// the old file or the whole new one.
void copy_out(const base::File& directory, const Path& name, const Path& to, const FileOptions& files);

}  // namespace cairn::handlers
