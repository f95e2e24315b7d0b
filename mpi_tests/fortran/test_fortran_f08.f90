!> Communicators of the module mpi_f08. usage: test_fortran_f08 FOLDER
program test_fortran_f08
  use mpi_f08
  use cairn
  implicit none
  type(cairn_tree) :: tree
  type(cairn_context) :: context
  integer, target :: step
  character(len=200) :: folder
  call MPI_Init()
  call get_command_argument(1, folder)
  step = 3
  call tree%scalar('step', step)
  call cairn_save(MPI_COMM_WORLD, trim(folder) // '/ckpt', tree)
  step = 0
  call context%create(MPI_COMM_WORLD)
  call cairn_load(context, trim(folder) // '/ckpt', tree)
  call context%free()
  call MPI_Finalize()
  if (step /= 3) error stop 1
end program
