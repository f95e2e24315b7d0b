!> What the tests of the Fortran module share: who this rank is, where its files go, and what has failed.
module checks
  use, intrinsic :: iso_fortran_env, only: int32, error_unit
  use mpi
  use cairn
  implicit none
  public

  integer :: rank, ranks
  integer(int32) :: comm
  integer, private :: failures = 0
  character(len=200), private :: folder  ! the program's argument

contains

  subroutine start_tests()
    integer(int32) :: error, rank32, ranks32
    call MPI_Init(error)
    comm = MPI_COMM_WORLD
    call MPI_Comm_rank(comm, rank32, error)
    call MPI_Comm_size(comm, ranks32, error)
    rank = rank32
    ranks = ranks32
    call get_command_argument(1, folder)
  end subroutine

  !> Ends the program; with an error where a check failed on any rank.
  subroutine end_tests()
    integer(int32) :: error, own, all
    own = int(failures, int32)
    call MPI_Allreduce(own, all, 1_int32, MPI_INTEGER4, MPI_SUM, comm, error)
    call MPI_Finalize(error)
    if (all /= 0) error stop 1
  end subroutine

  subroutine check(condition, what)
    logical, intent(in) :: condition
    character(len=*), intent(in) :: what
    if (condition) return
    failures = failures + 1
    write (error_unit, '(a,i0,2a)') '[rank ', rank, '] failed: ', what
  end subroutine

  subroutine fails_with(ierr, code, part)
    integer, intent(in) :: ierr, code
    character(len=*), intent(in) :: part
    call check(ierr == code .and. index(cairn_last_error(), part) > 0, &
               'an error that says ' // part // ', and not ' // cairn_last_error())
  end subroutine

  function at(name) result(path)
    character(len=*), intent(in) :: name
    character(len=:), allocatable :: path
    path = trim(folder) // '/' // name
  end function
end module
