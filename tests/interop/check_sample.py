"""Reads the file that write_sample makes with h5py, with h5dump, and with nothing but docs/format.md.

Usage: check_sample.py PATH-OF-write_sample. Exits with 77 where h5py or numpy is missing.
"""

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

try:
    import h5py
    import numpy
except ImportError as error:
    print(f"skipped: {error}")
    sys.exit(77)

NUMPY_TYPES = {
    "i8": "<i1", "i16": "<i2", "i32": "<i4", "i64": "<i8", "u8": "|u1", "u16": "<u2", "u32": "<u4", "u64": "<u8",
    "f16": "<f2", "bf16": "<f4", "f32": "<f4", "f64": "<f8", "e4m3": "|u1", "e5m2": "|u1", "c64": "<c8",
    "c128": "<c16", "bool": "|b1",
}


def expected_values(leaf):
    """Element i is (7 i + 1) mod 100; a complex one has the negative of it as its imaginary part."""
    count = int(numpy.prod(leaf["shape"], dtype=numpy.int64))
    whole = (7 * numpy.arange(count) + 1) % 100
    if leaf["dtype"] == "bool":
        whole = whole % 2
    values = whole.astype(numpy.int64)
    if leaf["dtype"] in ("c64", "c128"):
        values = values - 1j * values
    return values.astype(NUMPY_TYPES[leaf["dtype"]]).reshape(leaf["shape"])


def expected_text(leaf):
    return ("xyz" * leaf["bytes"])[: leaf["bytes"]]


