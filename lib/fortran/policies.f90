  ! ---- policies

  function cairn_save_never() result(policy)
    type(cairn_save_policy) :: policy
    policy%handle = c_save_never()
  end function

  function cairn_save_every_steps(n) result(policy)
    integer, intent(in) :: n
    type(cairn_save_policy) :: policy
    policy%handle = c_save_every_steps(int(n, int64))
  end function

  function cairn_save_every(seconds) result(policy)
    real(real64), intent(in) :: seconds
    type(cairn_save_policy) :: policy
    policy%handle = c_save_every(seconds)
  end function

  function cairn_save_at_steps(steps) result(policy)
    integer(int64), intent(in), target :: steps(:)
    type(cairn_save_policy) :: policy
    integer(int64), target :: copy(size(steps) + 1)
    copy(:size(steps)) = steps
    policy%handle = c_save_at_steps(c_loc(copy), size(steps, kind=c_size_t))
  end function

  function cairn_save_first_step() result(policy)
    type(cairn_save_policy) :: policy
    policy%handle = c_save_first_step()
  end function

  function cairn_save_on_signal(signal) result(policy)
    integer, intent(in) :: signal
    type(cairn_save_policy) :: policy
    policy%handle = c_save_on_signal(int(signal, c_int))
  end function

  function cairn_save_on_file(path) result(policy)
    character(len=*), intent(in) :: path
    type(cairn_save_policy) :: policy
    policy%handle = c_save_on_file(c_text(path))
  end function

  !> Seconds since 1970; left out: what SLURM_JOB_END_TIME says.
  function cairn_save_before_deadline(time_s) result(policy)
    real(real64), optional, intent(in) :: time_s
    type(cairn_save_policy) :: policy
    real(real64) :: time
    time = 0
    if (present(time_s)) time = time_s
    policy%handle = c_save_before_deadline(time)
  end function

  function cairn_save_young_daly(mean_seconds_between_failures) result(policy)
    real(real64), intent(in) :: mean_seconds_between_failures
    type(cairn_save_policy) :: policy
    policy%handle = c_save_young_daly(mean_seconds_between_failures)
  end function

  function cairn_save_overhead_below(fraction) result(policy)
    real(real64), intent(in) :: fraction
    type(cairn_save_policy) :: policy
    policy%handle = c_save_overhead_below(fraction)
  end function

  !> `call`: a function of C's kind, cairn_save_fn of cairn.h, by c_funloc; `arg` is handed to it.
  function cairn_save_by(call, arg) result(policy)
    type(c_funptr), intent(in) :: call
    type(c_ptr), optional, intent(in) :: arg
    type(cairn_save_policy) :: policy
    type(c_ptr) :: given
    given = c_null_ptr
    if (present(arg)) given = arg
    policy%handle = c_save_by(call, given)
  end function

  function cairn_keep_all() result(policy)
    type(cairn_keep_policy) :: policy
    policy%handle = c_keep_all()
  end function

  function cairn_keep_latest(n) result(policy)
    integer, intent(in) :: n
    type(cairn_keep_policy) :: policy
    policy%handle = c_keep_latest(int(n, c_int))
  end function

  function cairn_keep_best(metric, n, which) result(policy)
    character(len=*), intent(in) :: metric
    integer, intent(in) :: n
    integer, optional, intent(in) :: which
    type(cairn_keep_policy) :: policy
    integer :: wanted
    wanted = CAIRN_LOWEST
    if (present(which)) wanted = which
    policy%handle = c_keep_best(c_text(metric), int(n, c_int), int(wanted, c_int))
  end function

  function cairn_keep_every_steps(n) result(policy)
    integer, intent(in) :: n
    type(cairn_keep_policy) :: policy
    policy%handle = c_keep_every_steps(int(n, int64))
  end function

  function cairn_keep_every(seconds) result(policy)
    real(real64), intent(in) :: seconds
    type(cairn_keep_policy) :: policy
    policy%handle = c_keep_every(seconds)
  end function

  function cairn_keep_steps(steps) result(policy)
    integer(int64), intent(in) :: steps(:)
    type(cairn_keep_policy) :: policy
    integer(int64), target :: copy(size(steps) + 1)
    copy(:size(steps)) = steps
    policy%handle = c_keep_steps(c_loc(copy), size(steps, kind=c_size_t))
  end function

  !> As cairn_save_by, with a cairn_keep_fn.
  function cairn_keep_by(call, arg) result(policy)
    type(c_funptr), intent(in) :: call
    type(c_ptr), optional, intent(in) :: arg
    type(cairn_keep_policy) :: policy
    type(c_ptr) :: given
    given = c_null_ptr
    if (present(arg)) given = arg
    policy%handle = c_keep_by(call, given)
  end function

!@joins
