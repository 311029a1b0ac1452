"""The figures of the two-phase benchmark, from what each part noted."""

from measuring import epoch_seconds, ratio, time_to

DEFINITIONS = {
    "phase_1": "the head alone, S0's settings, batch 32, one view, no augmentation; "
    "an epoch is the median of those after the first, without validation; ten epochs "
    "have validation, building and extraction in them, and where early stopping ended "
    "sooner or fewer were run, the missing ones count as the median; by hand: plain "
    "Keras runs the frozen base once, by predict, and trains the head on what it gave",
    "phase_2": "the last 56 or 20 layers (from the start of a block) and the head, "
    "batch norm frozen, Adam 1e-5, batch 32, no augmentation, no validation; an epoch "
    "is the median of those after the first in cifarkit, and of those after some steps "
    "to warm up in plain Keras",
    "loss_difference": "cifarkit from kept activations against cifarkit with "
    "cache='never': the mean training loss of the same first steps, with the same "
    "images, order, weights and dropout; relative to the live one",
    "time_to_90_24": "seconds from empty activation caches, images in memory, until an "
    "epoch ended with the target validation accuracy; null where that never was so. "
    "published_s is S0's protocol, tuned_s one epoch of the head and then the last 50 "
    "layers with warm-up, cosine and trained batch norm, cifarkit_s one epoch of "
    "phase 2 of those layers, without augmentation",
    "final_accuracy": "on the test images, once: S0's protocol run to its end, and "
    "cifarkit's default recipe; with --quick, cifarkit's run for time_to_90_24",
    "peak_rss_bytes": "the most memory that any process of a side held",
}


def figures_of(parts, settings):
    """Return all figures but the command.

    Args:
        parts: what each part wrote, by `"side.part"`.
        settings: what the sides were told.
    """
    sides = {
        side: {
            name.split(".")[1]: figures
            for name, figures in sorted(parts.items())
            if name.startswith(side)
        }
        for side in ("plain", "cifarkit")
    }
    prepared = sides["cifarkit"].pop("prepare")
    around = prepared.pop("surroundings")
    plain, ours = sides["plain"], sides["cifarkit"]
    figures = {
        "phase_1": phase_1(plain["published"], plain["features"], ours["phase_1"]),
        "phase_2": {
            last: phase_2(plain[last], ours[last]) for last in ("last_50", "last_20")
        },
        "time_to_90_24": {
            "published_s": time_to(settings["target"], plain["published"]),
            "tuned_s": time_to(settings["target"], plain["tuned"]),
            "cifarkit_s": time_to(settings["target"], ours["short"]),
        },
        "final_accuracy": {
            "plain": plain["published"]["test_accuracy"],
            "cifarkit": ours.get("default", ours["short"])["test_accuracy"],
        },
        "peak_rss_bytes": {
            side: max(part["peak_rss_bytes"] for part in sides[side].values())
            for side in sides
        },
    }
    return {
        "seed": settings["seed"],
        **around,
        **{name: prepared[name] for name in ("n_train", "n_validation", "n_test")},
        "size": settings["size"],
        "target": settings["target"],
        **figures,
        "ratios": ratios(figures),
        "evidence": {
            "definitions": DEFINITIONS,
            "settings": settings,
            "prepared": prepared,
            **sides,
        },
    }


def phase_1(live, by_hand, cached):
    """Return the figures of the head's phase."""
    return {
        "live_epoch_s": epoch_seconds(live),
        "cached_epoch_s": epoch_seconds(cached),
        "live_10_epochs_s": ten_epochs(live),
        "by_hand_10_epochs_s": ten_epochs(by_hand),
        "cached_10_epochs_with_extraction_s": ten_epochs(cached),
        "loss_difference": cached["loss_difference"],
    }


def ten_epochs(part):
    """Return the time of ten epochs, and note in the part how many were measured."""
    measured = sum(each["phase"] == 1 for each in part["epochs"])
    part["ten_epochs"] = f"{measured} measured, {10 - measured} as the median"
    return part["phase_1_s"] + (10 - measured) * epoch_seconds(part, "whole_s")


def phase_2(live, cached):
    """Return the figures of a phase that trains the last layers."""
    if live["trainable_parameters"] != cached["trainable_parameters"]:
        raise SystemExit(
            f"Expected the same layers to learn on both sides; received "
            f"{live['trainable_parameters']} parameters in plain Keras and "
            f"{cached['trainable_parameters']} in cifarkit. Their times say nothing."
        )
    return {
        "live_epoch_s": epoch_seconds(live),
        "cached_epoch_s": epoch_seconds(cached),
        "loss_difference": cached["loss_difference"],
    }


def ratios(figures):
    """Return how many times as long plain Keras took."""
    head, tails, reached = (
        figures[name] for name in ("phase_1", "phase_2", "time_to_90_24")
    )
    return {
        "phase_1_epoch": ratio(head["live_epoch_s"], head["cached_epoch_s"]),
        "phase_1_ten_epochs": ratio(
            head["live_10_epochs_s"], head["cached_10_epochs_with_extraction_s"]
        ),
        "phase_1_ten_epochs_by_hand": ratio(
            head["by_hand_10_epochs_s"], head["cached_10_epochs_with_extraction_s"]
        ),
        **{
            f"phase_2_{last}": ratio(each["live_epoch_s"], each["cached_epoch_s"])
            for last, each in tails.items()
        },
        "time_to_90_24_published": ratio(reached["published_s"], reached["cifarkit_s"]),
        "time_to_90_24_tuned": ratio(reached["tuned_s"], reached["cifarkit_s"]),
    }
