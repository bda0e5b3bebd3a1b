"""What the tutorial "10 minutes" reads: `make()` is the tree of the chemical elements and of images.

The tables rest in files below the current folder, since the tutorial looks for them; `write_files` writes them.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from scipy.ndimage import gaussian_filter

from tiledkernel.composition import Composition
from tiledkernel.families.array.memory import MemoryArray
from tiledkernel.families.container.memory import MemoryContainer
from tiledkernel.nodes.directory import DirectoryOptions
from tiledkernel.plugins import discover
from tiledkernel.trees import build_directory

SYMBOLS = """
    H He Li Be B C N O F Ne Na Mg Al Si P S Cl Ar K Ca Sc Ti V Cr Mn Fe Co Ni Cu Zn Ga Ge As Se Br Kr Rb Sr Y Zr Nb Mo
    Tc Ru Rh Pd Ag Cd In Sn Sb Te I Xe Cs Ba La Ce Pr Nd Pm Sm Eu Gd Tb Dy Ho Er Tm Yb Lu Hf Ta W Re Os Ir Pt Au Hg Tl
    Pb Bi Po At Rn Fr Ra Ac Th Pa U Np Pu Am Cm Bk Cf
"""
CATEGORIES = {
    "nonmetal": "H C N O P S Se",
    "noble_gas": "He Ne Ar Kr Xe Rn",
    "alkali_metal": "Li Na K Rb Cs Fr",
    "alkaline_earth": "Be Mg Ca Sr Ba Ra",
    "metalloid": "B Si Ge As Sb Te",
    "halogen": "F Cl Br I At",
    "post_transition_metal": "Al Ga In Sn Tl Pb Bi Po",
    "lanthanide": "La Ce Pr Nd Pm Sm Eu Gd Tb Dy Ho Er Tm Yb Lu",
    "actinide": "Ac Th Pa U Np Pu Am Cm Bk Cf",
}
CATEGORY = {symbol: category for category, symbols in CATEGORIES.items() for symbol in symbols.split()}
PERIODS = (2, 10, 18, 36, 54, 86)  # the last atomic number of each period
CARBON = {"molar_mass": 12.011, "density_g_cm3": 2.26}
EDGES = """\
edge,energy_eV,fluorescence_yield,jump_ratio
K,284.2,0.00139,18.2
L1,18.0,0.0,1.1
L2,6.4,0.0,
L3,6.4,0.0,1.4
"""
LINES = """\
line,energy_eV,intensity,initial_level,final_level
Ka1,277.0,0.666667,K,L3
Ka2,277.0,0.333333,K,L2
"""


def write_files(folder: Path) -> None:
    """The tables of one element, carbon; the others have none here."""
    carbon = folder / "C"
    carbon.mkdir(parents=True)
    (carbon / "edges.csv").write_text(EDGES)
    (carbon / "emission_lines.csv").write_text(LINES)


def element(number: int, symbol: str, files: Any) -> MemoryContainer:
    """A container for an element, described as the tutorial expects."""
    metadata: dict[str, Any] = {
        "element": {
            "symbol": symbol,
            "atomic_number": number,
            "period": 1 + sum(number > last for last in PERIODS),
            "category": CATEGORY.get(symbol, "transition_metal"),
            **(CARBON if symbol == "C" else {}),
        }
    }
    tables = {}
    if symbol in files:
        metadata["edges"] = {"K": {"energy_eV": 284.2, "fluorescence_yield": 0.00139, "jump_ratio": 18.2}}
        tables = {key: files[symbol][key] for key in ("emission_lines", "edges")}
    return MemoryContainer(tables, metadata=metadata)


def blobs() -> np.ndarray:
    """An image of blobs, black and white."""
    noise = np.random.Generator(np.random.Philox(key=30)).standard_normal((512, 512))
    smooth = gaussian_filter(noise, 12)
    return smooth > np.quantile(smooth, 0.5)


def make() -> MemoryContainer:
    """The whole tree."""
    files = build_directory(DirectoryOptions(path="elements"), Composition(discover()))
    elements = {symbol: element(number, symbol, files) for number, symbol in enumerate(SYMBOLS.split(), start=1)}
    about = {"description": "X-ray data of the elements", "source": "generated", "units": {"energy": "eV"}}
    images = {"binary_blobs": MemoryArray(blobs())}
    return MemoryContainer(
        {
            "examples": MemoryContainer(
                {"xraydb": MemoryContainer(elements, metadata=about), "images": MemoryContainer(images)}
            )
        }
    )
