"""What becomes of relays that fare ill, each in its own way, and of those that nearly do."""

from __future__ import annotations

from typing import TYPE_CHECKING

from alert_weather import END, MetricsFile, Relay, Told, always

if TYPE_CHECKING:
    from alert_weather import Value, Weather

# What goes wrong does so from here to there.
ILL, HEALED = 20, 90


def while_ill(
    value: float, well: float | None = 0, *, begin: float = ILL, end: float = HEALED
) -> Value:
    return lambda at: value if begin <= at < end else well


def since_ill(per_minute: float, *, begin: float = ILL, end: float = HEALED) -> Value:
    """Grows from 0 on while it lasts, and is 0 before and after."""
    return lambda at: per_minute * (at - begin) if begin <= at < end else 0


def outages(minutes: float, every: float) -> Value:
    """The age, in outages of that length, one after another, to the end."""

    def age(at: float) -> float:
        into = (at - ILL) % every
        return 60 * into if at >= ILL and into < minutes else 0

    return age


def working(until: float = END, since: float = END) -> Value:
    """All that was delivered, with a pause in between."""
    return lambda at: 1_000 * (min(at, until) + max(0, at - since))


def happens(at: float, before: float = 0) -> Value:
    return lambda now: before + (now >= at)


# Or there would be no relay at all in a young world.
NEIGHBOUR = Relay("neighbour", begins=0, moves=False)
STANDSTILL = {
    "age": since_ill(60),
    "lag": since_ill(5, begin=ILL - 1),
    "delivered": working(ILL - 0.01, HEALED),
}
LATE = (
    Told("OutboxLagAge", ILL + 9, ILL + 11, HEALED, HEALED + 1, severity="ticket"),
    Told("OutboxLagAge", ILL + 34, ILL + 36, HEALED, HEALED + 1),
    Told("OutboxStalled", ILL + 9, ILL + 12, HEALED, HEALED + 1),
)


def counted(name: str, counter: str, alert: str, severity: str) -> Relay:
    told = Told(alert, ILL - 1, ILL + 1, ILL + 55, ILL + 64, severity=severity)
    return Relay(name, {counter: happens(ILL)}, [told])


def ill(weather: Weather) -> list[Relay | MetricsFile]:
    # A process takes what is wrong with it to its grave: its alert ends, and comes again.
    lasts = None if weather.replaced else HEALED
    return [
        NEIGHBOUR,
        Relay("outage", STANDSTILL, LATE),
        Relay(
            "paused",
            {**STANDSTILL, "paused": while_ill(1)},
            [*LATE, Told("OutboxPaused", ILL + 4, ILL + 6, HEALED, HEALED + 1)],
        ),
        Relay(
            "barred",
            # The head of its queue is fine.
            {"barred": while_ill(3), "delivered": working()},
            [Told("OutboxTopicBarred", ILL + 4, ILL + 6, lasts, HEALED + 1, severity="ticket")],
        ),
        Relay(
            "undrained",
            {"parked": while_ill(3), "barred": while_ill(2, end=ILL + 3), "delivered": working()},
            [
                Told(
                    "OutboxParkedNotDrained",
                    ILL + 17,
                    ILL + 19,
                    lasts,
                    HEALED + 1,
                    severity="ticket",
                )
            ],
        ),
        Relay(
            "outages",
            {"age": outages(7, 15), "delivered": working()},
            [
                Told("OutboxLateBurn", ILL + 15, ILL + 45, None, None),
                Told("OutboxLateBurn", ILL + 35, ILL + 90, None, None, severity="ticket"),
            ],
        ),
        Relay(
            "refuses",
            {"refused": happens(ILL + 5, before=7)},
            [Told("OutboxAppendFailures", ILL + 4, ILL + 6, None, ILL + 17)],
        ),
        Relay(
            "invalid",
            {"invalid": happens(ILL + 5, before=7)},
            [
                Told(
                    *("OutboxAppendFailures", ILL + 4, ILL + 6, None, ILL + 22),
                    severity="ticket",
                )
            ],
        ),
        counted("dead-letter", "dead_letters", "OutboxDeadLetters", "ticket"),
        counted("corrupt", "corrupt", "OutboxCorruption", "page"),
        counted("missing", "missing", "OutboxSequenceGaps", "ticket"),
        counted("out-of-sequence", "out_of_sequence", "OutboxSequenceGaps", "ticket"),
        counted("another-cluster", "cluster_changes", "OutboxClusterChanged", "page"),
        Relay(
            "stuck",
            {"tick_age": since_ill(60)},
            [Told("OutboxLoopStuck", ILL + 1, ILL + 3, lasts, HEALED + 1, severity="ticket")],
        ),
        Relay(
            "position",
            {"position_fails": while_ill(1)},
            [
                Told(
                    *("OutboxCheckpointFailures", ILL + 9, ILL + 11, lasts, HEALED + 1),
                    severity="ticket",
                )
            ],
        ),
        Relay(
            "deletion",
            {"deletion_fails": while_ill(1)},
            [Told("OutboxPartFailing", ILL + 4, ILL + 6, lasts, HEALED + 1, severity="ticket")],
        ),
        Relay(
            "settings",
            {"reloaded": while_ill(0, 1)},
            [
                Told(
                    *("OutboxConfigNotReloaded", ILL + 14, ILL + 16, lasts, HEALED + 1),
                    severity="ticket",
                )
            ],
        ),
        Relay(
            "on-hold",
            {"on_hold": while_ill(1, None)},
            # Nobody could read the outbox's identity: it is the place that is told.
            [
                Told(
                    *("OutboxOnHold", ILL + 4, ILL + 6, lasts, HEALED + 1),
                    identities=1 + len(weather.replaced),
                )
            ],
        ),
        Relay(
            "fills",
            {
                "disk_free": lambda at: 100e9 - 1e9 * min(max(at - ILL, 0), HEALED - ILL),
                "disk_used": lambda at: 1e9 + 1e9 * min(max(at - ILL, 0), HEALED - ILL),
            },
            [Told("OutboxDiskFillPredicted", ILL + 14, ILL + 45, HEALED, HEALED + 61)],
        ),
        Relay(
            "low",
            {"disk_free": while_ill(1e9, 100e9)},
            [Told("OutboxDiskLow", ILL + 4, ILL + 6, HEALED, HEALED + 1, severity="ticket")],
        ),
        Relay(
            "nearly-full",
            {"disk_free": while_ill(200e6, 100e9)},
            [
                Told("OutboxDiskLow", ILL + 4, ILL + 6, HEALED, HEALED + 1, severity="ticket"),
                Told("OutboxDiskLow", ILL, ILL + 2, HEALED, HEALED + 1),
            ],
        ),
        Relay(
            "down",
            answers=lambda at: not ILL + 10 <= at < HEALED,
            told=[Told("OutboxRelayDown", ILL + 15, ILL + 21, HEALED, HEALED + 1)],
            moves=False,
        ),
        Relay(
            "left-behind",
            {"age": while_ill(200, begin=ILL + 18), "lag": while_ill(9, begin=ILL + 18)},
            [Told("OutboxLeftBehind", ILL + 34, ILL + 41, ILL + 80, ILL + 91, severity="ticket")],
            gone=ILL + 24,
            moves=False,
        ),
        MetricsFile(
            dead=ILL - 3,
            told=[Told("OutboxMetricsFileStale", ILL + 3, ILL + 6, HEALED, None)],
        ),
    ]


