import fc from 'fast-check';

/**
 * fast-check as all tests use it. On a CI the same cases every time: whether a change lands must not hang on the luck of the day.
 * Everywhere else other cases at each run, so that people's own runs go on searching; a failure prints its seed.
 */
const CI_SEED = 4890;

if (process.env.CI) fc.configureGlobal({ ...fc.readConfigureGlobal(), seed: CI_SEED });

export { fc };
