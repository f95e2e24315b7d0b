  ! ---- what a checkpoint holds

  !> Not collective, and without MPI.
  subroutine cairn_metadata_read_local(path, metadata, ierr)
    character(len=*), intent(in) :: path
    type(cairn_metadata), intent(out) :: metadata
    integer, optional, intent(out) :: ierr
    type(c_ptr) :: handle
    integer(c_int) :: code
    code = c_metadata_read_local(c_text(path), handle)
    call take_metadata(handle, metadata, code)
    call finish(code, world(), ierr)
  end subroutine

  !> Copies all that the handle tells, and frees it.
  subroutine take_metadata(handle, metadata, code)
    type(c_ptr), intent(in) :: handle
    type(cairn_metadata), intent(out) :: metadata
    integer(c_int), intent(inout) :: code
    type(c_metadata_info) :: info
    type(c_metric) :: metric
    integer(c_size_t) :: i
    info%struct_size = c_sizeof(info)
    if (code == 0) code = c_metadata_get(handle, info)
    metadata%format_version = int(info%format_version)
    metadata%world_size = int(info%world_size)
    metadata%library_version = f_text(info%library_version)
    metadata%created_s = info%created_s
    metadata%custom_metadata = f_text(info%custom_metadata)
    allocate (metadata%metrics(info%metric_count), metadata%checkpointables(info%checkpointable_count))
    do i = 1, info%metric_count
      if (code == 0) code = c_metadata_metric(handle, i - 1, metric)
      metadata%metrics(i)%name = f_text(metric%name)
      metadata%metrics(i)%value = metric%value
    end do
    do i = 1, info%checkpointable_count
      call take_checkpointable(handle, i - 1, metadata%checkpointables(i), code)
    end do
    call c_metadata_free(handle)
  end subroutine

  subroutine take_checkpointable(handle, number, told, code)
    type(c_ptr), intent(in) :: handle
    integer(c_size_t), intent(in) :: number
    type(cairn_checkpointable_info), intent(out) :: told
    integer(c_int), intent(inout) :: code
    type(c_checkpointable_info) :: info
    type(c_leaf) :: leaf
    integer(c_size_t) :: i
    info%struct_size = c_sizeof(info)
    if (code == 0) code = c_metadata_checkpointable(handle, number, info)
    told%name = f_text(info%name)
    told%handler = f_text(info%handler)
    told%file = f_text(info%file)
    told%bytes = info%bytes
    told%metadata = f_text(info%metadata)
    allocate (told%leaves(info%leaf_count))
    do i = 1, info%leaf_count
      leaf = c_leaf(struct_size=c_sizeof(leaf))
      if (code == 0) code = c_metadata_leaf(handle, number, i - 1, leaf)
      told%leaves(i)%path = f_text(leaf%path)
      told%leaves(i)%kind = kind_name(leaf%kind)
      told%leaves(i)%dtype = f_text(c_dtype_name(leaf%dtype))
      told%leaves(i)%shape = leaf%shape(leaf%ndims:1:-1)
      told%leaves(i)%bytes = leaf%bytes
      told%leaves(i)%fortran_order = leaf%fortran_order /= 0
    end do
  end subroutine

  pure function kind_name(kind) result(name)
    integer(c_int), intent(in) :: kind
    character(len=:), allocatable :: name
    select case (kind)
    case (1)
      name = 'sharded'
    case (3)
      name = 'per_rank'
    case (4)
      name = 'appended'
    case default
      name = 'replicated'
    end select
  end function
