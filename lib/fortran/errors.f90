  ! ---- text and errors

  function c_text(text)
    character(len=*), intent(in) :: text
    character(len=:), allocatable :: c_text
    c_text = trim(text) // c_null_char
  end function

  function address_of(text)
    character(len=*), intent(in), target :: text
    type(c_ptr) :: address_of
    address_of = c_loc(text(1:1))
  end function

  !> A copy of C's text; "" of NULL.
  function f_text(pointer) result(text)
    type(c_ptr), intent(in) :: pointer
    character(len=:), allocatable :: text
    character(kind=c_char), pointer :: bytes(:)
    integer(c_size_t) :: length, i
    length = 0
    if (c_associated(pointer)) length = c_strlen(pointer)
    allocate (character(len=length) :: text)
    if (length == 0) return
    call c_f_pointer(pointer, bytes, [length])
    do i = 1, length
      text(i:i) = bytes(i)
    end do
  end function

  !> What went wrong in the last call that failed.
  function cairn_last_error() result(text)
    character(len=:), allocatable :: text
    text = f_text(c_last_error())
  end function

  !> For procedures that the library calls: `ierr = cairn_fail('why')`.
  function cairn_fail(message) result(ierr)
    character(len=*), intent(in) :: message
    integer :: ierr
    ierr = int(c_fail(c_text(message)))
  end function

  !> Hands a code to the caller, or ends the program.
  subroutine finish(code, comm, ierr)
    integer(c_int), intent(in) :: code
    integer(int32), intent(in) :: comm
    integer, optional, intent(out) :: ierr
    integer(int32) :: status, ignored
    if (present(ierr)) then
      ierr = int(code)
    else if (code /= 0) then
      write (error_unit, '(2a)') 'cairn: ', cairn_last_error()
      flush (error_unit)
      status = int(code, int32)
      call MPI_Abort(comm, status, ignored)
    end if
  end subroutine

  function world()
    integer(int32) :: world
    world = int(MPI_COMM_WORLD, int32)
  end function

  function flag(value) result(number)
    logical, optional, intent(in) :: value
    integer(c_int) :: number
    number = 0
    if (present(value)) number = merge(1_c_int, 0_c_int, value)
  end function
