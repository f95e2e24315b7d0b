! A program outside of the library's build, in Fortran 2008.
program outside
  use, intrinsic :: iso_fortran_env, only: real64
  use mpi
  use cairn
  implicit none
  integer :: rank, ranks, error
  integer, target :: step
  real(real64), target :: rows(5)
  character(len=1000) :: path
  type(cairn_tree) :: state
  call get_command_argument(1, path)
  call MPI_Init(error)
  call MPI_Comm_rank(MPI_COMM_WORLD, rank, error)
  call MPI_Comm_size(MPI_COMM_WORLD, ranks, error)
  rows = rank
  step = 7
  call state%sharded('rows', rows, shape=[5*ranks], start=[5*rank], count=[5])
  call state%scalar('step', step)
  call cairn_save(MPI_COMM_WORLD, trim(path), state)
  rows = -1
  step = 0
  call cairn_load(MPI_COMM_WORLD, trim(path), state)
  if (any(rows /= rank) .or. step /= 7) error stop 1
  if (rank == 0) print '(a,i0,a)', 'saved and loaded on ', ranks, ' ranks'
  call MPI_Finalize(error)
end program
