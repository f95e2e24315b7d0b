  ! ---- checkpointables

  function handle_of_things(things) result(handle)
    class(cairn_checkpointables), intent(inout) :: things
    type(c_ptr) :: handle
    if (.not. c_associated(things%handle)) call finish(c_checkpointables_create(things%handle), world())
    handle = things%handle
  end function

  subroutine things_add_tree(self, name, tree)
    class(cairn_checkpointables), intent(inout) :: self
    character(len=*), intent(in) :: name
    type(cairn_tree), intent(inout) :: tree
    type(tree_in_things), allocatable :: trees(:)
    integer :: i, n
    n = 0
    if (allocated(self%trees)) n = size(self%trees)
    allocate (trees(n + 1))
    do i = 1, n
      trees(i)%tree = self%trees(i)%tree
    end do
    call finish(c_checkpointables_add_tree(handle_of_things(self), c_text(name), handle_of(tree)), world())
    trees(n + 1)%tree = tree
    call move_alloc(trees, self%trees)
  end subroutine

  subroutine things_add_json(self, name, json)
    class(cairn_checkpointables), intent(inout) :: self
    character(len=*), intent(in) :: name, json
    call finish(c_checkpointables_add_json(handle_of_things(self), c_text(name), c_text(json)), world())
  end subroutine

  subroutine things_get_json(self, name, json, ierr)
    class(cairn_checkpointables), intent(in) :: self
    character(len=*), intent(in) :: name
    character(len=:), allocatable, intent(out) :: json
    integer, optional, intent(out) :: ierr
    type(c_ptr) :: found
    integer(c_int) :: code
    code = c_checkpointables_get_json(self%handle, c_text(name), found)
    json = f_text(found)
    call c_free(found)
    call finish(code, world(), ierr)
  end subroutine

  subroutine things_add_file(self, name, path)
    class(cairn_checkpointables), intent(inout) :: self
    character(len=*), intent(in) :: name, path
    call finish(c_checkpointables_add_file(handle_of_things(self), c_text(name), c_text(path)), world())
  end subroutine

  subroutine things_free(self)
    class(cairn_checkpointables), intent(inout) :: self
    call c_checkpointables_free(self%handle)
    self%handle = c_null_ptr
    if (allocated(self%trees)) deallocate (self%trees)
    call forget_states(self)
    call forget_objects(self)
  end subroutine

  subroutine move_things(things, reading)
    class(cairn_checkpointables), intent(in) :: things
    logical, intent(in) :: reading
    integer :: i
    if (.not. allocated(things%trees)) return
    do i = 1, size(things%trees)
      call move_logicals(things%trees(i)%tree, reading)
    end do
  end subroutine
