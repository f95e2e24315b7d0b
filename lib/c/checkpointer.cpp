#include "c/handles.hpp"

using namespace cairn;

struct cairn_checkpointer {
  Checkpointer checkpointer;
};

namespace {

StepOptions options_of(const cairn_step_options* given) {
  const auto taken = c::take(given);
  return {c::metrics_of(taken.metrics, taken.metric_count), c::json_of(taken.custom_metadata),
          taken.force != 0, taken.overwrite != 0};
}

int give_steps(const Steps& found, std::int64_t* steps, std::size_t capacity, std::size_t* count) {
  if (steps != nullptr) std::copy_n(found.begin(), std::min(capacity, found.size()), steps);
  c::give(count, found.size());
  return CAIRN_OK;
}

/// Runs `call(checkpointer)` and gives what it returns to `result`, which may be null.
template <class Result, class Call>
int answer(cairn_checkpointer* checkpointer, Result* result, const Call& call) noexcept {
  return c::guard([&] { c::give(result, call(c::need(checkpointer).checkpointer)); });
}
template <class Call>
int run(cairn_checkpointer* checkpointer, const Call& call) noexcept {
  return c::guard([&] { call(c::need(checkpointer).checkpointer); });
}

}  // namespace

int cairn_checkpointer_create(const cairn_context* context, const char* root,
                              const cairn_checkpointer_options* options, cairn_checkpointer** checkpointer) {
  return c::guard([&] {
    auto& result = c::need_result(checkpointer);
    const auto taken = c::take(options);
    CheckpointerOptions made;
    if (taken.save_when != nullptr) made.save_when = taken.save_when->policy;
    if (taken.keep != nullptr) made.keep = taken.keep->policy;
    made.step_name = {c::text_or_empty(taken.prefix), taken.digits};
    result = new cairn_checkpointer{
        Checkpointer(c::need(context).context, c::text_or_empty(root), std::move(made))};
  });
}

void cairn_checkpointer_free(cairn_checkpointer* checkpointer) {
  delete checkpointer;
}

int cairn_checkpointer_save(cairn_checkpointer* checkpointer, std::int64_t step, const cairn_tree* tree,
                            const cairn_step_options* options, int* saved) {
  return answer(checkpointer, saved,
                [&](auto& each) { return each.save(step, c::need(tree).tree, options_of(options)); });
}

int cairn_checkpointer_save_async(cairn_checkpointer* checkpointer, std::int64_t step, const cairn_tree* tree,
                                  const cairn_step_options* options, int* saved) {
  return answer(checkpointer, saved,
                [&](auto& each) { return each.save_async(step, c::need(tree).tree, options_of(options)); });
}

int cairn_checkpointer_save_checkpointables(cairn_checkpointer* checkpointer, std::int64_t step,
                                            const cairn_checkpointables* things,
                                            const cairn_step_options* options, int* saved) {
  return answer(checkpointer, saved, [&](auto& each) {
    return each.save_checkpointables(step, c::need(things).things, options_of(options));
  });
}

int cairn_checkpointer_save_checkpointables_async(cairn_checkpointer* checkpointer, std::int64_t step,
                                                  const cairn_checkpointables* things,
                                                  const cairn_step_options* options, int* saved) {
  return answer(checkpointer, saved, [&](auto& each) {
    return each.save_checkpointables_async(step, c::need(things).things, options_of(options));
  });
}

int cairn_checkpointer_load(cairn_checkpointer* checkpointer, std::int64_t step, cairn_tree* tree,
                            const cairn_load_options* options, cairn_report* report) {
  return run(checkpointer, [&](auto& each) {
    c::check_size(report);
    c::give_report(report, each.load(step, c::need(tree).tree, c::options_of(options)));
  });
}

int cairn_checkpointer_load_checkpointables(cairn_checkpointer* checkpointer, std::int64_t step,
                                            const cairn_checkpointables* things,
                                            const cairn_load_options* options, cairn_report* report) {
  return run(checkpointer, [&](auto& each) {
    c::check_size(report);
    c::give_report(report, each.load_checkpointables(step, c::need(things).things, c::options_of(options)));
  });
}

