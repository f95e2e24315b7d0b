#pragma once

#include "base/checksum.hpp"
#include "base/storage.hpp"
#include "cairn/options.hpp"

#include <string>

/// The token: one small file in a checkpoint's directory, whose name says what was decided about it. It holds
/// the save id as 32 hex digits and a newline.
namespace cairn::commit {

inline constexpr const char* open_token = "open";
inline constexpr const char* commit_token = "commit";
inline constexpr const char* abort_token = "abort";

enum class TokenKind { none, open, commit, abort, damaged };  // damaged: `commit` without an id
struct Token {
  TokenKind kind = TokenKind::none;
  base::Digest id = {};  // of `commit`; zero otherwise
};

/// The token in this directory. Looks again where it is renamed meanwhile.
Token read_token(const base::File& directory);

std::string token_text(const base::Digest& id);

}  // namespace cairn::commit
