  ! ---- rows that a load makes room for

  subroutine tree_appended_rows(self, path, rows)
    class(cairn_tree), intent(inout) :: self
    character(len=*), intent(in) :: path
    class(cairn_rows), intent(inout), target :: rows
    type(rows_link), pointer :: link
    type(c_rows) :: calls
    type(c_ptr) :: handle
    integer(c_int64_t), target :: shape(9)
    integer :: ndims
    handle = handle_of(self)
    call forget(self%rep, path, .false.)
    allocate (link)
    link%path = trim(path)
    link%rows => rows
    link%next => self%rep%rows
    self%rep%rows => link
    call rows%locate(link%path, link%first)
    ndims = link%first%ndims
    shape = reversed(link%first%extents, ndims)
    calls%struct_size = c_sizeof(calls)
    calls%arg = c_loc(link)
    calls%data = c_funloc(rows_data)
    calls%resize = c_funloc(rows_resize)
    call finish(c_tree_appended_rows(handle, c_text(path), link%first%dtype, calls, int(max(ndims - 1, 0), c_int), &
                                     c_loc(shape(2))), world())
    call finish(c_tree_set_fortran_order(handle, c_text(path)), world())
    if (ndims == 0) call complain(self, path, 'has no array: locate did not set it')
    if (link%first%is_logical) call complain(self, path, 'has rows of logicals: use integers')
    if (ndims > 0 .and. .not. lies_contiguous(link%first)) call complain(self, path, &
      'has rows that are not contiguous: locate must give a whole array')
  end subroutine

  !> Where the rows are now. What is not the array that was bound, the caller refuses by its negative count.
  function rows_data(arg, rows) result(address) bind(C, name='')
    type(c_ptr), value :: arg
    integer(c_int64_t), intent(out) :: rows
    type(c_ptr) :: address
    type(rows_link), pointer :: link
    type(cairn_array) :: array
    integer :: n
    call c_f_pointer(arg, link)
    call link%rows%locate(link%path, array)
    rows = -1
    address = c_null_ptr
    n = array%ndims
    if (n == 0 .or. n /= link%first%ndims .or. array%dtype /= link%first%dtype) return
    if (any(array%extents(:n - 1) /= link%first%extents(:n - 1)) .or. .not. lies_contiguous(array)) return
    rows = array%extents(n)
    address = array%address
  end function

  function rows_resize(arg, rows) result(code) bind(C, name='')
    type(c_ptr), value :: arg
    integer(c_int64_t), value :: rows
    integer(c_int) :: code
    type(rows_link), pointer :: link
    integer :: ierr
    call c_f_pointer(arg, link)
    ierr = 0
    call link%rows%resize(link%path, int(rows, int64), ierr)
    code = int(ierr, c_int)
  end function

  subroutine forget_rows(rep, path, below)
    type(tree_rep), intent(inout) :: rep
    character(len=*), intent(in) :: path
    logical, intent(in) :: below
    type(rows_link), pointer :: link, next, kept
    kept => null()
    link => rep%rows
    do while (associated(link))
      next => link%next
      if (is_at(link%path, path, below)) then
        deallocate (link)
      else
        link%next => kept
        kept => link
      end if
      link => next
    end do
    rep%rows => kept
  end subroutine
