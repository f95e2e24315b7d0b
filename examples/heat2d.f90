! The twin of heat2d.cpp: the same plate, the same results to the last bit, the same checkpoints; each goes on from the
! other's.
!
!   mpirun -n 4 heat2d_fortran --steps 200 --every 20 --path run/heat2d
!   mpirun -n 4 heat2d_fortran --steps 200 --every 20 --path run/heat2d --die-at 130 --die-rank 2
!   mpirun -n 6 heat2d_fortran --steps 200 --every 20 --path run/heat2d     (goes on from step 120)
!
! Points have the indices (j, i), j in the first dimension, so that a row i of the plate lies side by side in memory, as in
! C++, where the indices are (i, j).
program heat2d
  use, intrinsic :: iso_c_binding, only: c_int
  use, intrinsic :: iso_fortran_env, only: int64, real64, error_unit
  use mpi
  use cairn
  implicit none

  interface
    function c_raise(signal) result(status) bind(C, name='raise')
      import :: c_int
      integer(c_int), value :: signal
      integer(c_int) :: status
    end function
  end interface

  integer, parameter :: kill_signal = 9
  integer :: nx = 96, ny = 64, steps = 200, every = 20, die_at = -1, die_rank = 0
  character(len=1000) :: path = 'run/heat2d'
  integer :: comm, rank, error, column
  integer :: grid(2) = 0
  integer :: i_lower, i_upper, j_lower, j_upper  ! this rank's points, from 0 on
  real(real64), allocatable, target :: T(:,:)    ! with one layer of the neighbours' points around them
  real(real64), allocatable :: next(:,:)
  integer(int64), target :: step = 0
  integer(c_int) :: ignored
  integer(int64) :: hash
  character(len=16) :: digits
  character(len=80) :: metadata
  type(cairn_tree) :: state
  logical :: there

  call read_arguments()
  call MPI_Init(error)
  call make_plate()

  ! Bounds are those of the whole plate, of this rank's points in it, and of the array that holds them.
  call state%sharded_bounds('T', T, global_lower=[0, 0], global_upper=[ny - 1, nx - 1], own_lower=[j_lower, i_lower], &
                            own_upper=[j_upper, i_upper], memory_lower=lbound(T))
  call state%scalar('step', step)
  write (metadata, '(a,i0,a,i0,a)') '{"nx": ', nx, ', "ny": ', ny, '}'

  call cairn_is_checkpoint(comm, path, there)
  if (there) then
    call cairn_load(comm, path, state)
    if (rank == 0) write (*, '(a,i0)') 'heat2d: resumed from step ', step
  end if
  do while (step < steps)
    call advance()
    step = step + 1
    if (step == die_at .and. rank == die_rank) ignored = c_raise(int(kill_signal, c_int))
    if (mod(step, int(every, int64)) == 0 .or. step == steps) &
      call cairn_save(comm, path, state, overwrite=.true., metadata=metadata)
  end do
  hash = checksum()
  write (digits, '(z16.16)') hash
  if (rank == 0) write (*, '(a,i0,2a)') 'heat2d: step ', step, ', checksum ', lower_case(digits)
  call MPI_Type_free(column, error)
  call MPI_Comm_free(comm, error)
  call MPI_Finalize(error)

