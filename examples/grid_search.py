"""Can I use scikit-learn on top? A grid search whose images run through once.

python examples/grid_search.py          2,000 images at 96 pixels
python examples/grid_search.py --smoke  made-up images, in seconds
"""

import argparse
import time

from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.neighbors import KNeighborsClassifier

from cifarkit import datasets
from cifarkit.estimator import classifier

parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
parser.add_argument("--smoke", action="store_true", help="made-up images, seconds")
smoke = parser.parse_args().smoke

data = datasets.synthetic(100) if smoke else datasets.cifar10()
train = data.train.take(60 if smoke else 2_000)
test = data.test.take(20 if smoke else 2_000)

# A scikit-learn pipeline like any other: features, scaling, head.
pipeline = classifier("mobilenetv2", size=32 if smoke else 96)
grid = [
    {
        "head": [LogisticRegression(max_iter=1_000)],
        "head__C": [0.0003, 0.001, 0.003, 0.01, 0.03],
    },
    {"head": [KNeighborsClassifier()], "head__n_neighbors": [5, 10]},
]
search = GridSearchCV(pipeline, grid, cv=3)
began = time.perf_counter()
search.fit(train.images, train.labels)
fits = 3 * len(search.cv_results_["params"]) + 1
print(f"{fits} fits in {time.perf_counter() - began:.0f} s")
for mean, each in zip(
    search.cv_results_["mean_test_score"], search.cv_results_["params"], strict=True
):
    settings = {name: value for name, value in each.items() if name != "head"}
    print(f"{mean:.3f}  {type(each['head']).__name__}  {settings}")
print(f"on the test images: {search.score(test.images, test.labels):.3f}")
