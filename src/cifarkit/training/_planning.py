"""What a training would do, found out on a network that is thrown away."""

from cifarkit._errors import InvalidArgument
from cifarkit.training import _running
from cifarkit.training._ahead import Ahead
from cifarkit.training._budget import Budget
from cifarkit.training._course import Course
from cifarkit.training._inputs import Data
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
    network = course.network(data)
    ahead = Ahead(network, course, data)
    plans = []
    rehearse(network, course, data)
    for index, phase in enumerate(course.phases):
        measured = timed and not phase.solved
        timing = _timing(network, ahead, index, phase) if measured else None
        mask = _running.prepare(network, phase)
        how = ahead.describe(index)
        plans.append(phase_plan(network, phase, mask, data, how, timing))
    return Plan(
        title=course.title(data),
        images=(len(data.train), len(data.validation or ())),
        classes=data.train.classes,
        augmentation=str(course.policy),
        phases=tuple(plans),
    )


def rehearse(network: Network, course: Course, data: Data) -> None:
    """Raise what a phase would raise, before the first one begins."""
    counts = [len(each) for each in (data.train, data.validation) if each is not None]
    kept = Budget.of(course, counts).views is not None
    for number, phase in enumerate(course.phases, start=1):
        try:
            _running.rehearse(network, phase, data, course.policy)
            if phase.solved and not kept:
                raise InvalidArgument(
                    "Expected kept features for optimizer='lbfgs'; received "
                    f"augment={course.policy} and cache={course.cache!r}, which keep "
                    "none. Allow it: cache='auto' and no augmentation but flips; or "
                    "choose another optimizer."
                )
        except InvalidArgument as error:
            raise type(error)(f"phase_{number}: {error}") from error


def _timing(network: Network, ahead: Ahead, index: int, phase: Phase) -> Timing:
    live = seconds_per_epoch(network, ahead.live, phase)
    if not ahead.keeps(index):
        return Timing(live)
    stage = ahead.rehearsed(index)
    return Timing(live, seconds_per_epoch(network, stage, phase), stage.seconds)
