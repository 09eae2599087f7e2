// Where panels begin to warn and to alarm: [warning, critical].
export const AGE_SECONDS = [60, 300] as const;

/** From here on /healthz says 503. */
export const TICK_SECONDS = 15;

export const FULL_IN_SECONDS = [3 * 86_400, 86_400] as const;
export const NOT_SOON_SECONDS = 30 * 86_400;
export const FREE_BYTES = [5 * 2 ** 30, 2 ** 30] as const;
