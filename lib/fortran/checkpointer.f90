  ! ---- the checkpoints of a run

  subroutine open_checkpointer(self, context, root, save_when, keep, prefix, digits, code)
    class(cairn_checkpointer), intent(inout) :: self
    type(cairn_context), intent(in) :: context
    character(len=*), intent(in) :: root
    type(cairn_save_policy), optional, intent(in) :: save_when
    type(cairn_keep_policy), optional, intent(in) :: keep
    character(len=*), optional, intent(in) :: prefix
    integer, optional, intent(in) :: digits
    integer(c_int), intent(out) :: code
    type(c_checkpointer_options) :: options
    character(len=:), allocatable, target :: prefix_text
    options%struct_size = c_sizeof(options)
    if (present(save_when)) options%save_when = save_when%handle
    if (present(keep)) options%keep = keep%handle
    if (present(prefix)) then
      prefix_text = c_text(prefix)
      options%prefix = address_of(prefix_text)
    end if
    if (present(digits)) options%digits = int(digits, c_int)
    self%comm = context%comm
    call c_checkpointer_free(self%handle)
    code = c_checkpointer_create(context%handle, c_text(root), options, self%handle)
    if (present(save_when)) call c_save_policy_free(save_when%handle)
    if (present(keep)) call c_keep_policy_free(keep%handle)
  end subroutine

  !> One of cairn.h's four saves: of a tree or of things, now or in the background.
  subroutine save_step(self, step, tree, things, background, force, overwrite, metadata, names, values, saved, ierr)
    class(cairn_checkpointer), intent(inout) :: self
    integer(int64), intent(in) :: step
    type(cairn_tree), optional, intent(in) :: tree
    type(cairn_checkpointables), optional, intent(in) :: things
    logical, intent(in) :: background
    logical, optional, intent(in) :: force, overwrite
    character(len=*), optional, intent(in) :: metadata, names(:)
    real(real64), optional, intent(in) :: values(:)
    logical, optional, intent(out) :: saved
    integer, optional, intent(out) :: ierr
    type(c_step_options) :: options
    character(len=:), allocatable, target :: metadata_text
    character(len=:), allocatable, target :: kept_names(:)
    type(c_metric), allocatable, target :: metrics(:)
    integer(c_int) :: code, was_saved
    options%struct_size = c_sizeof(options)
    options%force = flag(force)
    options%overwrite = flag(overwrite)
    if (present(metadata)) then
      metadata_text = c_text(metadata)
      options%custom_metadata = address_of(metadata_text)
    end if
    call put_metrics(names, values, kept_names, metrics)
    options%metric_count = size(metrics)
    if (size(metrics) > 0) options%metrics = c_loc(metrics(1))
    was_saved = 0
    if (present(tree)) then
      call read_logicals(tree)
      if (background) then
        code = c_checkpointer_save_async(self%handle, step, known_handle(tree), options, was_saved)
      else
        code = c_checkpointer_save(self%handle, step, known_handle(tree), options, was_saved)
      end if
    else
      call move_things(things, .true.)
      if (background) then
        code = c_checkpointer_save_checkpointables_async(self%handle, step, things%handle, options, was_saved)
      else
        code = c_checkpointer_save_checkpointables(self%handle, step, things%handle, options, was_saved)
      end if
    end if
    if (present(saved)) saved = was_saved /= 0
    call finish(code, self%comm, ierr)
  end subroutine

  subroutine checkpointer_should_stop(self, answer, ierr)
    class(cairn_checkpointer), intent(inout) :: self
    logical, intent(out) :: answer
    integer, optional, intent(out) :: ierr
    integer(c_int) :: code, number
    number = 0
    code = c_checkpointer_should_stop(self%handle, number)
    answer = number /= 0
    call finish(code, self%comm, ierr)
  end subroutine

  function checkpointer_exit_status(self) result(status)
    class(cairn_checkpointer), intent(in) :: self
    integer :: status
    status = int(c_checkpointer_exit_status(self%handle))
  end function

  function checkpointer_steps(self) result(steps)
    class(cairn_checkpointer), intent(in) :: self
    integer(int64), allocatable :: steps(:)
    steps = listed(self, c_checkpointer_steps)
  end function

  function checkpointer_damaged(self) result(steps)
    class(cairn_checkpointer), intent(in) :: self
    integer(int64), allocatable :: steps(:)
    steps = listed(self, c_checkpointer_damaged)
  end function

  ! What one of C's functions lists: asked for its length first.
  function listed(self, list) result(steps)
    class(cairn_checkpointer), intent(in) :: self
    procedure(c_checkpointer_steps) :: list
    integer(int64), allocatable :: steps(:)
    integer(int64), allocatable, target :: found(:)
    integer(c_size_t) :: count, capacity
    count = 0
    call finish(list(self%handle, c_null_ptr, 0_c_size_t, count), self%comm)
    capacity = count
    allocate (found(capacity + 1))
    call finish(list(self%handle, c_loc(found), capacity, count), self%comm)
    steps = found(:count)
  end function

  function checkpointer_latest(self) result(step)
    class(cairn_checkpointer), intent(in) :: self
    integer(int64) :: step
    step = -1
    call finish(c_checkpointer_latest(self%handle, step), self%comm)
  end function

  function checkpointer_best(self, metric, which) result(step)
    class(cairn_checkpointer), intent(in) :: self
    character(len=*), intent(in) :: metric
    integer, optional, intent(in) :: which
    integer(int64) :: step
    integer :: wanted
    wanted = CAIRN_LOWEST
    if (present(which)) wanted = which
    step = -1
    call finish(c_checkpointer_best(self%handle, c_text(metric), int(wanted, c_int), step), self%comm)
  end function

  subroutine checkpointer_wait(self, ierr)
    class(cairn_checkpointer), intent(inout) :: self
    integer, optional, intent(out) :: ierr
    call finish(c_checkpointer_wait(self%handle), self%comm, ierr)
  end subroutine

  subroutine checkpointer_reload(self, ierr)
    class(cairn_checkpointer), intent(inout) :: self
    integer, optional, intent(out) :: ierr
    call finish(c_checkpointer_reload(self%handle), self%comm, ierr)
  end subroutine

  !> Waits for what is under way, and frees everything. exit_status is to be asked before.
  subroutine checkpointer_close(self, ierr)
    class(cairn_checkpointer), intent(inout) :: self
    integer, optional, intent(out) :: ierr
    integer(c_int) :: code
    code = c_checkpointer_close(self%handle)
    call c_checkpointer_free(self%handle)
    self%handle = c_null_ptr
    call finish(code, self%comm, ierr)
  end subroutine
