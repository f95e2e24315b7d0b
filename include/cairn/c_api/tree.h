#ifndef CAIRN_C_API_TREE_H
#define CAIRN_C_API_TREE_H

/** \file
 * Trees: names, and the memory behind them. Included by cairn.h. Nothing here is collective. */

#ifdef __cplusplus
extern "C" {
#endif

/** The type of an element. */
typedef enum cairn_dtype {
  CAIRN_NONE,
  CAIRN_I8,
  CAIRN_I16,
  CAIRN_I32,
  CAIRN_I64,
  CAIRN_U8,
  CAIRN_U16,
  CAIRN_U32,
  CAIRN_U64,
  CAIRN_F16,
  CAIRN_BF16,
  CAIRN_F32,
  CAIRN_F64,
  CAIRN_E4M3,
  CAIRN_E5M2,
  CAIRN_C64,  /**< two floats */
  CAIRN_C128, /**< two doubles */
  CAIRN_BOOL, /**< one byte, 0 or 1 */
  CAIRN_STRING
} cairn_dtype;

/** Bytes of one element; 0 of CAIRN_NONE, 1 of CAIRN_STRING. */
CAIRN_C_API size_t cairn_dtype_size(cairn_dtype dtype);
/** "f64", ... Lives for good. */
CAIRN_C_API const char* cairn_dtype_name(cairn_dtype dtype);

/** How a leaf is spread over the ranks. */
typedef enum cairn_kind {
  CAIRN_VALUE,      /**< a single value, equal on every rank */
  CAIRN_SHARDED,    /**< each rank holds boxes of one array */
  CAIRN_REPLICATED, /**< the same array on every rank: stored once, and checked to be equal */
  CAIRN_PER_RANK,   /**< an array of its own on every rank: stored as {ranks, shape...} */
  CAIRN_APPENDED    /**< rows on every rank: stored one rank's after another */
} cairn_kind;

typedef struct cairn_tree cairn_tree;

CAIRN_C_API int cairn_tree_create(cairn_tree** tree);
/** Shares the bound memory, and has copies of the values that `tree` owns. */
CAIRN_C_API int cairn_tree_copy(const cairn_tree* tree, cairn_tree** copy);
CAIRN_C_API void cairn_tree_free(cairn_tree* tree);

/* Binding. `path` is names joined by '/', and is the HDF5 path as well; what was there is replaced. */

/** This rank's box of a global array of `shape`. start and count NULL: all of it. `data` is the box,
 * row-major. */
CAIRN_C_API int cairn_tree_sharded(cairn_tree* tree, const char* path, cairn_dtype dtype, void* data,
                                   int ndims, const int64_t* shape, const int64_t* start,
                                   const int64_t* count);

/** One hyperslab of a global array: this rank's. */
typedef struct cairn_slab {
  size_t struct_size;
  int ndims;
  const int64_t* shape; /**< of the whole array */
  const int64_t* start; /**< NULL, as count: all of it */
  const int64_t* count;
  int replica;  /**< the box is held by `replicas` ranks, of which this is number `replica` */
  int replicas; /**< 0 means 1; each of them must hold the same bytes */
} cairn_slab;

/** The memory that a slab lies in, where it is more than the slab (halos, padding, another order). In
 * elements, as many dimensions as the slab has. */
typedef struct cairn_memory {
  size_t struct_size;
  const int64_t* shape;   /**< of the allocation; NULL: the slab's count */
  const int64_t* start;   /**< where the slab begins in it; NULL: zeros */
  const int64_t* strides; /**< between neighbours; NULL: row-major */
} cairn_memory;

/** cairn_tree_sharded with all that can be said. memory may be NULL. */
CAIRN_C_API int cairn_tree_sharded_in(cairn_tree* tree, const char* path, cairn_dtype dtype, void* data,
                                      const cairn_slab* slab, const cairn_memory* memory);
/** A global array of which this rank holds nothing but what cairn_tree_also adds. */
CAIRN_C_API int cairn_tree_sharded_none(cairn_tree* tree, const char* path, cairn_dtype dtype, int ndims,
                                        const int64_t* shape);
/** One more box of this rank's of the sharded array at `path`, of the same type. slab->shape may be NULL.
 * CAIRN_NOT_FOUND where nothing is at the path. */
CAIRN_C_API int cairn_tree_also(cairn_tree* tree, const char* path, void* data, const cairn_slab* slab,
                                const cairn_memory* memory);

/** An array that every rank holds whole, with equal bytes. ndims 0: one value. `strides` in elements, or
 * NULL: row-major. */
CAIRN_C_API int cairn_tree_replicated(cairn_tree* tree, const char* path, cairn_dtype dtype, void* data,
                                      int ndims, const int64_t* shape, const int64_t* strides);
/** An array of each rank's own, of the same shape everywhere. */
CAIRN_C_API int cairn_tree_per_rank(cairn_tree* tree, const char* path, cairn_dtype dtype, void* data,
                                    int ndims, const int64_t* shape, const int64_t* strides);

/** This rank's rows, each of row_shape (row_ndims 0: single elements), stored after those of the ranks below.
 * A fixed buffer: a load of another number of rows is CAIRN_MISMATCH. `strides`: of rows and then of what is
 * in them, or NULL: row-major. */
CAIRN_C_API int cairn_tree_appended(cairn_tree* tree, const char* path, cairn_dtype dtype, void* data,
                                    int64_t rows, int row_ndims, const int64_t* row_shape,
                                    const int64_t* strides);
/** Rows that may grow and move: asked for at each save and load. */
typedef struct cairn_rows {
  size_t struct_size;
  void* arg;
  void* (*data)(void* arg, int64_t* rows); /**< where they are now, row-major, and how many */
  int (*resize)(void* arg, int64_t rows);  /**< makes room for as many; NULL: there is no more */
} cairn_rows;
CAIRN_C_API int cairn_tree_appended_rows(cairn_tree* tree, const char* path, cairn_dtype dtype,
                                         const cairn_rows* rows, int row_ndims, const int64_t* row_shape);

/** A variable of the caller's, equal on every rank; read by save, written by load. */
CAIRN_C_API int cairn_tree_ref(cairn_tree* tree, const char* path, cairn_dtype dtype, void* variable);
/** The text in a buffer of `capacity` bytes, with its zero byte. Loading a longer one is CAIRN_MISMATCH. */
CAIRN_C_API int cairn_tree_ref_text(cairn_tree* tree, const char* path, char* buffer, size_t capacity);
/** The same of `capacity` bytes without a zero byte, and with blanks after the text: Fortran's CHARACTER. */
CAIRN_C_API int cairn_tree_ref_padded(cairn_tree* tree, const char* path, char* buffer, size_t capacity);
/** A value, or text, of the tree's own: a copy of this one. */
CAIRN_C_API int cairn_tree_value(cairn_tree* tree, const char* path, cairn_dtype dtype, const void* value);
CAIRN_C_API int cairn_tree_text(cairn_tree* tree, const char* path, const char* text);

/** The memory of the leaf is const: saved, and not loaded. CAIRN_NOT_FOUND. */
CAIRN_C_API int cairn_tree_set_read_only(cairn_tree* tree, const char* path);
/** The array at `path` is bound with its dimensions in the reverse of the program's order, as a binding for a
 * language with the fastest dimension first does. Its dataset says so (docs/format.md), where it has two
 * dimensions or more; nothing else is changed, and loads do not care. The same on every rank, or the save is
 * CAIRN_MISMATCH. CAIRN_NOT_FOUND. */
CAIRN_C_API int cairn_tree_set_fortran_order(cairn_tree* tree, const char* path);
/** Keeps a problem of the program's own with the leaf, for the next collective call to report.
 * CAIRN_NOT_FOUND. */
CAIRN_C_API int cairn_tree_add_problem(cairn_tree* tree, const char* path, const char* problem);

/* Looking. */

/** One leaf of a tree, or as it is stored: then start and count are those of the whole, a per_rank one has
 * the shape {ranks, shape...}, an appended one {rows, row_shape...}. */
typedef struct cairn_leaf {
  size_t struct_size;
  const char* path; /**< lives as long as the tree or the metadata, unchanged */
  cairn_kind kind;
  cairn_dtype dtype;
  int ndims;
  int64_t shape[8];
  int64_t start[8]; /**< what this rank holds; of several boxes, the first */
  int64_t count[8];
  uint64_t bytes; /**< of count */
  int read_only;
  int fortran_order; /**< as by cairn_tree_set_fortran_order */
} cairn_leaf;

/** How many leaves; 0 of NULL. */
CAIRN_C_API size_t cairn_tree_size(const cairn_tree* tree);
/** The path of the leaf after `path` ("" or NULL: the first one), or NULL. Lives as long as the tree,
 * unchanged. */
CAIRN_C_API const char* cairn_tree_next(const cairn_tree* tree, const char* path);
/** Whether a leaf or a group of leaves is there: 1 or 0. */
CAIRN_C_API int cairn_tree_contains(const cairn_tree* tree, const char* path);
/** CAIRN_NOT_FOUND, with the nearest names. */
CAIRN_C_API int cairn_tree_leaf(const cairn_tree* tree, const char* path, cairn_leaf* leaf);
/** count's values, row-major, of a leaf that owns them; they live until the tree is freed or loaded into.
 * CAIRN_MISMATCH where it owns nothing or is of another type. */
CAIRN_C_API int cairn_tree_data(const cairn_tree* tree, const char* path, cairn_dtype dtype,
                                const void** data);
/** A single value, own or bound, converted where it fits. CAIRN_MISMATCH where it does not. */
CAIRN_C_API int cairn_tree_get(const cairn_tree* tree, const char* path, cairn_dtype dtype, void* value);
/** To be freed by cairn_free. */
CAIRN_C_API int cairn_tree_get_text(const cairn_tree* tree, const char* path, char** text);

/** The leaves below `path`, by the rest of their paths. */
CAIRN_C_API int cairn_tree_subtree(const cairn_tree* tree, const char* path, cairn_tree** subtree);
/** Puts the leaves of `other` below `path`, in the place of what was there. */
CAIRN_C_API int cairn_tree_insert(cairn_tree* tree, const char* path, const cairn_tree* other);
/** Takes out the leaf at `path` and all below it. *erased (or NULL): whether there was anything. */
CAIRN_C_API int cairn_tree_erase(cairn_tree* tree, const char* path, int* erased);

#ifdef __cplusplus
}
#endif

#endif