int cairn_checkpointer_restore_latest(cairn_checkpointer* checkpointer, cairn_tree* tree,
                                      const cairn_load_options* options, std::int64_t* step) {
  return answer(checkpointer, step, [&](auto& each) {
    return each.restore_latest(c::need(tree).tree, c::options_of(options)).value_or(-1);
  });
}

int cairn_checkpointer_restore_latest_checkpointables(cairn_checkpointer* checkpointer,
                                                      const cairn_checkpointables* things,
                                                      const cairn_load_options* options, std::int64_t* step) {
  return answer(checkpointer, step, [&](auto& each) {
    return each.restore_latest(c::need(things).things, c::options_of(options)).value_or(-1);
  });
}

int cairn_checkpointer_steps(const cairn_checkpointer* checkpointer, std::int64_t* steps,
                             std::size_t capacity, std::size_t* count) {
  return c::guard([&] { give_steps(c::need(checkpointer).checkpointer.steps(), steps, capacity, count); });
}

int cairn_checkpointer_damaged(const cairn_checkpointer* checkpointer, std::int64_t* steps,
                               std::size_t capacity, std::size_t* count) {
  return c::guard([&] { give_steps(c::need(checkpointer).checkpointer.damaged(), steps, capacity, count); });
}

int cairn_checkpointer_latest(const cairn_checkpointer* checkpointer, std::int64_t* step) {
  return c::guard([&] { c::give(step, c::need(checkpointer).checkpointer.latest().value_or(-1)); });
}

int cairn_checkpointer_best(const cairn_checkpointer* checkpointer, const char* metric, cairn_best which,
                            std::int64_t* step) {
  return c::guard([&] {
    const auto found =
        c::need(checkpointer).checkpointer.best(c::text_or_empty(metric), static_cast<Best>(which));
    c::give(step, found.value_or(-1));
  });
}

int cairn_checkpointer_metadata(cairn_checkpointer* checkpointer, std::int64_t step,
                                cairn_metadata** metadata) {
  return c::guard([&] {
    auto& result = c::need_result(metadata);
    result = new cairn_metadata(c::need(checkpointer).checkpointer.metadata(step));
  });
}

int cairn_checkpointer_should_save(cairn_checkpointer* checkpointer, std::int64_t step, int* result) {
  return answer(checkpointer, result, [&](auto& each) { return each.should_save(step); });
}

int cairn_checkpointer_should_stop(cairn_checkpointer* checkpointer, int* result) {
  return answer(checkpointer, result, [](auto& each) { return each.should_stop(); });
}

int cairn_checkpointer_exit_status(const cairn_checkpointer* checkpointer) {
  return checkpointer == nullptr ? exit_done : checkpointer->checkpointer.exit_status();
}

int cairn_checkpointer_remove(cairn_checkpointer* checkpointer, std::int64_t step) {
  return run(checkpointer, [&](auto& each) { each.remove(step); });
}
int cairn_checkpointer_pin(cairn_checkpointer* checkpointer, std::int64_t step) {
  return run(checkpointer, [&](auto& each) { each.pin(step); });
}
int cairn_checkpointer_unpin(cairn_checkpointer* checkpointer, std::int64_t step) {
  return run(checkpointer, [&](auto& each) { each.unpin(step); });
}
int cairn_checkpointer_wait(cairn_checkpointer* checkpointer) {
  return run(checkpointer, [](auto& each) { each.wait(); });
}
int cairn_checkpointer_reload(cairn_checkpointer* checkpointer) {
  return run(checkpointer, [](auto& each) { each.reload(); });
}
int cairn_checkpointer_close(cairn_checkpointer* checkpointer) {
  return run(checkpointer, [](auto& each) { each.close(); });
}

int cairn_wait_for_new_checkpoint(const cairn_context* context, const char* root, std::int64_t after,
                                  double timeout_s, std::int64_t* step) {
  return c::guard([&] {
    const auto found =
        wait_for_new_checkpoint(c::need(context).context, c::text_or_empty(root), after, timeout_s);
    c::give(step, found.value_or(-1));
  });
}
