#include "commit/token.hpp"

#include "cairn/error.hpp"

namespace cairn::commit {

namespace {

constexpr std::uint64_t most_bytes = 64;

Token read_commit(const base::File& directory) {
  Token token{TokenKind::damaged, {}};
  std::string text;
  try {
    text = base::read_whole(directory, commit_token, most_bytes);
  } catch (const Error& error) {
    if (error.code() == ErrorCode::not_found) return {};
    if (error.code() != ErrorCode::corrupt) throw;
    return token;
  }
  if (!text.ends_with('\n')) return token;
  text.pop_back();
  if (base::from_hex(text, token.id)) token.kind = TokenKind::commit;
  return token;
}

}  // namespace

Token read_token(const base::File& directory) {
  // Between two looks `open` may have become `commit` or `abort`, once.
  for (int look = 0; look < 2; ++look) {
    if (const Token token = read_commit(directory); token.kind != TokenKind::none) return token;
    if (base::status_of(directory, abort_token)) return {TokenKind::abort, {}};
    if (base::status_of(directory, open_token)) return {TokenKind::open, {}};
  }
  return {};
}

std::string token_text(const base::Digest& id) {
  return base::to_hex(id) + '\n';
}

}  // namespace cairn::commit
