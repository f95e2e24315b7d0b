"""The types of elements and of indices that the Fortran module has specifics for."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Type:
    tag: str
    declaration: str
    dtype: str  # a constant of cairn_c
    bytes: int
    zero: str = "0"

    @property
    def is_logical(self):
        return self.tag.startswith("l")

    @property
    def is_text(self):
        return self.tag == "ch"

    @property
    def stored(self):
        """How the module holds a value of it."""
        return "integer(int8)" if self.is_logical else self.declaration

    @property
    def stored_dtype(self):
        return "dtype_bool" if self.is_logical else self.dtype


TYPES = [
    Type("i8", "integer(int8)", "dtype_i8", 1),
    Type("i16", "integer(int16)", "dtype_i16", 2),
    Type("i32", "integer(int32)", "dtype_i32", 4),
    Type("i64", "integer(int64)", "dtype_i64", 8),
    Type("r32", "real(real32)", "dtype_f32", 4),
    Type("r64", "real(real64)", "dtype_f64", 8),
    Type("c32", "complex(real32)", "dtype_c64", 8),
    Type("c64", "complex(real64)", "dtype_c128", 16),
    # A kind of logical has the number of an integer of its size.
    Type("l8", "logical(int8)", "dtype_i8", 1),
    Type("l16", "logical(int16)", "dtype_i16", 2),
    Type("l32", "logical(int32)", "dtype_i32", 4),
    Type("l64", "logical(int64)", "dtype_i64", 8),
    # Arrays of text are arrays of bytes, with one more dimension.
    Type("ch", "character(len=*)", "dtype_u8", 1),
]

INDEX_KINDS = {"i32": "int32", "i64": "int64"}


def dimensions(rank):
    return "" if rank == 0 else "(" + ",".join(":" * rank) + ")"


def first_element(each, rank, moved):
    """The first element of `data`, or the next one along dimension `moved` (1, ...), where there is one."""
    if rank == 0:
        return "data"
    indices = [f"min(2, size(data, {dim}))" if dim == moved else "1" for dim in range(1, rank + 1)]
    return f"data({', '.join(indices)})" + ("(1:1)" if each.is_text else "")
