  ! ---- handlers of a program's own

  subroutine context_add_handler(self, type, handler, bound_name, ierr)
    class(cairn_context), intent(inout) :: self
    character(len=*), intent(in) :: type
    class(cairn_handler), intent(inout), target :: handler
    character(len=*), optional, intent(in) :: bound_name
    integer, optional, intent(out) :: ierr
    type(handler_link), pointer :: link
    type(c_handler) :: calls
    character(len=:), allocatable, target :: type_text
    character(len=:), allocatable :: bound
    allocate (link)
    link%handler => handler
    type_text = c_text(type)
    calls%struct_size = c_sizeof(calls)
    calls%type = address_of(type_text)
    calls%arg = c_loc(link)
    calls%save = c_funloc(handler_save)
    calls%load = c_funloc(handler_load)
    calls%destroy = c_funloc(handler_destroy)
    bound = c_null_char
    if (present(bound_name)) bound = c_text(bound_name)
    call finish(c_context_add_handler(self%handle, calls, bound), self%comm, ierr)
  end subroutine

  subroutine things_add_object(self, name, type, object)
    class(cairn_checkpointables), intent(inout) :: self
    character(len=*), intent(in) :: name, type
    class(*), intent(inout), target :: object
    type(object_link), pointer :: link
    allocate (link)
    link%object => object
    link%next => self%objects
    self%objects => link
    call finish(c_checkpointables_add_object(handle_of_things(self), c_text(name), c_text(type), c_loc(link)), world())
  end subroutine

  !> All is written before it returns: there is no job for later.
  function handler_save(arg, scope, object, job) result(code) bind(C, name='')
    type(c_ptr), value :: arg, scope, object
    type(c_ptr), intent(out) :: job
    integer(c_int) :: code
    job = c_null_ptr
    code = handle(arg, scope, object, .true.)
  end function

  function handler_load(arg, scope, object) result(code) bind(C, name='')
    type(c_ptr), value :: arg, scope, object
    integer(c_int) :: code
    code = handle(arg, scope, object, .false.)
  end function

  !> Nothing can call the handler any more.
  subroutine handler_destroy(arg) bind(C, name='')
    type(c_ptr), value :: arg
    type(handler_link), pointer :: link
    call c_f_pointer(arg, link)
    deallocate (link)
  end subroutine

  function handle(arg, scope, object, saving) result(code)
    type(c_ptr), intent(in) :: arg, scope, object
    logical, intent(in) :: saving
    integer(c_int) :: code
    type(handler_link), pointer :: link
    type(object_link), pointer :: thing
    type(cairn_scope) :: shown
    integer :: ierr
    call c_f_pointer(arg, link)
    call c_f_pointer(object, thing)
    shown%handle = scope
    ierr = 0
    if (saving) then
      call link%handler%save(shown, thing%object, ierr)
    else
      call link%handler%load(shown, thing%object, ierr)
    end if
    code = int(ierr, c_int)
  end function

  function scope_comm(self) result(comm)
    class(cairn_scope), intent(in) :: self
    integer(int32) :: comm
    comm = int(c_scope_comm_f(self%handle), int32)
  end function

  subroutine scope_file(self, suffix, path, ierr)
    class(cairn_scope), intent(in) :: self
    character(len=*), intent(in) :: suffix
    character(len=:), allocatable, intent(out) :: path
    integer, optional, intent(out) :: ierr
    type(c_ptr) :: found
    integer(c_int) :: code
    code = c_scope_file(self%handle, c_text(suffix), found)
    path = f_text(found)
    call c_free(found)
    call finish(code, self%comm(), ierr)
  end subroutine

  subroutine scope_agree(self, message, ierr)
    class(cairn_scope), intent(in) :: self
    character(len=*), intent(in) :: message
    integer, intent(inout) :: ierr
    type(step_link), target :: link
    link%has_failed = ierr /= 0
    link%message = message
    ierr = int(c_scope_agree(self%handle, c_funloc(tell_step), c_loc(link)))
  end subroutine

  function tell_step(arg) result(code) bind(C, name='')
    type(c_ptr), value :: arg
    integer(c_int) :: code
    type(step_link), pointer :: link
    call c_f_pointer(arg, link)
    code = 0
    if (link%has_failed) code = c_fail(c_text(link%message))
  end function

  subroutine forget_objects(things)
    class(cairn_checkpointables), intent(inout) :: things
    type(object_link), pointer :: next
    do while (associated(things%objects))
      next => things%objects%next
      deallocate (things%objects)
      things%objects => next
    end do
  end subroutine
