  ! ---- contexts, and calls that take one

  subroutine make_context(context, comm, code)
    type(cairn_context), intent(out) :: context
    integer(int32), intent(in) :: comm
    integer(c_int), intent(out) :: code
    context%comm = comm
    code = c_context_create_f(int(comm, c_int), context%handle)
  end subroutine

  subroutine context_set(self, option, text, ierr)
    class(cairn_context), intent(inout) :: self
    character(len=*), intent(in) :: option, text
    integer, optional, intent(out) :: ierr
    call finish(c_context_set(self%handle, c_text(option), c_text(text)), self%comm, ierr)
  end subroutine

  subroutine context_get(self, option, text, ierr)
    class(cairn_context), intent(in) :: self
    character(len=*), intent(in) :: option
    character(len=:), allocatable, intent(out) :: text
    integer, optional, intent(out) :: ierr
    type(c_ptr) :: found
    integer(c_int) :: code
    code = c_context_get(self%handle, c_text(option), found)
    text = f_text(found)
    call c_free(found)
    call finish(code, self%comm, ierr)
  end subroutine

  subroutine context_set_device_stream(self, stream, ierr)
    class(cairn_context), intent(inout) :: self
    type(c_ptr), intent(in) :: stream
    integer, optional, intent(out) :: ierr
    call finish(c_context_set_device_stream(self%handle, stream), self%comm, ierr)
  end subroutine

  subroutine context_free(self)
    class(cairn_context), intent(inout) :: self
    call c_context_free(self%handle)
    self%handle = c_null_ptr
  end subroutine

  subroutine put_metrics(names, values, kept_names, metrics)
    character(len=*), optional, intent(in) :: names(:)
    real(real64), optional, intent(in) :: values(:)
    character(len=:), allocatable, target, intent(out) :: kept_names(:)
    type(c_metric), allocatable, target, intent(out) :: metrics(:)
    integer :: i, n
    n = 0
    if (present(names) .and. present(values)) n = min(size(names), size(values))
    allocate (metrics(n))
    if (n == 0) return
    allocate (character(len=len(names) + 1) :: kept_names(n))
    do i = 1, n
      kept_names(i) = trim(names(i)) // c_null_char
      metrics(i)%name = c_loc(kept_names(i)(1:1))
      metrics(i)%value = values(i)
    end do
  end subroutine

  subroutine make_save_args(args, overwrite, name, metadata, metric_names, metric_values)
    type(save_args), target, intent(out) :: args
    logical, optional, intent(in) :: overwrite
    character(len=*), optional, intent(in) :: name, metadata
    character(len=*), optional, intent(in) :: metric_names(:)
    real(real64), optional, intent(in) :: metric_values(:)
    args%c%struct_size = c_sizeof(args%c)
    args%c%overwrite = flag(overwrite)
    if (present(name)) then
      args%name = c_text(name)
      args%c%checkpointable_name = address_of(args%name)
    end if
    if (present(metadata)) then
      args%metadata = c_text(metadata)
      args%c%custom_metadata = address_of(args%metadata)
    end if
    call put_metrics(metric_names, metric_values, args%metric_names, args%metrics)
    args%c%metric_count = size(args%metrics)
    if (size(args%metrics) > 0) args%c%metrics = c_loc(args%metrics(1))
  end subroutine

  subroutine make_load_args(args, partial, cast, name, whole, deal_per_rank, rename)
    type(load_args), target, intent(out) :: args
    logical, optional, intent(in) :: partial, whole, deal_per_rank
    integer, optional, intent(in) :: cast
    character(len=*), optional, intent(in) :: name
    type(cairn_rename), optional, intent(in) :: rename(:)
    args%c%struct_size = c_sizeof(args%c)
    args%c%partial = flag(partial)
    args%c%whole = flag(whole)
    args%c%deal_per_rank = flag(deal_per_rank)
    if (present(cast)) args%c%cast = int(cast, c_int)
    if (present(name)) then
      args%name = c_text(name)
      args%c%checkpointable_name = address_of(args%name)
    end if
    if (present(rename)) call put_renames(args, rename)
  end subroutine

  subroutine put_renames(args, rename)
    type(load_args), target, intent(inout) :: args
    type(cairn_rename), intent(in) :: rename(:)
    integer :: i
    allocate (args%rename(size(rename)), args%renames(size(rename)))
    do i = 1, size(rename)
      args%rename(i)%tree_path = path_or_empty(rename(i)%tree_path)
      args%rename(i)%file_path = path_or_empty(rename(i)%file_path)
      args%renames(i)%tree_path = address_of(args%rename(i)%tree_path)
      args%renames(i)%file_path = address_of(args%rename(i)%file_path)
    end do
    args%c%rename_count = size(rename)
    if (size(rename) > 0) args%c%renames = c_loc(args%renames(1))
  end subroutine

  !> For C, of text that may not be there.
  function path_or_empty(text) result(path)
    character(len=:), allocatable, intent(in) :: text
    character(len=:), allocatable :: path
    path = c_null_char
    if (allocated(text)) path = c_text(text)
  end function

  ! ---- responses

  function response_valid(self)
    class(cairn_response), intent(in) :: self
    logical :: response_valid
    response_valid = c_response_valid(self%handle) /= 0
  end function

  function response_done(self)
    class(cairn_response), intent(in) :: self
    logical :: response_done
    integer(c_int) :: done
    done = 1
    call finish(c_response_poll(self%handle, done), self%comm)
    response_done = done /= 0
  end function

  function response_snapshotted(self)
    class(cairn_response), intent(in) :: self
    logical :: response_snapshotted
    integer(c_int) :: free_again
    free_again = 1
    call finish(c_response_snapshotted(self%handle, free_again), self%comm)
    response_snapshotted = free_again /= 0
  end function

  !> Waits until it is over; what went wrong on any rank goes to all. Collective.
  subroutine cairn_wait(response, ierr)
    type(cairn_response), intent(inout) :: response
    integer, optional, intent(out) :: ierr
    integer(c_int) :: code
    code = c_response_result(response%handle, c_null_ptr)
    if (code == 0) call write_logicals_if_due(response%loaded)
    call response%free()
    call finish(code, response%comm, ierr)
  end subroutine

  subroutine response_cancel(self, ierr)
    class(cairn_response), intent(inout) :: self
    integer, optional, intent(out) :: ierr
    integer(c_int) :: code
    code = c_response_cancel(self%handle)
    call self%free()
    call finish(code, self%comm, ierr)
  end subroutine

  subroutine response_free(self)
    class(cairn_response), intent(inout) :: self
    call c_response_free(self%handle)
    self%handle = c_null_ptr
    call release(self%loaded%rep)
  end subroutine