class Sample(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory()
        cls.path = os.path.join(cls.folder.name, "state.h5")
        subprocess.run([PROGRAM], env={**os.environ, "CAIRN_TEST_FILE": cls.path}, check=True,
                       stdout=subprocess.DEVNULL)
        with h5py.File(cls.path) as file:
            cls.index = json.loads(bytes(file["_cairn/index"][...]))

    @classmethod
    def tearDownClass(cls):
        cls.folder.cleanup()

    def leaves(self, text=False):
        return [leaf for leaf in self.index["leaves"] if (leaf["dtype"] == "string") == text]


class WithH5py(Sample):
    def test_every_array_has_its_type_shape_and_values(self):
        with h5py.File(self.path) as file:
            for leaf in self.leaves():
                with self.subTest(leaf["path"]):
                    dataset = file[leaf["path"]]
                    self.assertEqual(dataset.dtype, numpy.dtype(NUMPY_TYPES[leaf["dtype"]]))
                    self.assertEqual(dataset.shape, tuple(leaf["shape"]))
                    numpy.testing.assert_array_equal(dataset[...], expected_values(leaf))

    def test_texts_are_utf8_of_their_length(self):
        with h5py.File(self.path) as file:
            for leaf in self.leaves(text=True):
                with self.subTest(leaf["path"]):
                    dataset = file[leaf["path"]]
                    self.assertEqual(dataset.shape, ())
                    self.assertEqual(h5py.check_string_dtype(dataset.dtype).encoding, "utf-8")
                    self.assertEqual(dataset.asstr()[()], expected_text(leaf))

    def test_layouts_are_those_of_the_tilings(self):
        with h5py.File(self.path) as file:
            dataset = file["dtype/f64/one"]
            self.assertEqual((dataset.chunks, dataset.is_virtual, dataset.compression), (None, False, None))
            self.assertEqual(file["dtype/f64/grid"].chunks, (3, 4))
            self.assertTrue(file["dtype/f64/boxes"].is_virtual)
            names = [source.dset_name for source in file["dtype/f64/boxes"].virtual_sources()]
            self.assertEqual(names, [f"/_cairn/tiles/dtype/f64/boxes/{tile}" for tile in range(3)])

    def test_an_8_bit_float_names_its_type(self):
        with h5py.File(self.path) as file:
            for dtype in ("e4m3", "e5m2"):
                for tiling in ("one", "grid", "boxes", "scalar", "empty"):
                    self.assertEqual(file[f"dtype/{dtype}/{tiling}"].attrs["cairn_dtype"], dtype.encode())

    def test_the_root_has_its_attributes(self):
        with h5py.File(self.path) as file:
            self.assertEqual(file.attrs["cairn"].decode(), "0.1.0")
            self.assertEqual(file.attrs["note"].decode(), "größe")

    def test_the_root_holds_the_tree_and_nothing_else(self):
        with h5py.File(self.path) as file:
            found = []
            file.visititems(lambda name, item: found.append(name) if isinstance(item, h5py.Dataset) else None)
        leaves = [name for name in found if not name.startswith("_cairn/")]
        self.assertEqual(sorted(leaves), sorted(leaf["path"] for leaf in self.index["leaves"]))

    def test_the_block_table_is_an_array_of_rows(self):
        with h5py.File(self.path) as file:
            rows = file["_cairn/blocks"][...]
        self.assertEqual(rows.shape, (16,))
        self.assertEqual(rows.dtype.names, ("leaf", "rank", "checksum", "start", "count"))
        self.assertEqual([int(rows[1][name]) for name in ("leaf", "rank", "checksum")], [3, 5, 0x1122334455667788])
        self.assertEqual(rows[1]["start"].tolist(), [1, 2, 0, 0, 0, 0, 0, 0])
        self.assertEqual(rows[1]["count"].tolist(), [3, 4, 1, 1, 1, 1, 1, 1])
        self.assertEqual(int(rows[0]["leaf"]), 0)


class WithTheFormatDocument(Sample):
    """A reader that knows no HDF5."""

    def tiles(self, leaf):
        """(start, count, offset) of each tile, cut to the array."""
        shape = leaf["shape"]
        offsets = [first + stride * i for first, stride, count in leaf.get("offsets", []) for i in range(count)]
        if "offset" in leaf:
            yield [0] * len(shape), shape, shape, leaf["offset"]
        elif "cell" in leaf:
            cell = leaf["cell"]
            grid = [-(-extent // size) for extent, size in zip(shape, cell)]
            for number, offset in enumerate(offsets):
                start = [int(at) * size for at, size in zip(numpy.unravel_index(number, grid), cell)]
                count = [min(size, extent - at) for size, extent, at in zip(cell, shape, start)]
                yield start, count, cell, offset
        elif "boxes" in leaf:
            for (start, count), offset in zip(leaf["boxes"], offsets):
                yield start, count, count, offset

    def test_every_array_is_where_the_index_says(self):
        with open(self.path, "rb") as file:
            data = file.read()
        for leaf in self.leaves():
            with self.subTest(leaf["path"]):
                dtype = numpy.dtype(NUMPY_TYPES[leaf["dtype"]])
                stored = numpy.dtype("<u2") if leaf["dtype"] == "bf16" else dtype
                values = numpy.zeros(leaf["shape"], stored)
                for start, count, extents, offset in self.tiles(leaf):
                    size = int(numpy.prod(extents, dtype=numpy.int64))
                    tile = numpy.frombuffer(data, stored, size, offset).reshape(extents)
                    box = tuple(slice(at, at + extent) for at, extent in zip(start, count))
                    values[box] = tile[tuple(slice(0, extent) for extent in count)]
                if leaf["dtype"] == "bf16":
                    values = (values.reshape(-1).astype(numpy.uint32) << 16).view(numpy.float32).reshape(leaf["shape"])
                numpy.testing.assert_array_equal(values, expected_values(leaf))

    def test_texts_are_where_the_index_says(self):
        with open(self.path, "rb") as file:
            data = file.read()
        for leaf in self.leaves(text=True):
            offset = leaf.get("offset", 0)
            self.assertEqual(data[offset : offset + leaf["bytes"]].decode(), expected_text(leaf))


@unittest.skipUnless(shutil.which("h5dump"), "h5dump is not here")
class WithH5dump(Sample):
    def dump(self, *arguments):
        run = subprocess.run(["h5dump", *arguments, self.path], capture_output=True, text=True)
        self.assertEqual(run.returncode, 0, run.stderr)
        return run.stdout

    def values(self, path):
        text = self.dump("-y", "-w", "0", "-d", path)
        begin = text.index("DATA {")
        data = text[begin : text.index("}", begin)]
        return re.findall(r"-?\d+(?:\.\d+)?|TRUE|FALSE", data)

    def test_headers_of_all_datasets_are_shown(self):
        text = self.dump("-H")
        self.assertEqual(text.count('DATASET "scalar"'), 17)
        self.assertIn('DATASET "8d grid"', text)
        self.assertIn('"_cairn"', text)

    def test_arrays_of_every_tiling_are_shown(self):
        for leaf in self.leaves():
            name, dtype = leaf["path"].rsplit("/", 1)[-1], leaf["dtype"]
            if name not in ("one", "grid", "boxes") or dtype in ("c64", "c128"):
                continue
            with self.subTest(leaf["path"]):
                expected = expected_values(leaf).reshape(-1).tolist()
                if dtype == "bool":
                    expected = ["TRUE" if value else "FALSE" for value in expected]
                else:
                    expected = [str(int(value)) for value in expected]
                self.assertEqual(self.values("/" + leaf["path"]), expected)

    def test_complex_numbers_are_pairs(self):
        text = self.dump("-d", "/dtype/c128/scalar")
        self.assertIn('H5T_IEEE_F64LE "r"', text)
        self.assertIn('H5T_IEEE_F64LE "i"', text)

    def test_a_text_is_shown(self):
        self.assertIn('"xyzxyzx"', self.dump("-d", "/text/short"))


if __name__ == "__main__":
    PROGRAM = sys.argv.pop(1)
    unittest.main(verbosity=1)
