// Where panels begin to warn and to alarm, [warning, critical]: where the alerts of ops/prometheus make
// a ticket and where they page.
export const AGE_SECONDS = [300, 1800] as const;
export const FREE_BYTES = [2 ** 30, 2 ** 28] as const;
export const FULL_IN_SECONDS = [86_400, 4 * 3600] as const;

/** From here on /healthz says 503. */
export const TICK_SECONDS = 15;

/** What a disk that does not fill is said to last. */
export const NOT_SOON_SECONDS = 30 * 86_400;