def nearly_ill(weather: Weather) -> list[Relay | MetricsFile]:
    drained = weather.replaced[1] if weather.replaced else 65
    return [
        NEIGHBOUR,
        Relay("idle"),
        Relay("busy", {"age": always(30), "lag": always(5_000), "delivered": working()}),
        Relay(
            "short-outage",
            {
                "age": since_ill(60, end=ILL + 4),
                "lag": while_ill(9, end=ILL + 4),
                "delivered": working(ILL, ILL + 4),
            },
        ),
        Relay("short-pause", {"paused": while_ill(1, end=ILL + 3)}),
        Relay("short-bar", {"barred": while_ill(1, end=ILL + 3)}),
        Relay("drains", {"parked": while_ill(1, end=ILL + 13)}),
        Relay("refused-before", veteran=True),
        Relay(
            "counted-before",
            {
                "dead_letters": always(3),
                "corrupt": always(3),
                "missing": always(3),
                "out_of_sequence": always(3),
                "cluster_changes": always(1),
            },
            veteran=True,
        ),
        Relay("slow-loop", {"tick_age": always(60)}),
        Relay(
            "short-failures",
            {
                "position_fails": while_ill(1, end=ILL + 3),
                "deletion_fails": while_ill(1, end=ILL + 3),
                "reloaded": while_ill(0, 1, end=ILL + 8),
                "on_hold": while_ill(1, None, end=ILL + 3),
            },
        ),
        Relay("another-has-it", {"held": always(1)}),
        Relay("others-fill-the-disk", {"disk_free": lambda at: 100e9 - 0.4e9 * at}),
        Relay(
            "grew-at-its-start",
            {
                "disk_free": lambda at: 99e9 if at > ILL + 2 else 100e9,
                "disk_used": lambda at: 2e9 if at > ILL + 2 else 1e9,
            },
        ),
        Relay("enough-room", {"disk_free": always(2e9)}),
        Relay("restarts", answers=lambda at: not ILL + 5 <= at < ILL + 11),
        # It was late, another pod took it over and drained it, and then it ended.
        Relay(
            "drained",
            {
                "age": since_ill(60, begin=drained - 25, end=drained - 21),
                "lag": while_ill(9, begin=drained - 25, end=drained - 21),
                "delivered": working(),
            },
            gone=drained + 10,
        ),
        MetricsFile(dead=END),
    ]
