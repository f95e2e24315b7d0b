#include "base/storage.hpp"
#include "checkpointer/root_setting.hpp"

using namespace mpi_test;
using namespace cairn::policies;

TEST_CASE("what is kept: the policy's, the latest, pinned ones") {
  RootSetting s;
  auto run = [&](const cairn::KeepPolicy& keep, const std::vector<double>& losses) {
    s.root += "+";
    auto checkpoints = s.open({.keep = keep});
    for (std::size_t i = 0; i < losses.size(); ++i)
      s.save(checkpoints, static_cast<std::int64_t>(10 * (i + 1)), {.metrics = {{"loss", losses[i]}}});
    auto fresh = s.open();
    CHECK(fresh.steps() == checkpoints.steps());
    return checkpoints.steps();
  };
  const std::vector<double> losses = {3, 1, 2, 5, 4};
  CHECK(run(keep_all(), losses) == Steps{10, 20, 30, 40, 50});
  CHECK(run({}, losses) == Steps{10, 20, 30, 40, 50});
  CHECK(run(latest(2), losses) == Steps{40, 50});
  CHECK(run(best("loss", 2), losses) == Steps{20, 30, 50});  // the latest always
  CHECK(run(best("loss", 1, cairn::Best::highest), losses) == Steps{40, 50});
  CHECK(run(keep_every_steps(20), losses) == Steps{20, 40, 50});
  CHECK(run(keep_steps({10, 30}), losses) == Steps{10, 30, 50});
  CHECK(run(any_of(latest(1), best("loss", 1)), losses) == Steps{20, 50});
  CHECK(run(all_of(latest(3), keep_every_steps(20)), losses) == Steps{20, 40, 50});
  CHECK(run(all_of(latest(2), keep_every_steps(20)), losses) == Steps{40, 50});
  const cairn::KeepPolicy own = [](const std::vector<cairn::SavedStep>& saved) {
    return Steps{saved.front().step, 12345};
  };
  CHECK(run(own, losses) == Steps{10, 50});
  const cairn::KeepPolicy broken = [](const std::vector<cairn::SavedStep>&) -> Steps {
    throw std::runtime_error("no idea");
  };
  CHECK(run(broken, {1, 2}) == Steps{10, 20});  // nothing is removed
}

TEST_CASE("a pinned step stays, in this run and in later ones, until it is unpinned") {
  RootSetting s;
  auto checkpoints = std::make_unique<cairn::Checkpointer>(s.open({.keep = latest(1)}));
  s.save(*checkpoints, 1);
  checkpoints->pin(1);
  checkpoints->pin(1);
  s.save(*checkpoints, 2);
  s.save(*checkpoints, 3);
  CHECK(checkpoints->steps() == Steps{1, 3});
  check_error(common([&] { checkpoints->remove(1); }), ErrorCode::locked, "unpin it first");
  check_error(common([&] { s.save(*checkpoints, 1, {.overwrite = true}); }), ErrorCode::locked, "pinned");
  checkpoints = nullptr;
  MPI_Barrier(MPI_COMM_WORLD);
  checkpoints = std::make_unique<cairn::Checkpointer>(s.open({.keep = latest(1)}));
  s.save(*checkpoints, 4);
  CHECK(checkpoints->steps() == Steps{1, 4});
  checkpoints->unpin(1);
  s.save(*checkpoints, 5);
  CHECK(checkpoints->steps() == Steps{5});
  check_error(common([&] { checkpoints->pin(1); }), ErrorCode::not_found, "there are: 5");
  // By somebody else, while this run does not look; who may have looked before the step was there.
  cairn::Checkpointer elsewhere(s.context, s.root);
  s.save(*checkpoints, 6);
  s.save(*checkpoints, 7);
  elsewhere.pin(7);
  s.save(*checkpoints, 8);
  CHECK(checkpoints->steps() == Steps{7, 8});
  elsewhere.unpin(7);
  s.save(*checkpoints, 9);
  CHECK(checkpoints->steps() == Steps{9});
  checkpoints->pin(9);
  CHECK(cairn::verify(s.context, s.root / "9").empty());
}

TEST_CASE("the step that was restored stays until this run has saved a later one") {
  RootSetting s;
  {
    auto checkpoints = s.open();
    for (const std::int64_t step : {1, 2, 3}) s.save(checkpoints, step);
  }
  s.damage(3);
  auto checkpoints = s.open({.keep = keep_steps({1})});
  CHECK(checkpoints.restore_latest(s.state.tree) == 2);
  // Before the restored one, and so not later.
  s.state.fill(0);
  CHECK(checkpoints.save(0, s.state.tree, {.overwrite = true}));
  CHECK(checkpoints.steps() == Steps{0, 1, 2});  // what was just saved stays, too
  s.save(checkpoints, 4);
  CHECK(checkpoints.steps() == Steps{1, 4});
}

TEST_CASE("a removal that fails is tried again, and the save goes through") {
  struct Fail : cairn::base::StorageHook {
    int before(cairn::base::Op op, std::string_view name, std::uint64_t, std::uint64_t) override {
      const bool old = name.size() > 2 && name.substr(name.size() - 2) == "/1";
      return op == cairn::base::Op::rename && old ? EACCES : 0;
    }
  } fail;
  RootSetting s;
  auto checkpoints = s.open({.keep = latest(1)});
  s.save(checkpoints, 1);
  cairn::base::set_storage_hook(&fail);
  CHECK(s.save(checkpoints, 2));
  cairn::base::set_storage_hook(nullptr);
  CHECK(checkpoints.steps() == Steps{1, 2});
  CHECK(s.save(checkpoints, 3));
  CHECK(checkpoints.steps() == Steps{3});
}
