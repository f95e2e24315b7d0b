  ! ---- arrays in memory

  pure function new_view(dtype, element_bytes, extents) result(view)
    integer(c_int), intent(in) :: dtype
    integer, intent(in) :: element_bytes
    integer(c_int64_t), intent(in) :: extents(:)
    type(cairn_array) :: view
    integer :: dim
    view%dtype = dtype
    view%element_bytes = element_bytes
    view%ndims = size(extents)
    view%extents(:size(extents)) = extents
    view%strides(1) = 1
    do dim = 2, view%ndims
      view%strides(dim) = view%strides(dim - 1) * max(1_c_int64_t, view%extents(dim - 1))
    end do
  end function

  !> Finds the strides by the addresses of the first element, and of the next one along each dimension (the same one,
  !> where there is no next).
  subroutine place(view, addresses)
    type(cairn_array), intent(inout) :: view
    type(c_ptr), intent(in) :: addresses(:)
    integer(c_intptr_t) :: bytes
    integer :: dim, first
    view%address = addresses(1)
    first = merge(1, 0, view%is_text)  ! the characters of an element lie side by side
    do dim = 2, size(addresses)
      if (view%extents(dim - 1 + first) < 2) cycle
      bytes = transfer(addresses(dim), bytes) - transfer(addresses(1), bytes)
      view%is_odd = view%is_odd .or. mod(bytes, int(view%element_bytes, c_intptr_t)) /= 0
      view%strides(dim - 1 + first) = bytes / view%element_bytes
    end do
  end subroutine

  pure function lies_contiguous(view) result(yes)
    type(cairn_array), intent(in) :: view
    logical :: yes
    integer :: dim
    integer(c_int64_t) :: expected
    yes = .true.
    if (any(view%extents(:view%ndims) == 0)) return
    expected = 1
    do dim = 1, view%ndims
      if (view%extents(dim) > 1 .and. view%strides(dim) /= expected) yes = .false.
      expected = expected * view%extents(dim)
    end do
  end function

  !> In C's order.
  pure function reversed(values, n)
    integer, intent(in) :: n
    integer(c_int64_t), intent(in) :: values(:)
    integer(c_int64_t) :: reversed(9)
    reversed = 0
    reversed(:n) = values(n:1:-1)
  end function

  function as_box_i32(shape, start, count, memory_start) result(box)
    integer(int32), intent(in) :: shape(:)
    integer(int32), optional, intent(in) :: start(:), count(:), memory_start(:)
    type(box_args) :: box
    integer(int64), allocatable :: wide_start(:), wide_count(:), wide_memory_start(:)  ! absent where not allocated
    if (present(start)) wide_start = int(start, int64)
    if (present(count)) wide_count = int(count, int64)
    if (present(memory_start)) wide_memory_start = int(memory_start, int64)
    box = as_box_i64(int(shape, int64), wide_start, wide_count, wide_memory_start)
  end function

  function as_box_i64(shape, start, count, memory_start) result(box)
    integer(int64), intent(in) :: shape(:)
    integer(int64), optional, intent(in) :: start(:), count(:), memory_start(:)
    type(box_args) :: box
    box%ndims = min(size(shape), 9)
    box%shape(:box%ndims) = shape(:box%ndims)
    box%has_start = present(start)
    box%has_count = present(count)
    box%has_memory_start = present(memory_start)
    if (present(start)) call put(box%start, start)
    if (present(count)) call put(box%count, count)
    if (present(memory_start)) call put(box%memory_start, memory_start)
  contains
    subroutine put(to, from)
      integer(c_int64_t), intent(out) :: to(9)
      integer(int64), intent(in) :: from(:)
      to = 0
      to(:min(size(from), 9)) = from(:min(size(from), 9))
      box%is_odd = box%is_odd .or. size(from) /= box%ndims
    end subroutine
  end function
