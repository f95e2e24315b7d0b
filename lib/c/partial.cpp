#include "c/handles.hpp"

using namespace cairn;

int cairn_partial_save(const cairn_context* context, const char* path, const cairn_tree* tree,
                       const cairn_save_options* options, cairn_report* report) {
  return c::guard([&] {
    c::check_size(report);
    c::give_report(report, partial::save(c::need(context).context, c::text_or_empty(path), c::need(tree).tree,
                                         c::options_of(options)));
  });
}

int cairn_partial_save_checkpointables(const cairn_context* context, const char* path,
                                       const cairn_checkpointables* things, const cairn_save_options* options,
                                       cairn_report* report) {
  return c::guard([&] {
    c::check_size(report);
    c::give_report(report, partial::save_checkpointables(c::need(context).context, c::text_or_empty(path),
                                                         c::need(things).things, c::options_of(options)));
  });
}

int cairn_partial_finalize(const cairn_context* context, const char* path, cairn_report* report) {
  return c::guard([&] {
    c::check_size(report);
    c::give_report(report, partial::finalize(c::need(context).context, c::text_or_empty(path)));
  });
}
