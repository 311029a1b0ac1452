"""Run a published project's model from its name, and see the claim beside the figure.

python examples/run_recipe.py --list
python examples/run_recipe.py --recipe s3-baseline --variant as_published
python examples/run_recipe.py --recipe s0-mobilenetv2-finetuned --epochs 1 --limit 2000
python examples/run_recipe.py --recipe s0-cnn --ledger docs/results/recipes

A run for the ledger that was stopped goes on where it was, by the same command.
"""

import argparse
import logging
import shutil
import sys
import time
from dataclasses import replace
from pathlib import Path

from benchmarks.measuring import share_of_others, worked, write_json

from cifarkit import recipes, report
from cifarkit.doctoring import twins


def main():
    """List the recipes, or run one."""
    options = parsed()
    if options.list:
        print("\n".join(map(line, recipes.names())))
        return
    recipe = chosen(options)
    row = options.ledger and options.ledger / f"{recipe.name}.{recipe.variant}.json"
    if row and row.exists():
        print(f"{row} is there; delete it to measure again.")
        return
    run_dir = options.run_dir or (row and Path("runs") / f"{row.stem}.run")
    print(recipe)

    logging.basicConfig(level=logging.INFO, format="%(message)s")
    near = near_twins(recipe, options.seed) if options.report else None
    went_on = bool(run_dir and run_dir.exists())
    began, before = time.perf_counter(), worked()
    data = recipe.data(seed=options.seed)
    result, evaluation = recipe.run(data, seed=options.seed, run_dir=run_dir)
    trained = sum(phase.seconds + phase.features for phase in result.phases)
    seconds = max(time.perf_counter() - began, trained)  # of a run that went on, too
    others = None if went_on else share_of_others(before)

    print(evaluation)
    print(f"claimed: {recipe.claimed}")
    print(f"measured: {evaluation.accuracy:.2%}, gap {100 * result.gap:.2f} points")
    print(f"in {seconds:.0f} s")
    if options.out:
        result.save(options.out)
    if row:
        command = " ".join(["python", *sys.argv])
        figures = recipes.ledger_row(
            recipe, result, evaluation, command=command, seconds=seconds
        )
        figures["others"] = others
        write_json(row, figures)
        if not options.run_dir:
            shutil.rmtree(run_dir)  # so that a row that is deleted is measured again
    if options.report:
        told = {"augment": recipe.augment, "claimed": recipe.claimed.to_dict()}
        told |= {"twins": near, "notes": recipe.remarks}
        report.write(options.report, result, evaluation, data, **told)


def near_twins(recipe, seed):
    """Return the twins that a report tells of, before any time is measured."""
    data = recipe.data(seed=seed)
    return twins(data.train.images, data.test.images)


def line(name):
    """Return a line about a recipe, for the list."""
    recipe = recipes.get(name)
    variants = ", ".join(recipes.variants(name))
    return f"{name:<26} {recipe.system:<5} {variants:<26} {recipe.claimed}"


def chosen(options):
    """Return the recipe that the options ask for."""
    recipe = recipes.get(options.recipe, options.variant)
    if options.weights:
        notes = (*recipe.notes, f"weights from {Path(options.weights).name}")
        recipe = replace(recipe, weights=options.weights, notes=notes)
    return recipe.limited(epochs=options.epochs, images=options.limit)


def parsed():
    """Return the options of the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("--list", action="store_true", help="name all recipes")
    what.add_argument("--recipe", help="run this one")
    parser.add_argument("--variant", default="best", help="as_published, fixed or best")
    parser.add_argument("--epochs", type=int, help="the most of each phase")
    parser.add_argument("--limit", type=int, help="the most images in each split")
    parser.add_argument("--weights", help="another set, or the path of a file")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--run-dir", type=Path, help="folder to go on from")
    parser.add_argument("--out", type=Path, help="folder for model and record")
    parser.add_argument("--report", type=Path, help="folder for a report of the run")
    parser.add_argument("--ledger", type=Path, help="folder for the figures of a run")
    options = parser.parse_args()
    changed = options.epochs, options.limit, options.seed
    if options.ledger and any(changed):
        parser.error("--ledger wants a whole run: no --epochs, --limit or --seed")
    return options


if __name__ == "__main__":
    main()
