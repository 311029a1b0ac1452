"""What a training would do, found out on a network that is thrown away."""

from cifarkit._errors import InvalidArgument
from cifarkit.training import _preparing
from cifarkit.training._ahead import Ahead
from cifarkit.training._budget import Budget
from cifarkit.training._course import Course
from cifarkit.training._devices import shared
from cifarkit.training._inputs import Data, in_memory
from cifarkit.training._network import Network
from cifarkit.training._phase import Phase
from cifarkit.training._plan import Plan, phase_plan
from cifarkit.training._timing import Timing, seconds_per_epoch


def plan_of(course: Course, data: Data, *, timed: bool) -> Plan:
    """Return what a training on these data would do.

    Args:
        course: what is trained, and how.
        data: the images.
        timed: whether the time of each phase is forecast, from real steps.
    """
    with shared(course.strategy):
        return _plan_of(course, data, timed=timed)


def _plan_of(course: Course, data: Data, *, timed: bool) -> Plan:
    network = course.network(data)
    rehearse(network, course, data)
    ahead = Ahead(network, course, data)
    plans = []
    for index, phase in enumerate(course.phases):
        measured = timed and not phase.solved
        timing = _timing(network, ahead, index, phase) if measured else None
        _preparing.prepare(network, phase)
        how, kept = ahead.describe(index), ahead.keeps(index)
        plan = phase_plan(network, phase, data, how, kept=kept, timing=timing)
        plans.append(plan)
    return Plan(
        title=course.title(data),
        images=(len(data.train), len(data.validation or ())),
        classes=data.train.classes,
        augmentation=str(course.policy),
        phases=tuple(plans),
    )


def rehearse(network: Network, course: Course, data: Data) -> None:
    """Raise what a phase would raise, before the first one begins."""
    kept = Budget.of(course, data, network).views is not None
    for number, phase in enumerate(course.phases, start=1):
        try:
            _preparing.rehearse(network, phase, data, course.policy)
            if phase.solved and not kept:
                raise InvalidArgument(
                    "Expected kept features for optimizer='lbfgs'; received "
                    f"augment={course.policy}, cache={course.cache!r} and "
                    f"{'arrays' if in_memory(data) else 'a stream'}, which keep none. "
                    "Allow it: cache='auto', no augmentation but flips, arrays for "
                    "training and validation; or choose another optimizer."
                )
        except InvalidArgument as error:
            raise type(error)(f"phase_{number}: {error}") from error


def _timing(network: Network, ahead: Ahead, index: int, phase: Phase) -> Timing:
    live = seconds_per_epoch(network, ahead.live, phase)
    if not ahead.keeps(index):
        return Timing(live)
    stage = ahead.rehearsed(index)
    return Timing(live, seconds_per_epoch(network, stage, phase), stage.seconds)
