  ! ---- trees

  subroutine assign_tree(to, from)
    class(cairn_tree), intent(inout) :: to
    type(cairn_tree), intent(in) :: from
    if (associated(to%rep, from%rep)) return
    call release(to%rep)
    to%rep => from%rep
    if (associated(to%rep)) to%rep%references = to%rep%references + 1
  end subroutine

  subroutine finish_tree(tree)
    type(cairn_tree), intent(inout) :: tree
    call release(tree%rep)
  end subroutine

  subroutine release(rep)
    type(tree_rep), pointer, intent(inout) :: rep
    if (.not. associated(rep)) return
    rep%references = rep%references - 1
    if (rep%references == 0) then
      call forget(rep, '', .true.)
      call c_tree_free(rep%handle)
      deallocate (rep)
    end if
    nullify (rep)
  end subroutine

  !> The tree's handle, which is made where there is none.
  function handle_of(tree) result(handle)
    class(cairn_tree), intent(inout) :: tree
    type(c_ptr) :: handle
    if (.not. associated(tree%rep)) then
      allocate (tree%rep)
      call finish(c_tree_create(tree%rep%handle), world())
    end if
    handle = tree%rep%handle
  end function

  !> The same for binding something anew at `path`: what was kept of what is bound there now goes.
  function handle_for(tree, path) result(handle)
    class(cairn_tree), intent(inout) :: tree
    character(len=*), intent(in) :: path
    type(c_ptr) :: handle
    handle = handle_of(tree)
    call forget(tree%rep, path, .false.)
  end function

  !> The same of a tree that is only looked at; null where it has none.
  function known_handle(tree) result(handle)
    class(cairn_tree), intent(in) :: tree
    type(c_ptr) :: handle
    handle = c_null_ptr
    if (associated(tree%rep)) handle = tree%rep%handle
  end function

  !> Keeps what is wrong, for the next save or load to report on all ranks.
  subroutine complain(tree, path, problem)
    class(cairn_tree), intent(inout) :: tree
    character(len=*), intent(in) :: path, problem
    call finish(c_tree_add_problem(handle_of(tree), c_text(path), c_text(problem)), world())
  end subroutine

  subroutine bind_whole(tree, path, view, kind)
    class(cairn_tree), intent(inout) :: tree
    character(len=*), intent(in) :: path, kind
    type(cairn_array), intent(in) :: view
    type(cairn_array) :: bound
    integer(c_int64_t), target :: shape(9), strides(9)
    type(c_ptr) :: handle
    handle = handle_for(tree, path)
    bound = view
    if (view%is_logical) call copy_logicals(tree, path, bound)
    shape = reversed(bound%extents, bound%ndims)
    strides = reversed(bound%strides, bound%ndims)
    select case (kind)
    case ('value')
      call finish(c_tree_ref(handle, c_text(path), bound%dtype, bound%address), world())
    case ('replicated')
      call finish(c_tree_replicated(handle, c_text(path), bound%dtype, bound%address, int(bound%ndims, c_int), &
                                    c_loc(shape), c_loc(strides)), world())
    case ('per_rank')
      call finish(c_tree_per_rank(handle, c_text(path), bound%dtype, bound%address, int(bound%ndims, c_int), &
                                  c_loc(shape), c_loc(strides)), world())
    case ('appended')
      call finish(c_tree_appended(handle, c_text(path), bound%dtype, bound%address, shape(1), &
                                  int(bound%ndims - 1, c_int), c_loc(shape(2)), c_loc(strides)), world())
    end select
    call finish(c_tree_set_fortran_order(handle, c_text(path)), world())
    call judge(tree, path, view)
  end subroutine

  subroutine judge(tree, path, view)
    class(cairn_tree), intent(inout) :: tree
    character(len=*), intent(in) :: path
    type(cairn_array), intent(in) :: view
    if (view%is_odd) call complain(tree, path, &
      'is an array whose elements are not a whole number of elements apart: bind a copy')
    if (view%is_logical .and. .not. lies_contiguous(view)) call complain(tree, path, &
      'is a section of a logical array: bind the whole array, or a copy')
  end subroutine

  subroutine bind_sharded(tree, path, given, given_box, replica, replicas, also)
    class(cairn_tree), intent(inout) :: tree
    character(len=*), intent(in) :: path
    type(cairn_array), intent(in) :: given
    type(box_args), intent(in) :: given_box
    integer, optional, intent(in) :: replica, replicas
    logical, optional, intent(in) :: also
    type(cairn_array) :: view
    type(box_args) :: box
    type(c_slab) :: slab
    type(c_memory) :: memory
    integer(c_int64_t), target :: shape(9), start(9), count(9), memory_shape(9), memory_start(9), strides(9)
    logical :: more
    type(c_ptr) :: handle
    handle = handle_of(tree)
    more = .false.
    if (present(also)) more = also
    view = given
    box = given_box
    if (.not. more) call forget(tree%rep, path, .false.)
    if (view%is_logical) call copy_logicals(tree, path, view)
    if (view%is_text) call lead_with(box, view%extents(1))
    shape = reversed(box%shape, box%ndims)
    start = reversed(box%start, box%ndims)
    count = reversed(box%count, box%ndims)
    memory_shape = reversed(view%extents, view%ndims)
    memory_start = reversed(box%memory_start, box%ndims)
    strides = reversed(view%strides, view%ndims)
    slab%struct_size = c_sizeof(slab)
    slab%ndims = int(box%ndims, c_int)
    slab%shape = c_loc(shape)
    if (box%has_start) slab%start = c_loc(start)
    if (box%has_count) slab%count = c_loc(count)
    if (present(replica)) slab%replica = int(replica, c_int)
    if (present(replicas)) slab%replicas = int(replicas, c_int)
    memory%struct_size = c_sizeof(memory)
    if (box%ndims == view%ndims) then
      memory%shape = c_loc(memory_shape)
      memory%strides = c_loc(strides)
      if (box%has_memory_start) memory%start = c_loc(memory_start)
    end if
    if (more) then
      call finish(c_tree_also(handle, c_text(path), view%address, slab, memory), world())
    else
      call finish(c_tree_sharded_in(handle, c_text(path), view%dtype, view%address, slab, memory), world())
      call finish(c_tree_set_fortran_order(handle, c_text(path)), world())
    end if
    if (box%is_odd .or. box%ndims /= view%ndims) call complain(tree, path, &
      'has shape, start, count or memory_start of another length than the array has dimensions')
    if (.not. box%has_memory_start .and. box%has_count .and. box%ndims == view%ndims) then
      if (any(box%count(:box%ndims) /= view%extents(:box%ndims))) call complain(tree, path, &
        'is an array of other extents than count: say where the box begins in it (memory_start, or memory_lower)')
    end if
    call judge(tree, path, given)
  end subroutine

  !> The characters of each element are one more dimension, the fastest.
  subroutine lead_with(box, length)
    type(box_args), intent(inout) :: box
    integer(c_int64_t), intent(in) :: length
    integer :: n
    n = min(box%ndims, 8)
    box%shape(2:n + 1) = box%shape(:n)
    box%start(2:n + 1) = box%start(:n)
    box%count(2:n + 1) = box%count(:n)
    box%memory_start(2:n + 1) = box%memory_start(:n)
    box%shape(1) = length
    box%start(1) = 0
    box%count(1) = length
    box%memory_start(1) = 0
    box%ndims = n + 1
  end subroutine

  !> A box by inclusive bounds, all in the global array's indices; `memory_lower` is lbound of the array, in them too.
  subroutine bind_bounds(tree, path, view, global, own, memory_lower, replica, replicas, also)
    class(cairn_tree), intent(inout) :: tree
    character(len=*), intent(in) :: path
    type(cairn_array), intent(in) :: view
    type(box_args), intent(in) :: global, own  ! shape: the lower bounds, start: the upper ones
    type(box_args), optional, intent(in) :: memory_lower
    integer, optional, intent(in) :: replica, replicas
    logical, optional, intent(in) :: also
    type(box_args) :: box
    box%ndims = global%ndims
    box%is_odd = global%is_odd .or. own%is_odd .or. own%ndims /= global%ndims
    box%shape = max(0_c_int64_t, global%start - global%shape + 1)
    box%start = own%shape - global%shape
    box%count = max(0_c_int64_t, own%start - own%shape + 1)
    box%has_start = .true.
    box%has_count = .true.
    box%has_memory_start = present(memory_lower)
    if (present(memory_lower)) then
      box%memory_start = own%shape - memory_lower%shape
      box%is_odd = box%is_odd .or. memory_lower%ndims /= box%ndims
    end if
    call bind_sharded(tree, path, view, box, replica, replicas, also)
  end subroutine

  ! ---- logical arrays

  subroutine copy_logicals(tree, path, view)
    class(cairn_tree), intent(inout) :: tree
    character(len=*), intent(in) :: path
    type(cairn_array), intent(inout) :: view
    type(logical_copy), pointer :: copy
    allocate (copy)
    copy%path = trim(path)
    copy%address = view%address
    copy%element_bytes = view%element_bytes
    allocate (copy%bytes(max(1_int64, product(view%extents(:view%ndims)))))
    copy%bytes = 0
    if (.not. lies_contiguous(view)) copy%address = c_null_ptr
    copy%next => tree%rep%logicals
    tree%rep%logicals => copy
    view = new_view(dtype_bool, 1, view%extents(:view%ndims))
    view%address = c_loc(copy%bytes(1))
  end subroutine

  !> What the tree keeps of this path, or of those below it too.
  subroutine forget(rep, path, below)
    type(tree_rep), intent(inout) :: rep
    character(len=*), intent(in) :: path
    logical, intent(in) :: below
    call forget_logicals(rep, path, below)
    call forget_rows(rep, path, below)
  end subroutine

  pure function is_at(path, group, below) result(yes)
    character(len=*), intent(in) :: path, group
    logical, intent(in) :: below
    logical :: yes
    yes = path == trim(group) .or. (below .and. (group == '' .or. index(path, trim(group) // '/') == 1))
  end function

  subroutine forget_logicals(rep, path, below)
    type(tree_rep), intent(inout) :: rep
    character(len=*), intent(in) :: path
    logical, intent(in) :: below
    type(logical_copy), pointer :: copy, next, kept
    kept => null()
    copy => rep%logicals
    do while (associated(copy))
      next => copy%next
      if (is_at(copy%path, path, below)) then
        deallocate (copy%bytes)
        deallocate (copy)
      else
        copy%next => kept
        kept => copy
      end if
      copy => next
    end do
    rep%logicals => kept
  end subroutine

  !> Before a save: what the arrays hold now.
  subroutine read_logicals(tree)
    type(cairn_tree), intent(in) :: tree
    call move_logicals(tree, .true.)
  end subroutine

  !> After a load in the background, once.
  subroutine write_logicals_if_due(tree)
    type(cairn_tree), intent(in) :: tree
    if (.not. associated(tree%rep)) return
    if (tree%rep%is_write_due) call write_logicals(tree)
    tree%rep%is_write_due = .false.
  end subroutine

  !> After a load.
  subroutine write_logicals(tree)
    type(cairn_tree), intent(in) :: tree
    call move_logicals(tree, .false.)
  end subroutine

  subroutine move_logicals(tree, reading)
    type(cairn_tree), intent(in) :: tree
    logical, intent(in) :: reading
    type(logical_copy), pointer :: copy
    if (.not. associated(tree%rep)) return
    copy => tree%rep%logicals
    do while (associated(copy))
      if (c_associated(copy%address)) call move_one(copy, reading)
      copy => copy%next
    end do
  end subroutine

  subroutine move_one(copy, reading)
    type(logical_copy), intent(inout) :: copy
    logical, intent(in) :: reading
    logical(int8), pointer :: l8(:)
    logical(int16), pointer :: l16(:)
    logical(int32), pointer :: l32(:)
    logical(int64), pointer :: l64(:)
    select case (copy%element_bytes)
!@move_logicals
    end select
  end subroutine

  ! ---- text, and looking

  subroutine tree_string(self, path, variable)
    class(cairn_tree), intent(inout) :: self
    character(len=*), intent(in) :: path
    character(len=*), intent(in), target :: variable
    type(c_ptr) :: address
    address = c_null_ptr
    if (len(variable) > 0) address = address_of(variable)
    call finish(c_tree_ref_padded(handle_for(self, path), c_text(path), address, int(len(variable), c_size_t)), world())
  end subroutine

  subroutine tree_text(self, path, value)
    class(cairn_tree), intent(inout) :: self
    character(len=*), intent(in) :: path, value
    call finish(c_tree_text(handle_for(self, path), c_text(path), c_text(value)), world())
  end subroutine

  subroutine tree_read_only(self, path, ierr)
    class(cairn_tree), intent(inout) :: self
    character(len=*), intent(in) :: path
    integer, optional, intent(out) :: ierr
    call finish(c_tree_set_read_only(handle_of(self), c_text(path)), world(), ierr)
  end subroutine

  function tree_size(self)
    class(cairn_tree), intent(in) :: self
    integer :: tree_size
    tree_size = int(c_tree_size(known_handle(self)))
  end function

  function tree_contains(self, path)
    class(cairn_tree), intent(in) :: self
    character(len=*), intent(in) :: path
    logical :: tree_contains
    tree_contains = c_tree_contains(known_handle(self), c_text(path)) /= 0
  end function

  subroutine tree_erase(self, path)
    class(cairn_tree), intent(inout) :: self
    character(len=*), intent(in) :: path
    integer(c_int) :: erased
    call finish(c_tree_erase(handle_of(self), c_text(path), erased), world())
    call forget(self%rep, path, .true.)
  end subroutine

  subroutine tree_get_text(self, path, text, ierr)
    class(cairn_tree), intent(in) :: self
    character(len=*), intent(in) :: path
    character(len=:), allocatable, intent(out) :: text
    integer, optional, intent(out) :: ierr
    type(c_ptr) :: found
    integer(c_int) :: code
    code = c_tree_get_text(known_handle(self), c_text(path), found)
    text = f_text(found)
    call c_free(found)
    call finish(code, world(), ierr)
  end subroutine

  !> Where the values of an own leaf are, and their extents in Fortran's order, which must be `ndims`.
  subroutine find_values(tree, path, dtype, ndims, values, extents, code)
    class(cairn_tree), intent(in) :: tree
    character(len=*), intent(in) :: path
    integer(c_int), intent(in) :: dtype
    integer, intent(in) :: ndims
    type(c_ptr), intent(out) :: values
    integer(c_int64_t), intent(out) :: extents(:)
    integer(c_int), intent(out) :: code
    type(c_leaf) :: leaf
    extents = 0
    values = c_null_ptr
    leaf%struct_size = c_sizeof(leaf)
    code = c_tree_leaf(known_handle(tree), c_text(path), leaf)
    if (code == 0) code = c_tree_data(known_handle(tree), c_text(path), dtype, values)
    if (code /= 0) return
    if (leaf%ndims /= ndims) then
      write (error_unit, '(3a,i0,a,i0)') 'cairn: the leaf ', trim(path), ' has ', leaf%ndims, &
        ' dimensions, and the array has ', ndims
      code = CAIRN_MISMATCH
    else
      extents(:ndims) = leaf%count(ndims:1:-1)
    end if
  end subroutine
