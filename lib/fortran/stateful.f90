  ! ---- objects with a state of their own

  subroutine things_add_stateful(self, name, object, replicated)
    class(cairn_checkpointables), intent(inout) :: self
    character(len=*), intent(in) :: name
    class(cairn_stateful), intent(inout), target :: object
    logical, optional, intent(in) :: replicated
    type(stateful_link), pointer :: link
    type(c_stateful) :: calls
    allocate (link)
    link%object => object
    link%next => self%states
    self%states => link
    calls%struct_size = c_sizeof(calls)
    calls%arg = c_loc(link)
    calls%scope = flag(replicated)  ! CAIRN_STATE_PER_RANK, CAIRN_STATE_REPLICATED
    calls%save = c_funloc(stateful_save)
    calls%load = c_funloc(stateful_load)
    select type (object)
    class is (cairn_stateful_any_ranks)
      calls%load_all = c_funloc(stateful_load_all)
    end select
    call finish(c_checkpointables_add_stateful(handle_of_things(self), c_text(name), calls), world())
  end subroutine

  function stateful_save(arg, text) result(code) bind(C, name='')
    type(c_ptr), value :: arg, text
    integer(c_int) :: code
    type(stateful_link), pointer :: link
    character(len=:), allocatable :: json
    integer :: ierr
    call c_f_pointer(arg, link)
    ierr = 0
    call link%object%save(json, ierr)
    code = int(ierr, c_int)
    if (code /= 0) return
    if (.not. allocated(json)) json = 'null'
    code = c_text_set(text, c_text(json))
  end function

  function stateful_load(arg, json) result(code) bind(C, name='')
    type(c_ptr), value :: arg, json
    integer(c_int) :: code
    type(stateful_link), pointer :: link
    integer :: ierr
    call c_f_pointer(arg, link)
    ierr = 0
    call link%object%load(f_text(json), ierr)
    code = int(ierr, c_int)
  end function

  function stateful_load_all(arg, json, ranks, rank, ranks_now) result(code) bind(C, name='')
    type(c_ptr), value :: arg
    integer(c_int), value :: ranks, rank, ranks_now
    type(c_ptr), intent(in) :: json(*)
    integer(c_int) :: code
    type(stateful_link), pointer :: link
    character(len=:), allocatable :: states(:)
    integer(c_size_t) :: longest
    integer(c_int) :: i
    integer :: ierr
    call c_f_pointer(arg, link)
    longest = 0
    do i = 1, ranks
      longest = max(longest, c_strlen(json(i)))
    end do
    allocate (character(len=longest) :: states(ranks))
    do i = 1, ranks
      states(i) = f_text(json(i))
    end do
    ierr = 0
    select type (object => link%object)
    class is (cairn_stateful_any_ranks)
      call object%load_all(states, int(rank), int(ranks_now), ierr)
    end select
    code = int(ierr, c_int)
  end function

  subroutine forget_states(things)
    class(cairn_checkpointables), intent(inout) :: things
    type(stateful_link), pointer :: next
    do while (associated(things%states))
      next => things%states%next
      deallocate (things%states)
      things%states => next
    end do
  end subroutine