contains

  subroutine read_arguments()
    character(len=1000) :: name, value
    integer :: at
    do at = 1, command_argument_count(), 2
      call get_command_argument(at, name)
      call get_command_argument(at + 1, value)
      select case (name)
      case ('--nx')
        read (value, *) nx
      case ('--ny')
        read (value, *) ny
      case ('--steps')
        read (value, *) steps
      case ('--every')
        read (value, *) every
      case ('--path')
        path = value
      case ('--die-at')
        read (value, *) die_at
      case ('--die-rank')
        read (value, *) die_rank
      case default
        write (error_unit, '(a)') 'usage: heat2d_fortran [--nx 96] [--ny 64] [--steps 200] [--every 20] [--path run/heat2d] ' // &
          '[--die-at STEP] [--die-rank RANK]'
        stop 1
      end select
    end do
    every = max(1, every)
  end subroutine

  subroutine make_plate()
    integer :: ranks, i, j
    call MPI_Comm_size(MPI_COMM_WORLD, ranks, error)
    call MPI_Dims_create(ranks, 2, grid, error)
    call MPI_Cart_create(MPI_COMM_WORLD, 2, grid, [.false., .false.], .false., comm, error)
    call MPI_Comm_rank(comm, rank, error)
    call box_of(rank, i_lower, i_upper, j_lower, j_upper)
    allocate (T(j_lower - 1:j_upper + 1, i_lower - 1:i_upper + 1), source=0._real64)
    allocate (next(j_lower - 1:j_upper + 1, i_lower - 1:i_upper + 1), source=0._real64)
    do i = i_lower, i_upper
      do j = j_lower, j_upper
        T(j, i) = mod(i * 31 + j * 17, 97)
        if (mod(i, 7) == 3) T(j, i) = T(j, i) + 50
      end do
    end do
    call MPI_Type_vector(i_upper - i_lower + 1, 1, size(T, 1), MPI_DOUBLE_PRECISION, column, error)
    call MPI_Type_commit(column, error)
  end subroutine

  subroutine box_of(of_rank, i_first, i_last, j_first, j_last)
    integer, intent(in) :: of_rank
    integer, intent(out) :: i_first, i_last, j_first, j_last
    integer :: place(2)
    call MPI_Cart_coords(comm, of_rank, 2, place, error)
    i_first = nx * place(1) / grid(1)
    i_last = nx * (place(1) + 1) / grid(1) - 1
    j_first = ny * place(2) / grid(2)
    j_last = ny * (place(2) + 1) / grid(2) - 1
  end subroutine

  subroutine advance()
    real(real64), parameter :: alpha = 0.2_real64
    integer :: i, j
    call exchange_halos()
    do i = i_lower, i_upper
      do j = j_lower, j_upper
        next(j, i) = T(j, i) + alpha * (((T(j, i - 1) + T(j, i + 1)) + (T(j - 1, i) + T(j + 1, i))) - 4 * T(j, i))
      end do
    end do
    T(j_lower:j_upper, i_lower:i_upper) = next(j_lower:j_upper, i_lower:i_upper)
  end subroutine

  subroutine exchange_halos()
    integer :: up, down, left, right, n
    n = j_upper - j_lower + 1
    call MPI_Cart_shift(comm, 0, 1, up, down, error)
    call MPI_Cart_shift(comm, 1, 1, left, right, error)
    call send(j_lower, i_lower, up, j_lower, i_upper + 1, down, n, MPI_DOUBLE_PRECISION)
    call send(j_lower, i_upper, down, j_lower, i_lower - 1, up, n, MPI_DOUBLE_PRECISION)
    call send(j_lower, i_lower, left, j_upper + 1, i_lower, right, 1, column)
    call send(j_upper, i_lower, right, j_lower - 1, i_lower, left, 1, column)
  end subroutine

  subroutine send(j, i, to, from_j, from_i, from, n, datatype)
    integer, intent(in) :: j, i, to, from_j, from_i, from, n, datatype
    call MPI_Sendrecv(T(j, i), n, datatype, to, 0, T(from_j, from_i), n, datatype, from, 0, comm, MPI_STATUS_IGNORE, error)
  end subroutine

  !> FNV-1a over the whole plate, row by row; on rank 0 (elsewhere 0).
  function checksum() result(sum)
    integer(int64) :: sum
    integer(int64), parameter :: prime = 1099511628211_int64
    integer(int64) :: bits
    real(real64), allocatable :: whole(:,:)
    integer :: i, j, byte
    whole = gathered()
    sum = -3750763034362895579_int64  ! 14695981039346656037, as it is without a sign
    do i = 0, ubound(whole, 2) - 1
      do j = 0, ubound(whole, 1) - 1
        bits = transfer(whole(j + 1, i + 1), bits)
        do byte = 0, 7
          sum = ieor(sum, ibits(bits, 8 * byte, 8)) * prime
        end do
      end do
    end do
    if (rank /= 0) sum = 0
  end function

  !> The whole plate on rank 0; nothing on the others.
  function gathered() result(whole)
    real(real64), allocatable :: whole(:,:)
    integer :: r, ranks, i1, i2, j1, j2
    real(real64), allocatable :: part(:,:)
    call MPI_Comm_size(comm, ranks, error)
    part = T(j_lower:j_upper, i_lower:i_upper)
    if (rank /= 0) then
      call MPI_Send(part, size(part), MPI_DOUBLE_PRECISION, 0, 1, comm, error)
      allocate (whole(0, 0))
      return
    end if
    allocate (whole(ny, nx))
    do r = 0, ranks - 1
      call box_of(r, i1, i2, j1, j2)
      if (r > 0) then
        deallocate (part)
        allocate (part(j2 - j1 + 1, i2 - i1 + 1))
        call MPI_Recv(part, size(part), MPI_DOUBLE_PRECISION, r, 1, comm, MPI_STATUS_IGNORE, error)
      end if
      whole(j1 + 1:j2 + 1, i1 + 1:i2 + 1) = part
    end do
  end function

  pure function lower_case(text) result(lower)
    character(len=*), intent(in) :: text
    character(len=len(text)) :: lower
    integer :: k
    lower = text
    do k = 1, len(text)
      if (text(k:k) >= 'A' .and. text(k:k) <= 'F') lower(k:k) = achar(iachar(text(k:k)) + 32)
    end do
  end function
end program
