const YES: readonly string[] = ['1', 'true', 't', 'yes', 'y'];

/** Whether a setting like `AVOID_NIGHTLY_BUILD_SHORTCUTS` is on. As in the original, case counts: `TRUE` is off. */
export const isOn = (value: string | undefined): boolean => value !== undefined && YES.includes(value);
