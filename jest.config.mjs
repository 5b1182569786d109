/**
 * Layers, one jest project each (docs/testing.md). Native ESM and type stripping: no babel, no ts-jest.
 * test/run.ts chooses the projects and passes --experimental-vm-modules.
 */
const base = {
  testEnvironment: 'node',
  transform: {},
  extensionsToTreatAsEsm: ['.ts'],
};

/** @param {string} name @param {string[]} folders */
const layer = (name, folders) => ({
  ...base,
  displayName: name,
  testMatch: folders.map((folder) => `<rootDir>/test/${folder}/**/*.test.ts`),
});

export default {
  // A second is short for connections that were just closed, after ten minutes of tests in one process; what does not end by itself is found all the same.
  openHandlesTimeout: 5000,
  // The same for a worker process; jest's half a second is short for one with a hundred test files behind it.
  workerGracefulExitTimeout: 5000,
  // A limit is for what hangs; a busy machine makes anything slow. Those who need more say so themselves.
  testTimeout: 120_000,
  projects: [
    layer('fast', ['lib', 'contract', 'ci-automation', 'skiff']),
    layer('integration', ['integration']),
    layer('conformance', ['conformance']),
    layer('e2e', ['e2e']),
    layer('bench', ['bench']),
  ],
};
